// Everything that this window knows, over all of its repositories. Pure reads of the replicas.
import type { Replica } from '../../shared/client/replica.ts';
import type { Agent } from '../../shared/state/agent.ts';
import type { Approval } from '../../shared/state/approval.ts';
import type { Attempt } from '../../shared/state/attempt.ts';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded, type Run } from '../../shared/state/run.ts';

export interface Fleet {
  states(): State[];
  /** All runs, the newest first. */
  runs(): { run: Run; state: State }[];
  /** All questions that nobody has answered, the oldest first. */
  asked(): { approval: Approval; state: State }[];
  agents(): Agent[];
  findRun(id: string): { run: Run; state: State } | undefined;
  findApproval(id: string): { approval: Approval; state: State } | undefined;
  findAttempt(id: string): { attempt: Attempt; state: State } | undefined;
  /** How many runs have not ended. */
  countActive(): number;
}

/** Reads what the replicas hold at the moment of each call. */
export function createFleet(replicas: ReadonlyMap<string, Pick<Replica, 'state'>>): Fleet {
  const states = (): State[] => [...replicas.values()].map((replica) => replica.state());
  const find = <Entry>(read: (state: State) => Entry | undefined): { entry: Entry; state: State } | undefined => {
    for (const state of states()) {
      const entry = read(state);
      if (entry !== undefined) return { entry, state };
    }
    return undefined;
  };
  const runs = (): { run: Run; state: State }[] =>
    states()
      .flatMap((state) => [...state.runs.values()].map((run) => ({ run, state })))
      .sort((a, b) => compare(b.run.submittedAt, a.run.submittedAt) || compare(b.run.id, a.run.id));
  return {
    states,
    runs,
    asked: () =>
      states()
        .flatMap((state) => [...state.asked].flatMap((id) => state.approvals.get(id) ?? []).map((approval) => ({ approval, state })))
        .sort((a, b) => compare(a.approval.requestedAt, b.approval.requestedAt)),
    agents: () => [...new Map(states().flatMap((state) => [...state.agents])).values()],
    findRun(id) {
      const found = find((state) => state.runs.get(id));
      return found && { run: found.entry, state: found.state };
    },
    findApproval(id) {
      const found = find((state) => state.approvals.get(id));
      return found && { approval: found.entry, state: found.state };
    },
    findAttempt(id) {
      const found = find((state) => state.attempts.get(id));
      return found && { attempt: found.entry, state: found.state };
    },
    countActive: () => runs().filter(({ run }) => !runEnded(run)).length,
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
