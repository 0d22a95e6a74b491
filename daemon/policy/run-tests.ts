import type { Decision } from '../../shared/state/action.ts';
import { decideAction } from './decide.ts';
import type { Policies } from './rules.ts';
import type { PolicyTest } from './test-file.ts';

/** What came of one test. */
export interface TestResult {
  test: PolicyTest;
  passed: boolean;
  decision: Decision;
  /** The rules that decided: those with the effect of the decision. */
  deciding: string[];
}

/** Decides each test's action. A rule is expected among those that decide, by its id or as `policy/id`. */
export function runTests(policies: Policies, tests: readonly PolicyTest[]): TestResult[] {
  return tests.map((test) => {
    const decision = decideAction(policies, test.action, test.context);
    const deciding = decision.reasons.filter(({ effect }) => effect === decision.effect);
    const named = deciding.some(({ policy, rule }) => test.rule === rule || test.rule === `${policy}/${rule}`);
    return {
      test,
      passed: decision.effect === test.expect && (test.rule === undefined || named),
      decision,
      deciding: deciding.map(({ policy, rule }) => `${policy}/${rule}`),
    };
  });
}
