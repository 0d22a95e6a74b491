import type { LoadedPolicyFile } from '../events/policy.ts';
import type { State } from './evolve.ts';
import type { RunArtifact, Stage } from './run.ts';
import type { RegisteredTrigger } from './trigger.ts';
import { emptyUsage, type UsageTotals } from './usage.ts';

type Tables = 'agents' | 'runs' | 'tasks' | 'attempts' | 'approvals' | 'trust';

/** The state as plain JSON: tables are lists of [id, entry] in their own order. */
export type StateJson = Pick<State, 'seq' | 'at' | 'epoch'> & {
  [Table in Tables]: [string, State[Table] extends Map<string, infer Entry> ? Entry : never][];
} & {
  pending: string[];
  active: string[];
  asked: string[];
  stages: [string, [string, Stage][]][];
  artifacts: [string, [string, RunArtifact][]][];
  /** Absent where there are no triggers. */
  triggers?: [string, RegisteredTrigger][];
  fired?: [string, [string, string][]][];
  /** Absent where nothing is pinned. */
  pins?: [string, { by: string; reason: string; at: string }][];
  /** Absent in what was folded before policies were recorded. */
  policies?: [string, readonly LoadedPolicyFile[]][];
  /** Absent in what was folded before usage was counted. */
  usage?: { day: string; overall: UsageTotals; agents: [string, UsageTotals][]; runs: [string, UsageTotals][] };
};

/** The state as plain JSON; entries are shared, not copied. */
export function toJson(state: State): StateJson {
  return {
    seq: state.seq,
    at: state.at,
    epoch: state.epoch,
    agents: [...state.agents],
    runs: [...state.runs],
    tasks: [...state.tasks],
    attempts: [...state.attempts],
    approvals: [...state.approvals],
    trust: [...state.trust],
    ...(state.triggers.size === 0 ? {} : { triggers: [...state.triggers] }),
    ...(state.fired.size === 0 ? {} : { fired: fromNested(state.fired) }),
    ...(state.pins.size === 0 ? {} : { pins: [...state.pins] }),
    policies: [...state.policies],
    pending: [...state.pending],
    active: [...state.active],
    asked: [...state.asked],
    stages: fromNested(state.stages),
    artifacts: fromNested(state.artifacts),
    usage: { ...state.usage, agents: [...state.usage.agents], runs: [...state.usage.runs] },
  };
}

/** The inverse of `toJson`. */
export function fromJson(json: StateJson): State {
  return {
    seq: json.seq,
    at: json.at,
    epoch: json.epoch,
    agents: new Map(json.agents),
    runs: new Map(json.runs),
    tasks: new Map(json.tasks),
    attempts: new Map(json.attempts),
    approvals: new Map(json.approvals),
    trust: new Map(json.trust),
    triggers: new Map(json.triggers ?? []),
    fired: toNested(json.fired ?? []),
    pins: new Map(json.pins ?? []),
    policies: new Map(json.policies ?? []),
    pending: new Set(json.pending),
    active: new Set(json.active),
    asked: new Set(json.asked),
    stages: toNested(json.stages),
    artifacts: toNested(json.artifacts),
    usage: json.usage ? { ...json.usage, agents: new Map(json.usage.agents), runs: new Map(json.usage.runs) } : emptyUsage(),
  };
}

function fromNested<Entry>(table: Map<string, Map<string, Entry>>): [string, [string, Entry][]][] {
  return [...table].map(([id, entries]) => [id, [...entries]]);
}

function toNested<Entry>(json: [string, [string, Entry][]][]): Map<string, Map<string, Entry>> {
  return new Map(json.map(([id, entries]) => [id, new Map(entries)]));
}
