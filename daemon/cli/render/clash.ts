import type { WorktreeClash } from '../../../shared/protocol/views.ts';
import { shortId } from '../ids.ts';
import { cleanLine } from './text.ts';

/** Two worktrees that will conflict, and where, as one sentence. */
export function describeClash({ attempts, files }: WorktreeClash): string {
  const [first, second] = attempts.map(shortId);
  const more = files.length > 5 ? ` and ${files.length - 5} more` : '';
  return `${first} and ${second} will conflict in ${files.slice(0, 5).map(cleanLine).join(', ')}${more}.`;
}

/** The same of several pairs in one line; empty where there are none. */
export function summariseClashes(clashes: readonly WorktreeClash[]): string {
  const [first] = clashes;
  if (!first) return '';
  const more = clashes.length > 1 ? ` So will ${clashes.length - 1} more pair${clashes.length === 2 ? '' : 's'}: signalbox worktrees` : '';
  return `${describeClash(first)}${more}`;
}
