// What the result of a merge has to pass before the branch moves.
import type { Stage } from '../../shared/state/run.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import type { Place } from './submit.ts';

/** A command that checks a stage's work, with the key of its question and the id of its task. */
export interface CheckCommand {
  text: string;
  argv: string[];
  key: string;
  task: string;
}

/** Stands among the checks of a merge for the repository's own test command. */
export const TESTS = 'tests';
/** Most commands that check one merge, and characters that they have together: they stand in the record. */
export const MAX_CHECKS = 10;
const MAX_CHARACTERS = 8_192;

/** The fact of a stage that holds the commands; undefined when they are more than a fact holds. */
export function writeMergeChecks(checks: readonly string[][]): string | undefined {
  const text = JSON.stringify(checks);
  return checks.length <= MAX_CHECKS && text.length <= MAX_CHARACTERS ? text : undefined;
}

/** The commands that check a merge, each with the key of its question and the id of its task; none before they are known. */
export function listMergeChecks({ facts }: Pick<Stage, 'facts'>): CheckCommand[] {
  const { checks, task = '' } = facts;
  if (checks === undefined) return [];
  return (JSON.parse(checks) as string[][]).map((argv, index) => ({
    text: argv.join(' ').slice(0, 200),
    argv,
    key: `check:${index}`,
    task: `${task}.check-${index}`,
  }));
}

/** The branch may move: everything was allowed, and the result passed its checks. */
export function startMerge({ run, definition }: Place, def: StageDefinition, stage: Stage): Command[] {
  const { from = '', expected = '', tree = '' } = stage.facts;
  const message = `Merge ${definition.workflow} run ${run.id.slice(-12)}`;
  const how = def.merge?.how ?? 'merge';
  return [{ type: 'merge/start', run: run.id, stage: def.id, into: run.into ?? '', from, expected, tree, message, how }];
}
