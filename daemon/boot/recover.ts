/** What a start does about the runs that the last one left. */
import type { State } from '../../shared/state/evolve.ts';
import type { Commit } from '../../shared/events/envelope.ts';
import { type Run, runEnded } from '../../shared/state/run.ts';
import type { Command, CommandResult } from '../commands.ts';
import type { Definitions } from '../coordinator/definitions.ts';
import type { Rulebook } from '../coordinator/rulebook.ts';
import { applyRepositoryPolicies, type RunPorts } from '../coordinator/submit-run.ts';
import { writeLog } from '../platform/log.ts';
import { ATTEMPT_TAG, endTree } from '../platform/process.ts';
import { reconcile } from '../scheduler/reconcile.ts';

/** Time that what is left of an attempt gets to end by itself, in milliseconds. */
const GRACE_MS = 500;

/** Ends the processes of attempts that were under way on this machine, found by their tag; says how many attempts that concerned. */
export async function endLeftovers(state: State, host: string): Promise<number> {
  const mine = [...state.active].flatMap((id) => state.attempts.get(id) ?? []).filter((a) => a.host === host);
  await Promise.all(mine.map(({ id }) => endTree({ tag: { name: ATTEMPT_TAG, value: id } }, { graceMs: GRACE_MS })));
  return mine.length;
}

/** Records what was interrupted, and brings back what unfinished runs need in memory: their definitions and policies. */
export async function restoreRuns({
  state,
  definitions,
  runPorts,
  tell,
}: {
  state: State;
  definitions: Definitions;
  runPorts: RunPorts;
  tell(command: Command): Promise<CommandResult>;
}): Promise<void> {
  const open = [...state.runs.values()].filter((run) => !runEnded(run));
  for (const run of open) await definitions.load(run.workflow.digest);
  for (const repo of new Set(open.flatMap((run) => run.repo ?? []))) {
    try {
      const configuration = await runPorts.readConfiguration(await runPorts.inspectRepo(repo));
      await applyRepositoryPolicies(runPorts, repo, configuration, runPorts.trustedDigest(repo) === configuration.digest);
    } catch (error) {
      // The host's policies stay in force; the run itself will say what is wrong with its repository.
      writeLog('policies.not_restored', { repo, error });
    }
  }
  await Promise.all([...state.runs.values()].map((run) => restoreRules(run, runPorts, tell)));
  await Promise.all(reconcile(state).map(tell));
}

/** A run that brought rules of its own goes on with them, or not at all. */
async function restoreRules(
  run: Run,
  { rulebook, readSource }: RunPorts,
  tell: (command: Command) => Promise<CommandResult>,
): Promise<void> {
  const { policy } = run.origin ?? {};
  if (!policy) return;
  const { file, artifact } = policy;
  try {
    const loaded = rulebook.loadForRun(run.id, { file, text: await readSource(artifact), origin: 'user', trusted: true });
    if (loaded.ok) return;
    writeLog('policies.not_restored', { run: run.id, problems: loaded.problems });
  } catch (error) {
    writeLog('policies.not_restored', { run: run.id, error });
  }
  if (!runEnded(run)) await tell({ type: 'run/pause', run: run.id, by: 'daemon', reason: `Its own rules (${file}) do not load any more.` });
}

/** Lets the rules of runs go that have left memory. */
export function forgetRules(rulebook: Pick<Rulebook, 'forgetRun'>): (commits: readonly Commit[]) => void {
  return (commits) => {
    for (const { events } of commits)
      for (const event of events) if (event.type === 'archive.moved') for (const run of event.data.runs) rulebook.forgetRun(run);
  };
}
