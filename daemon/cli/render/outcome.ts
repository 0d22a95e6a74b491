// How a run ended: its exit code, and the last lines that a person reads about it. Pure.
import type { State } from '../../../shared/state/evolve.ts';
import type { Stage } from '../../../shared/state/run.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { shortId } from '../ids.ts';
import type { Look } from './paint.ts';
import type { Picture } from './stages.ts';
import { cleanLine, wrapText } from './text.ts';

export interface Outcome {
  exit: ExitCode;
  word: 'success' | 'denied' | 'expired' | 'failure' | 'canceled';
}

/**
 * The outcome of a run that has ended. It is denied (exit 3) when a merge or a gated stage did not happen because
 * the policy or a person said no, or when a denial made it fail; expired (exit 5) when that no came from a deadline;
 * what was merged is a success.
 */
export function outcomeOf({ state, run, definition }: Picture): Outcome {
  const stages = [...(state.stages.get(run.id)?.values() ?? [])];
  const refused = stages.filter((stage) => stage.skipped === 'denied' || (stage.status === 'failed' && stage.code === 'denied'));
  if (run.status === 'canceled') return { exit: EXIT.canceled, word: 'canceled' };
  const no = refused.some((stage) => ranOut(state, stage)) ? EXPIRED : DENIED;
  if (run.status === 'failure') return refused.length > 0 ? no : { exit: EXIT.failure, word: 'failure' };
  const essential = definition.stages.filter((def) => def.merge !== undefined || def.gate !== undefined).map((def) => def.id);
  const emptied = stages.some(
    (stage) => essential.includes(stage.id) && stage.results.length > 0 && stage.results.every((result) => !result.allowed),
  );
  const merged = run.merge !== undefined && run.merge.state !== 'failed';
  if (!merged && refused.some((stage) => essential.includes(stage.id))) return no;
  if (!merged && emptied) return stages.some((stage) => essential.includes(stage.id) && ranOut(state, stage)) ? EXPIRED : DENIED;
  return { exit: EXIT.ok, word: 'success' };
}

const DENIED: Outcome = { exit: EXIT.denied, word: 'denied' };
const EXPIRED: Outcome = { exit: EXIT.expired, word: 'expired' };

/** True when a stage was refused because nobody answered in time. */
function ranOut(state: State, stage: Stage): boolean {
  return stage.results.some((result) => !result.allowed && state.approvals.get(result.approval ?? '')?.status === 'expired');
}

/** The branch that holds the run's work, if it made commits. */
export function findBranch({ state, run }: Pick<Picture, 'state' | 'run'>): string | undefined {
  const attempts = [...state.attempts.values()].filter((attempt) => attempt.run === run.id && attempt.commits.length > 0);
  return attempts.at(-1)?.workspace?.branch;
}

/** Why a run that succeeded did not do what it is for. */
const WHY: Partial<Record<Outcome['word'], string>> = {
  denied: 'Something that the run is for was not allowed.',
  expired: 'Nobody answered in time, so something that the run is for was not allowed.',
};

/** The last lines about a run that has ended: what became of it, and, with `hints`, what one can do now; commands stand on lines of their own. */
export function renderOutcome(picture: Picture, look: Look, { hints = true } = {}): string[] {
  const { run } = picture;
  const { paint, width } = look;
  const { word } = outcomeOf(picture);
  const paintWord = word === 'success' ? paint.green : word === 'canceled' ? paint.yellow : paint.red;
  const why = run.status === 'success' ? (WHY[word] ?? cleanLine(run.summary)) : cleanLine(run.summary);
  const [first = '', ...rest] = wrapText(`${word}: ${why}`, width);
  const { text, commands } = describeWork(picture);
  const shown = hints ? [...commands, `signalbox runs show ${shortId(run.id)}`] : [];
  return [
    first.replace(word, paintWord(paint.bold(word))),
    ...rest,
    ...wrapText(text, width),
    ...shown.map((command) => `  ${paint.dim(command)}`),
  ];
}

function describeWork(picture: Picture): { text: string; commands: string[] } {
  const { run } = picture;
  const { merge } = run;
  if (merge?.state === 'undone') return { text: `The merge into ${cleanLine(merge.into)} was taken back.`, commands: [] };
  if (merge?.commit !== undefined)
    return {
      text: `Merged into ${cleanLine(merge.into)} as ${merge.commit.slice(0, 12)}.`,
      commands: [`signalbox undo ${shortId(run.id)}`],
    };
  const branch = findBranch(picture);
  if (branch === undefined) return { text: '', commands: [] };
  const git = run.repo === undefined ? 'git' : `git -C ${quote(run.repo)}`;
  const from = run.base?.slice(0, 12) ?? 'HEAD';
  return {
    text: `The work is on the branch ${cleanLine(branch)}. To look at it, and to merge it:`,
    commands: [`${git} log -p ${from}..${quote(branch)}`, `${git} merge ${quote(branch)}`],
  };
}

/** A word for a shell, quoted when it has to be. */
function quote(text: string): string {
  const clean = cleanLine(text);
  return /^[\w@%+=:,./~-]+$/.test(clean) ? clean : `'${clean.replaceAll("'", "'\\''")}'`;
}
