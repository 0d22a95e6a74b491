// What the keys of one rule say together: each is well formed, but not every combination has a meaning.
import { type Problem, problemAt, type Source } from '../../shared/yaml/source.ts';
import type { RuleShape } from './load-shape.ts';

/** The problems of a rule whose keys do not go together. */
export function checkRule(source: Source, shape: RuleShape, index: number, origin: 'builtin' | 'user' | 'repository'): Problem[] {
  const problem = (key: string, code: string, message: string): Problem =>
    problemAt(source, ['rules', index, key], { code, message, on: 'key' });
  const problems: Problem[] = [];
  // A deny may ask too: a soft policy turns it into a question.
  if (shape.effect === 'allow' || shape.effect === 'warn')
    for (const key of ['approvers', 'quorum', 'escalate', 'expires'] as const)
      if (shape[key] !== undefined) problems.push(problem(key, 'no-approval', `\`${key}\` has no meaning for a rule that asks nobody.`));
  const { approvers, quorum = 1, excepts } = shape;
  if (approvers !== undefined && !approvers.includes('human') && new Set(approvers).size < quorum)
    problems.push(problem('quorum', 'quorum', `${quorum} have to say yes, but only ${new Set(approvers).size} may.`));
  if (excepts !== undefined && shape.effect !== 'allow')
    problems.push(problem('excepts', 'excepts', '`excepts` belongs to a rule that allows.'));
  if (excepts !== undefined && origin === 'repository')
    problems.push(problem('excepts', 'excepts', 'A repository never loosens; only a policy of the user can except a rule.'));
  const bounds = shape.on.every((kind) => kind === 'task.submit') && (shape.effect === 'allow' || shape.effect === 'warn');
  if (shape.timeout !== undefined && !bounds)
    problems.push(problem('timeout', 'no-timeout', '`timeout` belongs to a rule on `task.submit` alone that allows or warns.'));
  return problems;
}
