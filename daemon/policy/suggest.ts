// From what people said yes to, a few rules that would have said it in their place. Greedy: each step takes the rule that
// answers most of what is left.
//
// S1. No rule is offered that matches anything a person or a rule ever denied.
// S2. Among rules that answer the same, the narrowest is taken.
import type { Action, ActionKind } from '../../shared/state/action.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { compileCondition, type Condition, evaluateCondition, findLongestList } from './condition.ts';
import { contextFor } from './load.ts';
import { conditionsFor } from './rule-for-action.ts';

/** An action that was decided, and what came of it. */
export interface Case {
  action: Action;
  context: DecisionContext;
  /** `granted`: a person was asked, said yes, and would be asked again. */
  outcome: 'granted' | 'denied' | 'other';
  /** Rules that ask now, as `policy/rule`. */
  asking: readonly string[];
}

/** A rule to offer. */
export interface Suggestion {
  on: ActionKind;
  when: string;
  /** Rules that it answers in the user's place, as `policy/rule`. */
  excepts: string[];
  /** How many answers it would have given. */
  covers: number;
  example: string;
}

const MAX_SUGGESTIONS = 12;
/** Actions from which rules are made. */
const MAX_SOURCES = 300;
/** Fewer answers than this make no rule. */
const LEAST = 2;

interface Candidate {
  when: string;
  kind: ActionKind;
  matched: readonly Case[];
  example: string;
}

/** At most 12 rules, those that would have answered most first. */
export function suggestRules(cases: readonly Case[]): Suggestion[] {
  const candidates = listCandidates(cases);
  const suggestions: Suggestion[] = [];
  const left = new Set(cases.filter(({ outcome }) => outcome === 'granted'));
  while (suggestions.length < MAX_SUGGESTIONS) {
    const gain = (candidate: Candidate): number => candidate.matched.filter((one) => left.has(one)).length;
    const best = candidates.reduce<Candidate | undefined>((a, b) => (a === undefined || gain(b) > gain(a) ? b : a), undefined);
    if (best === undefined || gain(best) < LEAST) break;
    const answered = best.matched.filter((one) => left.has(one));
    const excepts = [...new Set(answered.flatMap(({ asking }) => asking))].filter((rule) => !rule.endsWith('/default')).sort();
    suggestions.push({ on: best.kind, when: best.when, excepts, covers: answered.length, example: best.example });
    for (const one of answered) left.delete(one);
  }
  return suggestions;
}

/** Every condition that matches some of what was granted and nothing that was denied; narrow ones first. */
function listCandidates(cases: readonly Case[]): Candidate[] {
  const sources = cases.filter(({ outcome }) => outcome === 'granted').slice(-MAX_SOURCES);
  const byWhen = new Map<string, { kind: ActionKind; breadth: number; example: string }>();
  for (const { action } of sources)
    conditionsFor(action).forEach((when, breadth) => {
      const key = `${action.kind}\n${when}`;
      if (!byWhen.has(key)) byWhen.set(key, { kind: action.kind, breadth, example: action.summary });
    });
  return [...byWhen]
    .sort(([, a], [, b]) => a.breadth - b.breadth)
    .flatMap(([key, { kind, example }]) => {
      const when = key.slice(kind.length + 1);
      const compiled = compileCondition(when, contextFor(kind));
      if (!compiled.ok) return [];
      const matched = cases.filter((one) => one.action.kind === kind && matches(compiled.condition, one));
      return matched.some(({ outcome }) => outcome === 'denied')
        ? []
        : [{ when, kind, matched: matched.filter(({ outcome }) => outcome === 'granted'), example }];
    });
}

function matches(condition: Condition, { action, context }: Case): boolean {
  const outcome = evaluateCondition(condition, { action, context }, findLongestList(action));
  return outcome.ok && outcome.value;
}
