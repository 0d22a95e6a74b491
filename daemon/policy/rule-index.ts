// Finds the rules that might match an action, by the literals that their conditions demand of it.
//
// I1. A rule that might match is never left out: what is demanded is false without its literal, whatever else there is.
// I2. A rule without such a demand is always among those that might match.
// I3. Where a list of the action is so long that a condition could be too much work, all rules might match.
import type { ASTNode } from '@marcbachmann/cel-js';

type Literal = string | boolean;

/** That one of the values stands at a path of the action: `commands[].program` goes through all elements of a list. */
export interface Demand {
  path: string;
  values: readonly Literal[];
}

/** What must hold of the action for the condition to be true. */
export function listDemands(ast: ASTNode): Demand[] {
  return read(ast, new Map([['action', '']]));
}

/** The paths that variables stand for; a loop's variable stands for the elements of its list. */
type Names = ReadonlyMap<string, string>;

function read(node: ASTNode, names: Names): Demand[] {
  switch (node.op) {
    case '&&':
      return node.args.flatMap((part) => read(part, names));
    case '||':
      return readEither(read(node.args[0], names), read(node.args[1], names));
    case '==':
      return [...readEqual(node.args[0], node.args[1], names), ...readEqual(node.args[1], node.args[0], names)];
    case 'in':
      return readIn(node.args[0], node.args[1], names);
    case '!_':
      return readFlag(node.args, names, false);
    case '.':
    case 'id':
      return readFlag(node, names, true);
    case 'rcall':
      return readLoop(node, names);
    default:
      return [];
  }
}

/** Both sides must demand something of the same path, then one or the other is there. */
function readEither(left: readonly Demand[], right: readonly Demand[]): Demand[] {
  return left.flatMap(({ path, values }) => {
    const other = right.find((each) => each.path === path);
    return other ? [{ path, values: [...new Set([...values, ...other.values])] }] : [];
  });
}

function readEqual(left: ASTNode, right: ASTNode, names: Names): Demand[] {
  const path = pathOf(left, names);
  const value = literalOf(right);
  return path === undefined || value === undefined ? [] : [{ path, values: [value] }];
}

function readIn(item: ASTNode, list: ASTNode, names: Names): Demand[] {
  const path = pathOf(item, names);
  if (path !== undefined && list.op === 'list') {
    const values = list.args.map(literalOf);
    return values.every((value) => value !== undefined) ? [{ path, values }] : [];
  }
  const whole = pathOf(list, names);
  const value = literalOf(item);
  return whole === undefined || value === undefined ? [] : [{ path: `${whole}[]`, values: [value] }];
}

function readFlag(node: ASTNode, names: Names, value: boolean): Demand[] {
  const path = pathOf(node, names);
  return path === undefined ? [] : [{ path, values: [value] }];
}

function readLoop(node: Extract<ASTNode, { op: 'rcall' }>, names: Names): Demand[] {
  const [name, receiver, [variable, body]] = node.args;
  if ((name !== 'exists' && name !== 'exists_one') || variable?.op !== 'id' || !body) return [];
  const list = pathOf(receiver, names);
  // An outer variable of the same name stands for something else inside.
  const inside = new Map([...names].filter(([known]) => known !== variable.args));
  if (list !== undefined) inside.set(variable.args, `${list}[]`);
  return read(body, inside);
}

function pathOf(node: ASTNode, names: Names): string | undefined {
  if (node.op === 'id') return names.get(node.args);
  if (node.op !== '.') return undefined;
  const parent = pathOf(node.args[0], names);
  return parent === undefined ? undefined : parent === '' ? node.args[1] : `${parent}.${node.args[1]}`;
}

function literalOf(node: ASTNode): Literal | undefined {
  return node.op === 'value' && (typeof node.args === 'string' || typeof node.args === 'boolean') ? node.args : undefined;
}

/** What the index needs of a rule. */
export interface Indexed {
  condition?: {
    demands: readonly Demand[];
    /** The longest list of an action with which the condition is not too much work. */
    longest: number;
  };
}

/** Rules by what they demand. */
export interface RuleIndex<R> {
  all: readonly R[];
  /** Rules of which nothing can be known in advance. */
  always: readonly R[];
  paths: readonly { steps: readonly string[]; rules: ReadonlyMap<Literal, readonly R[]> }[];
  /** With a longer list anywhere, every rule might match. */
  longest: number;
}

/** Puts each rule under the literals of the one demand that the fewest rules share. */
export function indexRules<R extends Indexed>(rules: readonly R[]): RuleIndex<R> {
  const often = countDemands(rules);
  const always: R[] = [];
  const paths = new Map<string, Map<Literal, R[]>>();
  for (const rule of rules) {
    const rarest = pickRarest(rule.condition?.demands ?? [], often);
    if (!rarest) always.push(rule);
    else {
      const byValue = paths.get(rarest.path) ?? new Map<Literal, R[]>();
      paths.set(rarest.path, byValue);
      for (const value of new Set(rarest.values)) byValue.set(value, [...(byValue.get(value) ?? []), rule]);
    }
  }
  return {
    all: rules,
    always,
    paths: [...paths].map(([path, byValue]) => ({ steps: splitPath(path), rules: byValue })),
    longest: Math.min(...rules.map((rule) => rule.condition?.longest ?? Infinity)),
  };
}

const keyOf = (path: string, value: Literal): string => `${path}\n${typeof value}\n${value}`;

function countDemands(rules: readonly Indexed[]): Map<string, number> {
  const often = new Map<string, number>();
  for (const { condition } of rules)
    for (const { path, values } of condition?.demands ?? [])
      for (const value of values) often.set(keyOf(path, value), (often.get(keyOf(path, value)) ?? 0) + 1);
  return often;
}

function pickRarest(demands: readonly Demand[], often: ReadonlyMap<string, number>): Demand | undefined {
  const weigh = ({ path, values }: Demand) => values.reduce((sum, value) => sum + (often.get(keyOf(path, value)) ?? 0), 0);
  return demands.reduce<Demand | undefined>((best, each) => (best && weigh(best) <= weigh(each) ? best : each), undefined);
}

/** `commands[].program` as `commands`, `[]`, `program`. */
function splitPath(path: string): string[] {
  return path.split('.').flatMap((step) => step.split(/(?=\[\])/));
}

/** The rules that might match an action whose longest list has `longest` elements, each once. */
export function pickRules<R>(index: RuleIndex<R>, action: unknown, longest: number): readonly R[] {
  if (longest > index.longest) return index.all;
  if (index.paths.length === 0) return index.always;
  const found = new Set<R>();
  for (const { steps, rules } of index.paths)
    visit(action, steps, 0, (value) => {
      for (const rule of rules.get(value as Literal) ?? []) found.add(rule);
    });
  return found.size === 0 ? index.always : [...index.always, ...found];
}

function visit(value: unknown, steps: readonly string[], from: number, meet: (value: unknown) => void): void {
  const step = steps[from];
  if (step === undefined) meet(value);
  else if (step === '[]') {
    if (Array.isArray(value)) for (const item of value) visit(item, steps, from + 1, meet);
  } else if (typeof value === 'object' && value !== null) visit((value as Record<string, unknown>)[step], steps, from + 1, meet);
}
