import type { Event } from '../events/envelope.ts';
import type { EventScope } from '../protocol/methods.ts';
import type { Approval } from './approval.ts';
import type { Recorded, State } from './evolve.ts';
import { isOfRun } from './select.ts';

const SUMMARY = /^(agent|run|approval|trust|trigger|daemon|archive)\./;

/** True when an event belongs to a scope. Agents, and what leaves memory, belong to every scope but that of one run: who looks at a run keeps it. */
export function isInScope(scope: EventScope, event: Event): boolean {
  switch (scope.kind) {
    case 'all':
      return true;
    case 'summary':
      return SUMMARY.test(event.type);
    case 'repo':
      return event.repo === scope.repo || (event.repo === undefined && /^(agent|archive)\./.test(event.type));
    case 'run':
      // With the runs that do the work of its stages.
      return isOfRun(event.run, scope.run);
    default:
      return scope satisfies never;
  }
}

/** The part of a commit that a scope sees; undefined when it sees nothing of it. */
export function narrow(scope: EventScope, commit: Recorded): Recorded | undefined {
  const { seq, at, principal } = commit;
  const events = scope.kind === 'all' ? commit.events : commit.events.filter((event) => isInScope(scope, event));
  return events.length === 0 ? undefined : { seq, at, principal, events };
}

/** The part of the state that a scope sees; entries are shared, tables are new. */
export function selectScope(state: State, scope: EventScope): State {
  if (scope.kind === 'all') return state;
  const runIds = new Set(
    [...state.runs.values()]
      .filter((r) => (scope.kind === 'run' ? isOfRun(r.id, scope.run) : scope.kind !== 'repo' || r.repo === scope.repo))
      .map((r) => r.id),
  );
  const mine = (run: string | undefined) => run !== undefined && runIds.has(run);
  // A task of no run asks, too; that is part of the summary, as its events are.
  const asks = (a: Approval) => mine(a.run) || (a.run === undefined && scope.kind === 'summary');
  const details = scope.kind !== 'summary';
  return {
    ...state,
    agents: scope.kind === 'run' ? new Map() : new Map(state.agents),
    runs: pick(state.runs, (_, id) => runIds.has(id)),
    stages: details ? pick(state.stages, (_, id) => runIds.has(id)) : new Map(),
    artifacts: details ? pick(state.artifacts, (_, id) => runIds.has(id)) : new Map(),
    tasks: details ? pick(state.tasks, (t) => mine(t.run)) : new Map(),
    attempts: details ? pick(state.attempts, (a) => mine(a.run)) : new Map(),
    approvals: pick(state.approvals, asks),
    trust:
      scope.kind === 'repo'
        ? pick(state.trust, (_, repo) => repo === scope.repo)
        : scope.kind === 'summary'
          ? new Map(state.trust)
          : new Map(),
    triggers: scope.kind === 'run' ? new Map() : pick(state.triggers, (t) => scope.kind === 'summary' || t.repo === scope.repo),
    // What fired before is for whoever decides.
    fired: new Map(),
    pins: new Map(),
    policies:
      scope.kind === 'run' ? new Map() : pick(state.policies, (_, repo) => repo === '' || scope.kind !== 'repo' || repo === scope.repo),
    pending: details ? keep(state.pending, (id) => mine(state.tasks.get(id)?.run)) : new Set(),
    active: details ? keep(state.active, (id) => mine(state.attempts.get(id)?.run)) : new Set(),
    asked: keep(state.asked, (id) => {
      const approval = state.approvals.get(id);
      return approval !== undefined && asks(approval);
    }),
    usage: { ...state.usage, runs: pick(state.usage.runs, (_, id) => runIds.has(id)) },
  };
}

function pick<Entry>(table: Map<string, Entry>, wanted: (entry: Entry, id: string) => boolean): Map<string, Entry> {
  return new Map([...table].filter(([id, entry]) => wanted(entry, id)));
}

function keep(ids: Set<string>, wanted: (id: string) => boolean): Set<string> {
  return new Set([...ids].filter(wanted));
}
