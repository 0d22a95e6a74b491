// Decides one action by the loaded policies. Pure, and the same for the same input whatever the order of files and rules.
//
// D1. Deny beats require_approval beats warn beats allow.
// D2. The default of a layer counts unless a rule that was evaluated without error, and blocks in full where it says deny,
//     decides. So neither a broken condition nor a rule that only warns ever permits more than no rule at all.
// D3. The host's layer and the repository's are decided apart and the stricter answer stands: a repository never loosens.
// D4. A condition that fails matches when its rule denies, asks or warns, and does not match when its rule allows.
// D5. A rule of the user's that allows can except rules of the host that ask, by name. Nothing excepts a rule that denies.
import type { Action, Decision, Effect, Reason } from '../../shared/state/action.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { collectObligations } from './asking.ts';
import { evaluateCondition, findLongestList } from './condition.ts';
import { compareStrictness, type Layer, type Policies, type PolicyDefault, pickStrictest, type Rule } from './rules.ts';
import { collectTimeout } from './timeout.ts';
import { excerptValues } from './values.ts';

const MAX_REASONS = 50;
/** So that sixteen decisions fit into one commit, each with its context. */
const MAX_DECISION_BYTES = 2_500;

/** What is decided, and how things stand. */
interface Case {
  action: Action;
  context: DecisionContext;
  /** Elements of the longest list in either. */
  longest: number;
}

/** A rule that matched, with the effect that it has after its policy's enforcement. */
interface Match {
  rule: Rule;
  effect: Effect;
  /** Whether it replaces the default of its layer (D2). */
  decisive: boolean;
  reason: Reason;
}

/** What the policies say about an action, with the rules that matched and why; about 2,500 bytes as JSON at most. */
export function decideAction(policies: Policies, action: Action, context: DecisionContext): Decision {
  const given: Case = { action, context, longest: Math.max(findLongestList(action), findLongestList(context)) };
  const matches = setAside(policies.byKind[action.kind].map((rule) => matchRule(rule, given)).filter((match) => match !== undefined));
  const layers = [decideLayer('host', matches, policies.defaults), decideLayer('repository', matches, policies.defaults)];
  const reasons = layers.flatMap((layer) => layer.reasons).sort(compareReasons);
  const effect = pickStrictest(layers.flatMap((layer) => layer.effect ?? [])) ?? 'require_approval';
  const asking = matches.filter((match) => match.effect === 'require_approval').map((match) => match.rule);
  const obligations = {
    ...(effect === 'require_approval' ? collectObligations(asking) : {}),
    ...collectTimeout(matches.map((match) => match.rule)),
  };
  return { effect, reasons: boundReasons(reasons), obligations };
}

function matchRule(rule: Rule, given: Case): Match | undefined {
  const outcome =
    rule.condition === undefined ? { ok: true as const, value: true } : evaluateCondition(rule.condition, given, given.longest);
  if (outcome.ok ? !outcome.value : rule.effect === 'allow') return undefined;
  const effect = enforce(rule.effect, rule.enforcement);
  const message = [rule.message];
  if (effect !== rule.effect)
    message.push(
      rule.enforcement === 'soft'
        ? 'The policy is soft, so a person may override this refusal.'
        : 'The policy only warns, so this blocks nothing.',
    );
  if (!outcome.ok) message.push(`The condition could not be evaluated (${outcome.error}), so the rule counts as matched.`);
  const reason: Reason = {
    policy: rule.policy,
    version: rule.version,
    rule: rule.id,
    effect,
    message: message.join(' '),
    severity: rule.severity,
    values: excerptValues({ ...given.action, context: given.context }, rule.condition?.mentions ?? []),
  };
  const decisive = outcome.ok && effect === rule.effect && rule.enforcement !== 'warn' && rule.timeout === undefined;
  return { rule, effect, decisive, reason };
}

/** D5: what the user excepts asks no more; what denies, and what a repository asks, stays. */
function setAside(matches: readonly Match[]): Match[] {
  const excepted = new Set(matches.flatMap(({ rule, decisive }) => (decisive && rule.layer === 'host' ? (rule.excepts ?? []) : [])));
  if (excepted.size === 0) return [...matches];
  return matches.filter(
    ({ rule }) => rule.layer !== 'host' || rule.effect !== 'require_approval' || !excepted.has(`${rule.policy}/${rule.id}`),
  );
}

/** What an effect becomes under the enforcement of its policy. */
export function enforce(effect: Effect, enforcement: Rule['enforcement']): Effect {
  if (effect === 'deny' && enforcement === 'soft') return 'require_approval';
  if ((effect === 'deny' || effect === 'require_approval') && enforcement === 'warn') return 'warn';
  return effect;
}

/** The answer of one layer; a repository that has no default and no rule that matched has none. */
function decideLayer(
  layer: Layer,
  all: readonly Match[],
  defaults: readonly PolicyDefault[],
): { effect: Effect | undefined; reasons: Reason[] } {
  const matches = all.filter((match) => match.rule.layer === layer);
  const reasons = matches.map((match) => match.reason);
  if (!matches.some((match) => match.decisive)) {
    const own = defaults
      .filter((each) => each.layer === layer)
      .map(explainDefault)
      .sort(compareReasons)[0];
    const fallback = own ?? (layer === 'host' ? NO_DEFAULT : undefined);
    if (fallback !== undefined) reasons.push(fallback);
  }
  return { effect: pickStrictest(reasons.map((reason) => reason.effect)), reasons };
}

function explainDefault({ policy, version, effect }: PolicyDefault): Reason {
  return {
    policy,
    version,
    rule: 'default',
    effect,
    message: 'No rule decides this action, so the default of the policy holds.',
    severity: 'info',
    values: {},
  };
}

const NO_DEFAULT: Reason = {
  policy: 'signalbox',
  version: '',
  rule: 'default',
  effect: 'require_approval',
  message: 'No rule and no default decides this action, so a person is asked.',
  severity: 'info',
  values: {},
};

/** Keeps the strictest reasons within the size of one field of a commit; values go before whole reasons do. */
function boundReasons(reasons: readonly Reason[]): Reason[] {
  const kept: Reason[] = [];
  const encoder = new TextEncoder();
  let left = MAX_DECISION_BYTES;
  for (const reason of reasons) {
    const fitting = [reason, { ...reason, values: {} }].find((each) => encoder.encode(JSON.stringify(each)).length <= left);
    // The strictest reason always stays: a decision without any would explain nothing.
    if (kept.length > 0 && (fitting === undefined || kept.length === MAX_REASONS)) break;
    const next = fitting ?? { ...reason, values: {} };
    left -= encoder.encode(JSON.stringify(next)).length;
    kept.push(next);
  }
  return kept;
}

const SEVERITIES: readonly Reason['severity'][] = ['critical', 'high', 'medium', 'low', 'info'];

/** Strictest first, then gravest, then by name, so that the order of files never shows. */
function compareReasons(a: Reason, b: Reason): number {
  const names = (reason: Reason) => `${reason.policy}\n${reason.rule}\n${reason.version}\n${reason.message}`;
  return (
    compareStrictness(a.effect, b.effect) ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    (names(a) < names(b) ? -1 : names(a) > names(b) ? 1 : 0)
  );
}
