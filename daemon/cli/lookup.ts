// Finds what a shortened id means, by asking the daemon for the lists.
import type { Client } from '../../shared/client/client.ts';
import type { Approval } from '../../shared/state/approval.ts';
import type { Run } from '../../shared/state/run.ts';
import { isOfRun } from '../../shared/state/select.ts';
import { CliFailure } from './failure.ts';
import { matchIds, pickOne } from './ids.ts';
import { formatAgo } from './render/time.ts';

const LIMIT = 1_000;

/** The run that the text means; throws a CliFailure when it is none, or could be several. */
export async function findRun(client: Client, given: string, now: number): Promise<Run> {
  const { runs } = await client.call('run/list', { limit: LIMIT });
  return pickOne(given, runs, 'run', (run) => `${run.workflow.name}, ${run.status}, ${formatAgo(run.submittedAt, now)}`);
}

/** The pending approvals that the text means: one by its id, or all of a run. */
export async function findPending(client: Client, given: string, now: number): Promise<Approval[]> {
  const { approvals } = await client.call('approval/list', { pending: false, limit: LIMIT });
  const pending = approvals.filter((approval) => approval.status === 'pending');
  const asking = new Set(pending.flatMap((approval) => (approval.run === undefined ? [] : listUp(approval.run))));
  const runs = matchIds(given, [...asking].sort());
  const ids = matchIds(
    given,
    approvals.map((approval) => approval.id),
  );
  const [run, ...others] = runs;
  // What runs that do the work of its stages ask is asked by it too.
  if (ids.length === 0 && run !== undefined && others.every((other) => isOfRun(other, run)))
    return pending.filter((approval) => isOfRun(approval.run, run));
  if (ids.length === 0 && run === undefined) await refuseQuietRun(client, given);
  return [pickOne(given, approvals, 'approval', describeApproval(now))];
}

/** A run, and those whose stages it does the work of. */
function listUp(run: string): string[] {
  const parts = run.split('.');
  return parts.map((_, i) => parts.slice(0, i + 1).join('.'));
}

/** A run that exists and asks nothing is no unknown id. */
async function refuseQuietRun(client: Client, given: string): Promise<void> {
  const { runs } = await client.call('run/list', { limit: LIMIT });
  const [id] = matchIds(
    given,
    runs.map((run) => run.id),
  );
  const run = runs.find((each) => each.id === id);
  if (run) throw new CliFailure(`Nothing waits in that run; it is ${run.status}.`, { code: 'not_found', facts: { run: run.id } });
}

/** The approval that the text means, whatever its status. */
export async function findApproval(client: Client, given: string, now: number): Promise<Approval> {
  const { approvals } = await client.call('approval/list', { pending: false, limit: LIMIT });
  return pickOne(given, approvals, 'approval', describeApproval(now));
}

function describeApproval(now: number): (approval: Approval) => string {
  return (approval) => `${approval.summary.slice(0, 60)}, ${approval.status}, ${formatAgo(approval.requestedAt, now)}`;
}
