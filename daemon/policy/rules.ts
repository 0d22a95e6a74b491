// What loaded policies look like to the decision: rules by kind of action, defaults by layer.
import { ACTION_KINDS, type ActionKind, type Effect, type Reason } from '../../shared/state/action.ts';
import type { Demands } from './asking.ts';
import type { Condition } from './condition.ts';
import type { RuleIndex } from './rule-index.ts';

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
  /** Files that an audit found changed are put back where it denies. */
  unasked?: 'revert';
  /** Of a task: its timeout when nobody said one, and the longest, in milliseconds. Such a rule decides nothing else. */
  timeout?: { default?: number | undefined; max?: number | undefined };
  /** Absent for a rule that always matches. */
  condition?: Condition;
  /** What its match means. */
  verdict: Verdict;
}

/** A reason for a decision, without values, and its place among others. */
export interface Because {
  reason: Reason;
  rank: string;
  /** Of its JSON. */
  bytes: number;
}

/** What the match of a rule means, with the effect that it has after its policy's enforcement. */
export interface Verdict extends Because {
  effect: Effect;
  /** Whether it replaces the default of its layer. */
  decisive: boolean;
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
  indexes: Readonly<Record<ActionKind, RuleIndex<Rule>>>;
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

/** What an effect becomes under the enforcement of its policy. */
export function enforce(effect: Effect, enforcement: Rule['enforcement']): Effect {
  if (effect === 'deny' && enforcement === 'soft') return 'require_approval';
  if ((effect === 'deny' || effect === 'require_approval') && enforcement === 'warn') return 'warn';
  return effect;
}

const EFFECTS: readonly Effect[] = ['deny', 'require_approval', 'warn', 'allow'];
const SEVERITIES: readonly Reason['severity'][] = ['critical', 'high', 'medium', 'low', 'info'];

/** Below zero when the first effect is the stricter one: deny, require_approval, warn, allow. */
export function compareStrictness(a: Effect, b: Effect): number {
  return EFFECTS.indexOf(a) - EFFECTS.indexOf(b);
}

const encoder = new TextEncoder();

/** Bytes of a value as JSON. */
export function countBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}

/** A reason with its place among others: strictest first, then gravest, then by name, so that the order of files never shows. */
export function because(reason: Reason): Because {
  const { policy, rule, version, message } = reason;
  const rank = `${EFFECTS.indexOf(reason.effect)}${SEVERITIES.indexOf(reason.severity)}${policy}\n${rule}\n${version}\n${message}`;
  return { reason, rank, bytes: countBytes(reason) };
}

export function compareRanks(a: Because, b: Because): number {
  return a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0;
}

/** The rule as it decides, with what its match means worked out. */
export function completeRule(rule: Omit<Rule, 'verdict'>): Rule {
  const effect = enforce(rule.effect, rule.enforcement);
  const softened =
    effect === rule.effect
      ? ''
      : rule.enforcement === 'soft'
        ? ' The policy is soft, so a person may override this refusal.'
        : ' The policy only warns, so this blocks nothing.';
  const { policy, version, id, severity } = rule;
  const told = because({ policy, version, rule: id, effect, message: `${rule.message}${softened}`, severity, values: {} });
  const decisive = effect === rule.effect && rule.enforcement !== 'warn' && rule.timeout === undefined;
  return { ...rule, verdict: { ...told, effect, decisive } };
}
