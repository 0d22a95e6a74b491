// Why an action is decided as it is: the rules that matched and what made them, and those that nearly did.
import type { Action, Decision, Effect, Reason } from '../../shared/state/action.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { breakDown, type Clause } from './clauses.ts';
import { decideAction } from './decide.ts';
import { contextFor } from './load.ts';
import type { Policies, Rule } from './rules.ts';

/** Rules that nearly matched, of which an explanation names so many. */
const MAX_NEAR = 5;
/** Clauses that may fail in a rule that nearly matched. */
const MAX_FAILING = 2;

/** A rule, with the clauses of its condition as they are for the action. */
export interface RuleView {
  policy: string;
  version: string;
  rule: string;
  /** As the rule has it, before the enforcement of its policy. */
  effect: Effect;
  enforcement: Rule['enforcement'];
  message: string;
  /** Empty for a rule that always matches. */
  condition: string;
  clauses: Clause[];
}

export interface Explanation {
  decision: Decision;
  matched: RuleView[];
  /** Nearest first. */
  near: RuleView[];
  /** How many rules are about this kind of action. */
  rules: number;
}

/** Decides an action as things stand, and says why, clause by clause. */
export function explainAction(policies: Policies, action: Action, context: DecisionContext): Explanation {
  const decision = decideAction(policies, action, context);
  const rules = policies.byKind[action.kind];
  const given = { action, context };
  const matched = rules.filter((rule) => decision.reasons.some((reason) => isOf(reason, rule)));
  return {
    decision,
    matched: matched.map((rule) => viewRule(rule, given)),
    near: pickNear(rules.filter((rule) => !matched.includes(rule)).map((rule) => viewRule(rule, given))),
    rules: rules.length,
  };
}

function isOf(reason: Reason, rule: Rule): boolean {
  return reason.rule === rule.id && reason.policy === rule.policy && reason.version === rule.version;
}

function viewRule(rule: Rule, given: { action: Action; context: DecisionContext }): RuleView {
  const { policy, version, id, effect, enforcement, message, condition } = rule;
  const clauses = condition === undefined ? [] : breakDown(condition.source, contextFor(given.action.kind), given);
  return { policy, version, rule: id, effect, enforcement, message, condition: condition?.source ?? '', clauses };
}

/** Rules of which something holds and little fails; where there are none, those whose only clause fails. */
function pickNear(views: readonly RuleView[]): RuleView[] {
  const count = (view: RuleView, holds: boolean): number => view.clauses.filter((clause) => clause.holds === holds).length;
  const sorted = views
    .filter((view) => count(view, false) > 0 && count(view, false) <= MAX_FAILING)
    .sort((a, b) => count(a, false) - count(b, false) || count(b, true) - count(a, true));
  const near = sorted.filter((view) => count(view, true) > 0);
  return (near.length > 0 ? near : sorted.filter((view) => view.clauses.length === 1)).slice(0, MAX_NEAR);
}
