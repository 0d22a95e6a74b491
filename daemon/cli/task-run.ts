// A task of one agent as a run: the workflow that it is, and what came of it.
import type { Client } from '../../shared/client/client.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { usageFailure } from './failure.ts';
import { type PromptChoices, writePromptWorkflow } from '../../shared/state/prompt-workflow.ts';
import { parseDuration } from '../../shared/state/workflow.ts';
import { shortId } from './ids.ts';
import { findRun } from './lookup.ts';
import type { ResultOf } from '../../shared/protocol/methods.ts';
import type { Patch } from '../../shared/protocol/views.ts';
import type { Paint } from './render/paint.ts';
import { renderDiff } from './render/question.ts';
import { describeSession } from './render/sessions.ts';
import { cleanLine } from './render/text.ts';

/** Files that are named at the end, and lines and bytes of their diff. */
const MAX_FILES = 30;
const MAX_DIFF_LINES = 400;
const MAX_DIFF_BYTES = 64 * 1024;

/** The workflow of one prompt for one agent; the prompt itself is an input, so that nothing in it is a template. */
export function taskWorkflow(prompt: string, { agent, timeout = '1h', ...merge }: PromptChoices): { file: string; text: string } {
  if (!/^[a-z][a-z0-9._-]{0,63}$/.test(agent))
    throw usageFailure(`${agent} is no id of an agent.`, '`signalbox agents` lists those there are.');
  if (parseDuration(timeout) === undefined) throw usageFailure(`--timeout ${timeout} is no duration.`, 'Write 30s, 5m, 2h or 1d.');
  return writePromptWorkflow(prompt, { agent, timeout, ...merge });
}

/** Reads one `--check`: `tests`, plain words, or a JSON list where a word holds a blank or a quote. */
export function readCheck(text: string): string[] | 'tests' {
  const trimmed = text.trim();
  if (trimmed === 'tests') return 'tests';
  if (trimmed.startsWith('[')) {
    const list = parseList(trimmed);
    if (list) return list;
  } else if (trimmed !== '' && !/["'`\\$|&;<>*?()]/.test(trimmed)) return trimmed.split(/\s+/);
  throw usageFailure(
    `--check ${text} is no plain command.`,
    'Write --check "npm test", --check tests, or a list: --check \'["sh", "-c", "a b"]\'.',
  );
}

function parseList(text: string): string[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

/** The run that the text means, and the agent that worked in it last; throws a CliFailure when there is none. */
export async function findEarlierRun(client: Client, given: string, now: number): Promise<{ run: string; agent: string }> {
  const { id: run } = await findRun(client, given, now);
  const { attempts } = await client.call('run/get', { run });
  const last = attempts.findLast(({ session }) => session !== undefined);
  if (last) return { run, agent: last.agent };
  throw usageFailure(
    `No agent worked in run ${shortId(run)}, so there is nothing to go on from.`,
    'Leave --continue out, and name an --agent.',
  );
}

/** Lines about what the agent changed, which its own word does not say, and what went wrong on the way. */
export async function describeWork(client: Client, id: string, paint: Paint): Promise<string[]> {
  const detail = await client.call('run/get', { run: id });
  const work = detail.stages.find(({ id: stage }) => stage === 'work');
  const attempts = detail.attempts.filter(({ task }) => task === work?.task);
  const attempt = attempts.at(-1);
  const { toolsFailed, denied } = work?.values ?? {};
  const trouble = [
    ...(typeof toolsFailed === 'number' && toolsFailed > 0 ? [`${toolsFailed} of its tool calls did not succeed.`] : []),
    ...(typeof denied === 'number' && denied > 0
      ? [denied === 1 ? 'One thing that it wanted was denied.' : `${denied} things that it wanted were denied.`]
      : []),
  ];
  if (attempt === undefined) return trouble;
  const session = describeSession(attempt);
  const log = [`What it said: signalbox logs ${shortId(id)}`, `To go on: signalbox task "..." --continue ${shortId(id)}`];
  const commit = attempt.commits.at(-1)?.commit;
  if (commit === undefined) return ['The agent changed no file.', ...session, ...trouble, ...log];
  const none: ResultOf<'run/changes'> = { base: '', head: '', files: [], truncated: false };
  // All that the task did, in however many commits and attempts.
  const from = attempts[0]?.workspace?.base ?? detail.run.base;
  const range = { commit, ...(from === undefined ? {} : { from }) };
  const { files, patch } = await client.call('run/changes', { run: id, ...range, patchBytes: MAX_DIFF_BYTES }).catch((error: unknown) => {
    if (error instanceof SignalboxError) return none;
    throw error;
  });
  const shown = files
    .slice(0, MAX_FILES)
    .map(({ status, path, additions, deletions }) => `  ${status} ${cleanLine(path)}  +${additions} -${deletions}`);
  const more = files.length > MAX_FILES ? [`  and ${files.length - MAX_FILES} more`] : [];
  const head = `Changed ${files.length} file${files.length === 1 ? '' : 's'}:`;
  return [
    head,
    ...shown,
    ...more,
    ...(patch ? describePatch(patch, `git diff ${from === undefined ? `${short(commit)}^` : short(from)} ${short(commit)}`, paint) : []),
    '',
    ...session,
    ...trouble,
    ...log,
  ];
}

const short = (commit: string): string => commit.slice(0, 12);

/** The diff in git's colours; what is over the bound is named with the command that shows it. */
function describePatch({ text, truncated }: Patch, command: string, paint: Paint): string[] {
  if (text === '') return [];
  const lines = renderDiff(text, paint);
  const cut = truncated || lines.length > MAX_DIFF_LINES;
  const more = cut ? [paint.dim(`(The diff is longer. All of it: ${command})`)] : [];
  return ['', ...lines.slice(0, MAX_DIFF_LINES), ...more];
}
