/** What the record says of an agent's work, as words for an agent that does not remember it. */
import type { AgentPlan } from '../../shared/state/plan.ts';
import type { DiffFile } from '../workspace/diff.ts';

/** Characters of one text that is quoted; prompts and files that are named. */
const MAX_QUOTED = 2_000;
const MAX_PROMPTS = 5;
const MAX_FILES = 40;
/** Bytes at the end of an attempt's output in which its last words are looked for. */
export const LAST_BYTES = 4_096;

export interface WorkFacts {
  agent: string;
  /** What it was asked, oldest first. */
  prompts: readonly string[];
  plan: AgentPlan | undefined;
  /** The last that it said. */
  said: string;
  /** What it changed since `base`. */
  files: readonly DiffFile[];
  base: string;
}

/** At most some 16,000 characters. */
export function summarizeWork({ agent, prompts, plan, said, files, base }: WorkFacts): string {
  const marks = { completed: 'x', in_progress: '>', pending: ' ' } as const;
  const asked = prompts.slice(-MAX_PROMPTS).map((prompt) => quote(prompt.slice(0, MAX_QUOTED)));
  const steps = plan?.steps.map(({ text, status }) => `  [${marks[status]}] ${text}`) ?? [];
  const changed = files
    .slice(0, MAX_FILES)
    .map(({ status, path, additions, deletions }) => `  ${status} ${path}  +${additions} -${deletions}`);
  const more = files.length > MAX_FILES ? [`  and ${files.length - MAX_FILES} more files`] : [];
  const words = said.trim().slice(-MAX_QUOTED);
  const parts = [
    `You go on from earlier work by ${agent || 'an agent'}, of which you remember nothing. It is in the worktree that you are in. The record says of it:`,
    ...(asked.length > 0 ? [`It was asked:\n${asked.join('\n\n')}`] : []),
    ...(steps.length > 0 ? [`Its plan, ${plan?.done ?? 0} of ${plan?.total ?? 0} done:\n${steps.join('\n')}`] : []),
    ...(words === '' ? [] : [`The last that it said:\n${quote(words)}`]),
    changed.length > 0 ? `What it changed since ${base.slice(0, 12)}:\n${[...changed, ...more].join('\n')}` : 'It has changed no file yet.',
  ];
  return parts.join('\n\n');
}

const quote = (text: string): string => text.replace(/^/gm, '> ');
