// Decides one action by the loaded policies. Pure, and the same for the same input whatever the order of files and rules.
//
// D1. Deny beats require_approval beats warn beats allow.
// D2. The default of a layer counts unless a rule that was evaluated without error, and blocks in full where it says deny,
//     decides. So neither a broken condition nor a rule that only warns ever permits more than no rule at all.
// D3. The host's layer and the repository's are decided apart and the stricter answer stands: a repository never loosens.
// D4. A condition that fails matches when its rule denies, asks or warns, and does not match when its rule allows.
// D5. A rule of the user's that allows can except rules of the host that ask, by name. Nothing excepts a rule that denies.
import type { Action, Decision, Effect, Obligations, Reason } from '../../shared/state/action.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { collectObligations } from './asking.ts';
import { evaluateCondition, findLongestList } from './condition.ts';
import {
  because,
  type Because,
  compareRanks,
  countBytes,
  type Layer,
  type Policies,
  type PolicyDefault,
  type Rule,
  type Verdict,
} from './rules.ts';
import { collectTimeout } from './timeout.ts';
import { pickRules } from './rule-index.ts';
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

/** A rule that matched. */
interface Match {
  rule: Rule;
  verdict: Verdict;
}

/** A reason for the decision; that of a default has no rule. */
interface Told {
  because: Because;
  rule?: Rule;
}

/** What the policies say about an action, with the rules that matched and why; about 2,500 bytes as JSON at most. */
export function decideAction(policies: Policies, action: Action, context: DecisionContext): Decision {
  const given: Case = { action, context, longest: Math.max(findLongestList(action), findLongestList(context)) };
  const matches = setAside(listMatches(pickRules(policies.indexes[action.kind], action, given.longest), given));
  const reasons = [...decideLayer('host', matches, policies.defaults), ...decideLayer('repository', matches, policies.defaults)];
  reasons.sort((a, b) => compareRanks(a.because, b.because));
  // The host always has an answer, and the strictest stands first.
  const effect = reasons[0]?.because.reason.effect ?? 'require_approval';
  const asking = matches.filter((match) => match.verdict.effect === 'require_approval').map((match) => match.rule);
  const obligations = {
    ...(effect === 'require_approval' ? collectObligations(asking) : {}),
    ...collectUnasked(matches, effect),
    ...collectTimeout(matches.map((match) => match.rule)),
  };
  return { effect, reasons: boundReasons(reasons, given), obligations };
}

/** Files are put back only where all that stand against an edit want it; a layer's default wants the attempt stopped. */
function collectUnasked(matches: readonly Match[], effect: Effect): Pick<Obligations, 'unasked'> {
  const against = matches.filter(({ verdict }) => verdict.effect === effect);
  const blocks = effect === 'deny' || effect === 'require_approval';
  return blocks && against.length > 0 && against.every(({ rule }) => rule.unasked) ? { unasked: 'revert' } : {};
}

function listMatches(rules: readonly Rule[], given: Case): Match[] {
  const matches: Match[] = [];
  for (const rule of rules) {
    const match = matchRule(rule, given);
    if (match) matches.push(match);
  }
  return matches;
}

function matchRule(rule: Rule, given: Case): Match | undefined {
  const outcome = rule.condition === undefined ? ALWAYS : evaluateCondition(rule.condition, given, given.longest);
  if (outcome.ok) return outcome.value ? { rule, verdict: rule.verdict } : undefined;
  return rule.effect === 'allow' ? undefined : describeBroken(rule, outcome.error);
}

const ALWAYS = { ok: true, value: true } as const;

function describeBroken(rule: Rule, error: string): Match {
  const { reason } = rule.verdict;
  const message = `${reason.message} The condition could not be evaluated (${error}), so the rule counts as matched.`;
  return { rule, verdict: { ...rule.verdict, ...because({ ...reason, message }), decisive: false } };
}

/** D5: what the user excepts asks no more; what denies, and what a repository asks, stays. */
function setAside(matches: readonly Match[]): readonly Match[] {
  const excepting = matches.filter(({ rule, verdict }) => rule.excepts && verdict.decisive && rule.layer === 'host');
  if (excepting.length === 0) return matches;
  const excepted = new Set(excepting.flatMap(({ rule }) => rule.excepts ?? []));
  return matches.filter(
    ({ rule }) => rule.layer !== 'host' || rule.effect !== 'require_approval' || !excepted.has(`${rule.policy}/${rule.id}`),
  );
}

/** The answer of one layer; a repository that has no default and no rule that matched has none. */
function decideLayer(layer: Layer, all: readonly Match[], defaults: readonly PolicyDefault[]): Told[] {
  const matches = all.filter((match) => match.rule.layer === layer);
  const told: Told[] = matches.map(({ rule, verdict }) => ({ because: verdict, rule }));
  if (matches.some((match) => match.verdict.decisive)) return told;
  const own = defaults
    .filter((each) => each.layer === layer)
    .map(explainDefault)
    .sort(compareRanks)[0];
  const fallback = own ?? (layer === 'host' ? NO_DEFAULT : undefined);
  return fallback === undefined ? told : [...told, { because: fallback }];
}

function explainDefault({ policy, version, effect }: PolicyDefault): Because {
  return because({
    policy,
    version,
    rule: 'default',
    effect,
    message: 'No rule decides this action, so the default of the policy holds.',
    severity: 'info',
    values: {},
  });
}

const NO_DEFAULT: Because = because({
  policy: 'signalbox',
  version: '',
  rule: 'default',
  effect: 'require_approval',
  message: 'No rule and no default decides this action, so a person is asked.',
  severity: 'info',
  values: {},
});

/** Keeps the strictest reasons within the size of one field of a commit; values go before whole reasons do. */
function boundReasons(reasons: readonly Told[], { action, context }: Case): Reason[] {
  const kept: Reason[] = [];
  const excerpt = createExcerpts({ ...action, context });
  let left = MAX_DECISION_BYTES;
  for (const { because: told, rule } of reasons) {
    const { reason, bytes: bare } = told;
    // The strictest reason always stays: a decision without any would explain nothing.
    if (kept.length > 0 && (bare > left || kept.length === MAX_REASONS)) break;
    const { values, bytes } = excerpt(rule?.condition?.mentions ?? []);
    const fits = bare + bytes <= left;
    left -= fits ? bare + bytes : bare;
    kept.push(fits ? { ...reason, values } : reason);
  }
  return kept;
}

/** Looks values up and shortens them, each path once for all the rules that looked at it. */
function createExcerpts(all: unknown): (mentions: readonly string[]) => { values: Record<string, unknown>; bytes: number } {
  const known = new Map<string, { values: Record<string, unknown>; bytes: number }>();
  return (mentions) => {
    const key = mentions.join('\n');
    const before = known.get(key);
    if (before) return before;
    const values = excerptValues(all, mentions);
    const made = { values, bytes: countBytes(values) };
    known.set(key, made);
    return made;
  };
}
