// What the tools of a run's agents did, and what of it nobody was asked about. Pure.
import type { Attempt } from '../../../shared/state/attempt.ts';
import { countToolCalls } from '../../../shared/state/tool-call.ts';
import type { Look } from './paint.ts';
import type { Picture } from './stages.ts';
import { cleanLine, cutText } from './text.ts';

/** Calls that are shown of each attempt. */
const MAX_SHOWN = 8;

/** For each attempt with tool calls a line with their numbers, and the last of them. */
export function renderToolCalls({ state, run }: Pick<Picture, 'state' | 'run'>, look: Look): string[] {
  return [...state.attempts.values()].filter((attempt) => attempt.run === run.id).flatMap((attempt) => renderAttempt(attempt, look));
}

function renderAttempt({ stage, tools }: Attempt, { width, paint }: Look): string[] {
  if (!tools) return [];
  const all = countToolCalls(tools);
  const { completed, failed, unfinished, unasked, omitted } = tools;
  const parts = [
    `${completed} completed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(unfinished > 0 ? [`${unfinished} unfinished`] : []),
    ...(omitted > 0 ? [`${omitted} not recorded one by one`] : []),
  ];
  const head = `${cleanLine(stage ?? 'task')}: ${all} tool call${all === 1 ? '' : 's'} (${parts.join(', ')})`;
  const asked = unasked > 0 ? paint.yellow(`, ${unasked} without asking`) : '';
  const shown = tools.last.slice(-MAX_SHOWN).map(({ kind, answer, status, summary, tool }) => {
    const how = answer === 'not_asked' ? paint.yellow('not asked') : answer === 'denied' ? paint.red('denied   ') : 'allowed  ';
    const text = cutText(`${kind.padEnd(7)} ${cleanLine(summary || tool)}`, Math.max(20, width - 13));
    const ended = answer !== 'denied' && status !== 'completed' ? paint.red(` (${status})`) : '';
    return `  ${how}  ${text}${ended}`;
  });
  const more = all > shown.length ? [paint.dim(`  and ${all - shown.length} before`)] : [];
  return [`${head}${asked}`, ...more, ...shown];
}
