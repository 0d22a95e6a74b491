// The one place that knows the expression library. It compiles conditions once and evaluates them many times.
//
// E1. A condition is checked against the complete typed context that it will meet; what passes meets no absent key.
// E2. Numbers of an action are CEL doubles, and a whole number in a condition is an int: mixed arithmetic is defined here.
// E3. Evaluation never throws and never runs long: it answers true, false, or the error as a value.
import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { CONTEXT_FIELDS, type Fields, type FieldType } from './action-types.ts';
import { type Cost, costFor, estimateCost, listForbidden, listMentioned, type ShapeProblem } from './condition-shape.ts';
import { isWithin, matchGlob, readHost } from './functions.ts';
import { compileQuick, type Quick } from './quick.ts';
import { type Demand, listDemands } from './rule-index.ts';

const LIMITS = { maxAstNodes: 500, maxDepth: 32 };
/** Longest condition, in characters. */
export const MAX_CONDITION = 4_000;
/** Most steps of one evaluation; a condition that could take more on an action fails on it instead. */
const MAX_STEPS = 2_000_000;
const MAX_MESSAGE = 300;

/** What conditions of one kind can refer to: the variable `action` with exactly these fields, and `context`. */
export interface ConditionContext {
  environment: Environment;
}

/** A condition, ready to be evaluated any number of times. */
export interface Condition {
  source: string;
  /** Paths that the condition looks at: those of the action as they are, those of the context behind `context.`. */
  mentions: readonly string[];
  cost: Cost;
  /** The longest list with which it is not too much work. */
  longest: number;
  /** What must stand in an action for it to be true. */
  demands: readonly Demand[];
  quick: Quick;
  run: (variables: Variables) => unknown;
}

/** What a condition is evaluated on. */
export interface Variables {
  action: unknown;
  context: unknown;
}

export type Compiled = { ok: true; condition: Condition } | { ok: false; problems: ShapeProblem[] };
export type Outcome = { ok: true; value: boolean } | { ok: false; error: string };

/** The context in which `action` has exactly these fields. */
export function defineContext(fields: Fields): ConditionContext {
  const environment = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS });
  environment.registerVariable('action', registerFields(environment, 'Action', fields));
  environment.registerVariable('context', registerFields(environment, 'Context', CONTEXT_FIELDS));
  registerArithmetic(environment);
  environment.registerFunction('glob(string, string): bool', matchGlob);
  environment.registerFunction('within(string, string): bool', isWithin);
  environment.registerFunction('host(string): string', readHost);
  return { environment };
}

function registerFields(environment: Environment, name: string, fields: Fields): string {
  const declared = Object.fromEntries(
    Object.entries(fields).map(([field, type]) => [field, nameType(environment, `${name}_${field}`, type)]),
  );
  environment.registerType(name, { fields: declared });
  return name;
}

function nameType(environment: Environment, name: string, type: FieldType): string {
  if (typeof type === 'string') return type;
  const { list } = type;
  // A list is `{ list: <type> }` and nothing else; an object has its fields there.
  if (list !== undefined && Object.keys(type).length === 1) return `list<${nameType(environment, name, list)}>`;
  return registerFields(environment, name, type);
}

function registerArithmetic(environment: Environment): void {
  const operations = {
    '+': (a: number, b: number) => a + b,
    '-': (a: number, b: number) => a - b,
    '*': (a: number, b: number) => a * b,
    '/': (a: number, b: number) => a / b,
    '%': (a: number, b: number) => a % b,
  };
  for (const [sign, operate] of Object.entries(operations)) {
    const mixed = (a: number | bigint, b: number | bigint) => operate(Number(a), Number(b));
    environment.registerOperator(`double ${sign} int`, mixed);
    environment.registerOperator(`int ${sign} double`, mixed);
    if (sign === '%') environment.registerOperator('double % double', mixed);
  }
  // The library derives `int == double` and both `!=` from this one.
  environment.registerOperator('double == int', (a: number, b: bigint) => a === Number(b));
}

/** Compiles a condition for one context, or says what is wrong with it and where (characters from 0). */
export function compileCondition(source: string, context: ConditionContext): Compiled {
  if (source.length > MAX_CONDITION)
    return { ok: false, problems: [{ message: `The condition is longer than ${MAX_CONDITION} characters.`, start: 0 }] };
  try {
    const parsed = context.environment.parse(source);
    const forbidden = listForbidden(parsed.ast);
    if (forbidden.length > 0) return { ok: false, problems: forbidden };
    const { valid, type, error } = parsed.check();
    if (!valid) return { ok: false, problems: [describeError(error)] };
    if (type !== 'bool') return { ok: false, problems: [{ message: `A condition is true or false, but this is a ${type}.`, start: 0 }] };
    const { ast } = parsed as { ast: ASTNode };
    const cost = estimateCost(ast);
    const looks = { demands: listDemands(ast), quick: compileQuick(ast) };
    return { ok: true, condition: { source, mentions: listMentioned(ast), cost, longest: findLongest(cost), ...looks, run: parsed } };
  } catch (error) {
    return { ok: false, problems: [describeError(error)] };
  }
}

function describeError(error: unknown): ShapeProblem {
  const { summary, range, message } = error as { summary?: string; range?: { start: number }; message?: string };
  const text = summary ?? message?.split('\n')[0] ?? String(error);
  return { message: text.slice(0, MAX_MESSAGE), start: range?.start ?? 0, hint: hintFor(text) };
}

function hintFor(text: string): string | undefined {
  if (/double in list<int>/.test(text)) return 'Write the numbers of the list with a point: `[80.0, 90.0]`.';
  if (/overlaps with/.test(text)) return 'An empty list in a condition has no type; leave it out.';
  return undefined;
}

const TRUE: Outcome = { ok: true, value: true };
const FALSE: Outcome = { ok: true, value: false };

/** The longest list with which a condition of that cost stays within MAX_STEPS. */
function findLongest(cost: Cost): number {
  let fits = 0;
  let over = MAX_STEPS + 1;
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    if (costFor(cost, middle) > MAX_STEPS) over = middle;
    else fits = middle;
  }
  // Nothing that is repeated: no list is too long.
  return over > MAX_STEPS ? Infinity : fits;
}

/** Evaluates a condition on an action and its context, whose longest list (at any depth) has `longest` elements. */
export function evaluateCondition(condition: Condition, variables: Variables, longest: number): Outcome {
  if (longest > condition.longest) return { ok: false, error: `a list of the action has ${longest} elements, too many for this condition` };
  const seen = condition.quick(variables);
  if (seen !== undefined) return seen ? TRUE : FALSE;
  try {
    const value = condition.run(variables);
    return typeof value === 'boolean' ? { ok: true, value } : { ok: false, error: 'the condition was neither true nor false' };
  } catch (error) {
    return { ok: false, error: describeError(error).message };
  }
}

/** The number of elements of the longest list in a value, at any depth. */
export function findLongestList(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let longest = 0;
  if (Array.isArray(value)) {
    longest = value.length;
    for (const item of value) if (typeof item === 'object') longest = Math.max(longest, findLongestList(item));
  } else {
    for (const key in value) {
      const part = (value as Record<string, unknown>)[key];
      if (typeof part === 'object') longest = Math.max(longest, findLongestList(part));
    }
  }
  return longest;
}
