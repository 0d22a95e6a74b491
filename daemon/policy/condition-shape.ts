// What a condition may be made of, judged on its syntax tree before it is ever run.
//
// C1. Only functions on the list may be called: what is new in the library is refused until somebody looked at it.
// C2. Nothing recurses or repeats without a bound that is known from the tree and the longest list of the action.
import type { ASTNode } from '@marcbachmann/cel-js';
import { MAX_PATTERN } from './functions.ts';
import { suggestName } from '../../shared/yaml/source.ts';

const MAX_LOOPS = 2;
const LOOPS = new Set(['exists', 'all', 'exists_one', 'filter', 'map']);
const METHODS = new Set([...LOOPS, 'size', 'startsWith', 'endsWith', 'contains', 'lowerAscii', 'upperAscii', 'trim']);
const FUNCTIONS = new Set(['size', 'glob', 'within', 'host']);
const INSTEAD: Record<string, string> = {
  matches: 'Regular expressions can take for ever on a hostile text; use `glob(text, "pattern")`, `startsWith`, `endsWith` or `contains`.',
  dyn: '`dyn` hides a value from the check of types; use the field as it is.',
  has: 'Every field of an action is always there; compare it with `""` or use `size()`.',
  bind: 'Write the expression where it is used.',
};

/** Why a condition is refused, and the characters of it that are meant. */
export interface ShapeProblem {
  message: string;
  start: number;
  hint?: string | undefined;
}

/** The work of one evaluation, as a polynomial in the length of the longest list: `cost[n]` is the factor of length to the n. */
export type Cost = readonly number[];

/** Everything in a condition that may not be there. */
export function listForbidden(ast: ASTNode): ShapeProblem[] {
  return walk(ast, 0);
}

function walk(node: ASTNode, loops: number): ShapeProblem[] {
  const problems: ShapeProblem[] = [];
  const called = calledName(node);
  const isLoop = node.op === 'rcall' && LOOPS.has(node.args[0]);
  if (called !== undefined) problems.push(...listCallProblems(node, called));
  if (isLoop && loops + 1 > MAX_LOOPS)
    problems.push({
      message: `\`${called}\` is nested more than ${MAX_LOOPS} deep, which a long list would turn into minutes.`,
      start: node.start,
    });
  if (node.op === 'rcall') {
    // The receiver is evaluated once, before the loop; only the body is repeated.
    const [, receiver, args] = node.args;
    return [...problems, ...walk(receiver, loops), ...args.flatMap((arg) => walk(arg, loops + (isLoop ? 1 : 0)))];
  }
  return [...problems, ...listChildren(node).flatMap((child) => walk(child, loops))];
}

function calledName(node: ASTNode): string | undefined {
  return node.op === 'call' || node.op === 'rcall' ? node.args[0] : undefined;
}

function listCallProblems(node: ASTNode, name: string): ShapeProblem[] {
  const allowed = node.op === 'rcall' ? METHODS : FUNCTIONS;
  if (!allowed.has(name)) {
    const known = [...METHODS, ...FUNCTIONS];
    return [
      {
        message: `\`${name}\` cannot be used in a condition.`,
        start: node.start,
        hint: INSTEAD[name] ?? suggestName(name, known) ?? `Known are ${known.join(', ')}.`,
      },
    ];
  }
  if (name !== 'glob' || node.op !== 'call') return [];
  const pattern = node.args[1][1];
  if (pattern === undefined || (pattern.op === 'value' && typeof pattern.args === 'string' && pattern.args.length <= MAX_PATTERN))
    return [];
  return [{ message: `The pattern of \`glob\` is a text in quotes of at most ${MAX_PATTERN} characters.`, start: pattern.start }];
}

function listChildren(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = [];
  collectNodes(node.args, found);
  return found;
}

/** Arguments are nodes, texts, and lists of those; this is most of what loading costs, so nothing is copied. */
function collectNodes(part: unknown, found: ASTNode[]): void {
  if (Array.isArray(part)) for (const each of part) collectNodes(each, found);
  else if (typeof part === 'object' && part !== null && 'op' in part && 'args' in part) found.push(part as ASTNode);
}

/** The paths that a condition looks at (`commands` of the action, `context.running.agent`), without repetitions, in order. */
export function listMentioned(ast: ASTNode): string[] {
  const found = new Set<string>();
  const visit = (node: ASTNode): void => {
    const path = readPath(node);
    if (path?.startsWith('action.')) found.add(path.slice('action.'.length));
    else if (path?.startsWith('context.')) found.add(path);
    else for (const child of listChildren(node)) visit(child);
  };
  visit(ast);
  return [...found].sort();
}

function readPath(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== '.') return undefined;
  const parent = readPath(node.args[0]);
  return parent === undefined ? undefined : `${parent}.${node.args[1]}`;
}

/** How much work one evaluation can be at most. */
export function estimateCost(node: ASTNode): Cost {
  if (node.op === 'rcall' && LOOPS.has(node.args[0])) {
    const [, receiver, args] = node.args;
    const body = args.map(estimateCost).reduce(addCosts, [1]);
    return addCosts(estimateCost(receiver), multiplyCosts(estimateLength(receiver), body));
  }
  const children = listChildren(node).map(estimateCost).reduce(addCosts, [1]);
  // Comparing, joining or searching lists walks over them.
  const walks =
    node.op === 'in' || ((node.op === '==' || node.op === '!=' || node.op === '+') && listChildren(node).some((child) => child.op === '.'));
  return walks ? addCosts(children, [0, listChildren(node).length]) : children;
}

function estimateLength(node: ASTNode): Cost {
  if (node.op === 'list') return [node.args.length];
  if (node.op === '+') return node.args.map(estimateLength).reduce(addCosts, [0]);
  if (node.op === '?:') return node.args.slice(1).map(estimateLength).reduce(addCosts, [0]);
  if (node.op === 'rcall' && LOOPS.has(node.args[0])) return estimateLength(node.args[1]);
  return [0, 1];
}

function addCosts(a: Cost, b: Cost): Cost {
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  const sum = long.slice();
  for (const [power, factor] of short.entries()) sum[power] = (sum[power] ?? 0) + factor;
  return sum;
}

function multiplyCosts(a: Cost, b: Cost): Cost {
  const product = Array.from({ length: a.length + b.length - 1 }, () => 0);
  a.forEach((x, i) => b.forEach((y, j) => (product[i + j] = (product[i + j] ?? 0) + x * y)));
  return product;
}

/** The cost of one evaluation for an action whose longest list has that many elements. */
export function costFor(cost: Cost, longest: number): number {
  return cost.reduce((sum, factor, power) => sum + factor * longest ** power, 0);
}
