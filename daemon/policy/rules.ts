// What loaded policies look like to the decision: rules by kind of action, defaults by layer.
import { ACTION_KINDS, type ActionKind, type Effect, type Reason } from '../../shared/state/action.ts';
import type { Demands } from './asking.ts';
import type { Condition } from './condition.ts';

/** Who wrote a policy: the host (Signalbox itself, or the user) or a repository, which can only make things stricter. */
export type Layer = 'host' | 'repository';

/** One rule as it stands for one kind of action. */
export interface Rule extends Demands {
  layer: Layer;
  policy: string;
  /** First 12 hex digits of the hash of the policy's text. */
  version: string;
  enforcement: 'hard' | 'soft' | 'warn';
  id: string;
  effect: Effect;
  message: string;
  severity: Reason['severity'];
  /** Rules of the host that ask, as `policy/rule`, which this one answers in the user's place. */
  excepts?: readonly string[];
  /** Of a task: its timeout when nobody said one, and the longest, in milliseconds. Such a rule decides nothing else. */
  timeout?: { default?: number | undefined; max?: number | undefined };
  /** Absent for a rule that always matches. */
  condition?: Condition;
}

/** What a policy says where no rule of its layer matches. */
export interface PolicyDefault {
  layer: Layer;
  policy: string;
  version: string;
  /** After enforcement: a soft policy asks where it would deny. */
  effect: Effect;
}

/** A file that takes part, for the record. */
export interface PolicyFile {
  file: string;
  origin: 'builtin' | 'user' | 'repository';
  trusted: boolean;
  policy: string;
  /** Full hash of the text. */
  digest: string;
  rules: number;
}

/** Every loaded policy, indexed for decisions. */
export interface Policies {
  byKind: Readonly<Record<ActionKind, readonly Rule[]>>;
  defaults: readonly PolicyDefault[];
  files: readonly PolicyFile[];
  /** Kinds of which every action is allowed, whatever it is and however things stand. */
  permits: ReadonlySet<ActionKind>;
}

/** The kinds of which every action is allowed; rather one too few than one too many. */
export function listPermitted({ byKind, defaults }: Pick<Policies, 'byKind' | 'defaults'>): Set<ActionKind> {
  const allows = (kind: ActionKind, layer: Layer): boolean => {
    const rules = byKind[kind].filter((rule) => rule.layer === layer);
    if (rules.some((rule) => rule.effect !== 'allow' || rule.condition !== undefined || rule.timeout !== undefined)) return false;
    if (rules.some((rule) => rule.enforcement !== 'warn')) return true;
    const own = defaults.filter((each) => each.layer === layer);
    return own.every((each) => each.effect === 'allow') && (layer === 'repository' || own.length > 0);
  };
  return new Set(ACTION_KINDS.filter((kind) => allows(kind, 'host') && allows(kind, 'repository')));
}

const STRICTNESS: Record<Effect, number> = { allow: 0, warn: 1, require_approval: 2, deny: 3 };

/** Below zero when the first effect is the stricter one: deny, require_approval, warn, allow. */
export function compareStrictness(a: Effect, b: Effect): number {
  return STRICTNESS[b] - STRICTNESS[a];
}

/** The strictest of some effects, or undefined of none. */
export function pickStrictest(effects: readonly Effect[]): Effect | undefined {
  return [...effects].sort(compareStrictness)[0];
}
