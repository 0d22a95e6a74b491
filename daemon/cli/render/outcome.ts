// How a run ended: its exit code, and the last lines that a person reads about it. Pure.
import { EXIT, type ExitCode } from '../failure.ts';
import { shortId } from '../ids.ts';
import type { Look } from './paint.ts';
import type { Picture } from './stages.ts';
import { cleanLine, wrapText } from './text.ts';

export interface Outcome {
  exit: ExitCode;
  word: 'success' | 'denied' | 'failure' | 'canceled';
}

/**
 * The outcome of a run that has ended. It is denied (exit 3) when a merge or a gated stage did not happen because
 * the policy or a person said no, or when a denial made it fail; what was merged is a success.
 */
export function outcomeOf({ state, run, definition }: Picture): Outcome {
  const stages = [...(state.stages.get(run.id)?.values() ?? [])];
  const refused = stages.filter((stage) => stage.skipped === 'denied' || (stage.status === 'failed' && stage.code === 'denied'));
  if (run.status === 'canceled') return { exit: EXIT.canceled, word: 'canceled' };
  if (run.status === 'failure') return refused.length > 0 ? { exit: EXIT.denied, word: 'denied' } : { exit: EXIT.failure, word: 'failure' };
  const essential = definition.stages.filter((def) => def.merge !== undefined || def.gate !== undefined).map((def) => def.id);
  const emptied = stages.some((stage) => essential.includes(stage.id) && stage.results.length > 0 && stage.results.every((result) => !result.allowed));
  const merged = run.merge !== undefined && run.merge.state !== 'failed';
  if (!merged && (emptied || refused.some((stage) => essential.includes(stage.id)))) return { exit: EXIT.denied, word: 'denied' };
  return { exit: EXIT.ok, word: 'success' };
}

/** The branch that holds the run's work, if it made commits. */
export function findBranch({ state, run }: Pick<Picture, 'state' | 'run'>): string | undefined {
  const attempts = [...state.attempts.values()].filter((attempt) => attempt.run === run.id && attempt.commits.length > 0);
  return attempts.at(-1)?.workspace?.branch;
}

/** The last lines about a run that has ended: what became of it, and what one can do now. */
export function renderOutcome(picture: Picture, look: Look): string[] {
  const { run } = picture;
  const { paint, width } = look;
  const { word } = outcomeOf(picture);
  const paintWord = word === 'success' ? paint.green : word === 'canceled' ? paint.yellow : paint.red;
  const id = shortId(run.id);
  const summary = cleanLine(run.summary);
  const [first = '', ...rest] = wrapText(`${word}: ${word === 'denied' && run.status === 'success' ? 'Something that the run is for was not allowed.' : summary}`, width);
  return [first.replace(word, paintWord(paint.bold(word))), ...rest, ...describeWork(picture).flatMap((line) => wrapText(line, width)), paint.dim(`run ${id}  signalbox runs show ${id}`)];
}

function describeWork(picture: Picture): string[] {
  const { run } = picture;
  const id = shortId(run.id);
  const branch = findBranch(picture);
  const { merge } = run;
  if (merge?.state === 'undone') return [`The merge into ${cleanLine(merge.into)} was taken back.`];
  if (merge?.commit !== undefined) return [`Merged into ${cleanLine(merge.into)} as ${merge.commit.slice(0, 12)}. To take it back: signalbox undo ${id}`];
  if (branch === undefined) return [];
  const where = run.repo === undefined ? 'git' : `git -C ${cleanLine(run.repo)}`;
  return [`The work is on the branch ${cleanLine(branch)}. To look at it: ${where} log -p ${cleanLine(run.head ?? run.into ?? 'HEAD')}..${cleanLine(branch)}   To merge it: ${where} merge ${cleanLine(branch)}`];
}
