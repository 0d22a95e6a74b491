// Folds the record again and checks the decisions of one run on the way.
import type { Commit } from '../../../shared/events/envelope.ts';
import { evolve, type State } from '../../../shared/state/evolve.ts';
import { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { createEngineCheck, type Difference } from './engine.ts';
import type { Kept } from '../policy/record.ts';
import { createPolicyCheck } from './policy.ts';

/** What a replay found. */
export interface Report {
  /** Events of the run, steps of its engine, and decisions of the policies that were looked at. */
  events: number;
  steps: number;
  decisions: number;
  unreadable: number;
  /** Versions of Signalbox that recorded it. */
  versions: string[];
  differences: Difference[];
}

/** Most differences that are told; the first is what matters. */
const MAX_DIFFERENCES = 200;

/** Workflows by their digest, each read once. */
export function readDefinitions(kept: Kept): (digest: string) => WorkflowDefinition | undefined {
  const definitions = new Map<string, WorkflowDefinition | undefined>();
  return (digest) => {
    if (!definitions.has(digest)) definitions.set(digest, WorkflowDefinition.safeParse(kept.json(digest)).data);
    return definitions.get(digest);
  };
}

/** Checks a run over commits in order, from the state before the first, which is changed. */
export async function replayRun(
  run: string,
  { start, commits, kept }: { start: State; commits: AsyncIterable<readonly Commit[]>; kept: Kept },
): Promise<Report> {
  const engine = createEngineCheck(run, readDefinitions(kept));
  const policy = createPolicyCheck(run, kept);
  const report: Report = { events: 0, steps: 0, decisions: 0, unreadable: 0, versions: [], differences: [] };
  const versions = new Set<string>();
  let version = '';
  for await (const several of commits)
    for (const commit of several) {
      const mine = commit.events.filter((event) => event.run === run).length;
      for (const event of commit.events) if (event.type === 'daemon.started') version = event.data.version;
      if (mine > 0) {
        versions.add(version);
        const found = [engine.before(start, commit) ?? [], policy.before(start, commit)].flat();
        if (report.differences.length < MAX_DIFFERENCES) report.differences.push(...found);
        report.events += mine;
      }
      evolve(start, commit);
      if (mine > 0) engine.after(start, commit);
    }
  const { decisions, unreadable } = policy;
  return { ...report, steps: engine.steps, decisions, unreadable, versions: [...versions].filter((one) => one !== '') };
}
