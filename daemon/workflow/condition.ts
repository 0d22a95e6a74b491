// Conditions of a workflow: the same language as that of policies, over what the stages of a run reported.
//
// W1. Values are known only when a stage has ended, so a condition is checked for its form at load and for its types when it is met.
// W2. A condition that cannot be evaluated is an error with its reason, never true and never false.
import { Environment } from '@marcbachmann/cel-js';
import { listForbidden } from '../policy/condition-shape.ts';

const LIMITS = { maxAstNodes: 500, maxDepth: 32 };
const MAX_LENGTH = 4_000;

/** What a condition can refer to: the values of its own stage, the run's inputs, and the values of every stage by id. */
export interface ConditionScope {
  values: Readonly<Record<string, unknown>>;
  inputs: Readonly<Record<string, unknown>>;
  stages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What a stage of a list is about; null elsewhere. */
  item: unknown;
}

/** What the condition of a trigger can refer to. */
export interface TriggerScope {
  trigger: Readonly<Record<string, unknown>>;
}

export type ConditionOutcome = { ok: true; value: boolean } | { ok: false; error: string };

/** What a condition is about: a run, a stage of a list in it, or what a trigger fires for. */
export type ConditionSubject = 'run' | 'item' | 'trigger';

const run = makeEnvironment(['values', 'inputs', 'stages']);
const ENVIRONMENTS: Readonly<Record<ConditionSubject, Environment>> = {
  run,
  item: run.clone().registerVariable('item', 'dyn'),
  trigger: makeEnvironment(['trigger']),
};

function makeEnvironment(variables: readonly string[]): Environment {
  const environment = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS });
  for (const name of variables) environment.registerVariable(name, 'map<string, dyn>');
  for (const [sign, operate] of Object.entries({
    '+': (a: number, b: number) => a + b,
    '-': (a: number, b: number) => a - b,
    '*': (a: number, b: number) => a * b,
    '/': (a: number, b: number) => a / b,
  })) {
    const mixed = (a: number | bigint, b: number | bigint) => operate(Number(a), Number(b));
    environment.registerOperator(`double ${sign} int`, mixed);
    environment.registerOperator(`int ${sign} double`, mixed);
  }
  return environment;
}

/** Whether a condition looks at the item of a list. */
export function looksAtItem(source: string): boolean {
  return findConditionProblem(source) !== undefined && findConditionProblem(source, 'item') === undefined;
}

/** What is wrong with a condition, and at which of its characters (from 0); undefined when it can be evaluated. */
export function findConditionProblem(source: string, about: ConditionSubject = 'run'): { message: string; start: number } | undefined {
  if (source.length > MAX_LENGTH) return { message: `The condition is longer than ${MAX_LENGTH} characters.`, start: 0 };
  try {
    const parsed = ENVIRONMENTS[about].parse(source);
    const [forbidden] = listForbidden(parsed.ast);
    if (forbidden) return forbidden;
    const { valid, type, error } = parsed.check();
    if (!valid) return describe(error);
    return type === 'bool' || type === 'dyn' ? undefined : { message: `A condition is true or false, but this is a ${type}.`, start: 0 };
  } catch (error) {
    return describe(error);
  }
}

/** Evaluates a condition that `findConditionProblem` found nothing wrong with; never throws. */
export function evaluateWorkflowCondition(source: string, scope: ConditionScope | TriggerScope): ConditionOutcome {
  try {
    const value: unknown = ENVIRONMENTS['trigger' in scope ? 'trigger' : 'item'].parse(source)(scope);
    if (typeof value === 'boolean') return { ok: true, value };
    return { ok: false, error: `\`${source}\` is neither true nor false.` };
  } catch (error) {
    return { ok: false, error: `\`${source}\`: ${describe(error).message}` };
  }
}

function describe(error: unknown): { message: string; start: number } {
  const { summary, range, message } = error as { summary?: string; range?: { start: number }; message?: string };
  return { message: (summary ?? message?.split('\n')[0] ?? String(error)).slice(0, 300), start: range?.start ?? 0 };
}
