// A quick look at a condition: most rules are seen not to match, or to match, without the expression library.
//
// Q1. It says true or false only where the library would say the same, without an error; about anything else it says nothing.
// Q2. It knows a part of the language: what is simple, and what rules are mostly made of.
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Variables } from './condition.ts';
import { compileGlob } from './functions.ts';

/** What a condition is for some variables, or undefined when only the library can say. */
export type Quick = (variables: Variables) => boolean | undefined;

/** A part of a condition that is true, false, or not known here. */
type Test = () => boolean | undefined;
/** A part that has a value; UNKNOWN where it is not known here. */
type Term = () => unknown;

const UNKNOWN = Symbol('unknown');

/** The variables of a condition, and of the loops in it; each holds what it stands at. */
type Cells = ReadonlyMap<string, { value: unknown }>;

/** Makes the quick look at a condition that was checked against its types. */
export function compileQuick(ast: ASTNode): Quick {
  const action = { value: undefined as unknown };
  const context = { value: undefined as unknown };
  const test = compileTest(
    ast,
    new Map([
      ['action', action],
      ['context', context],
    ]),
  );
  return (variables) => {
    action.value = variables.action;
    context.value = variables.context;
    return test();
  };
}

function compileTest(node: ASTNode, cells: Cells): Test {
  switch (node.op) {
    case '&&':
      return compileBoth(node.args, cells, false);
    case '||':
      return compileBoth(node.args, cells, true);
    case '!_': {
      const inner = compileTest(node.args, cells);
      return () => {
        const value = inner();
        return value === undefined ? undefined : !value;
      };
    }
    case '==':
      return compileCompared(node.args, cells, (a, b) => a === b);
    case '!=':
      return compileCompared(node.args, cells, (a, b) => a !== b);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compileOrdered(node.op, node.args, cells);
    case 'in':
      return compileIn(node.args, cells);
    case 'call':
    case 'rcall':
      return compileCall(node, cells);
    default:
      return asBoolean(compileTerm(node, cells));
  }
}

/** Either side alone settles it with `settling`, whatever the other side is, also an error; so the library has it too. */
function compileBoth([left, right]: readonly [ASTNode, ASTNode], cells: Cells, settling: boolean): Test {
  const a = compileTest(left, cells);
  const b = compileTest(right, cells);
  return () => {
    const first = a();
    if (first === settling) return settling;
    const second = b();
    if (second === settling) return settling;
    return first === undefined || second === undefined ? undefined : !settling;
  };
}

function asBoolean(term: Term): Test {
  return () => {
    const value = term();
    return typeof value === 'boolean' ? value : undefined;
  };
}

type Comparison = (a: unknown, b: unknown) => boolean;

function compileCompared([left, right]: readonly [ASTNode, ASTNode], cells: Cells, compare: Comparison): Test {
  const a = compileTerm(left, cells);
  const b = compileTerm(right, cells);
  return () => {
    const first = a();
    const second = b();
    return isScalar(first) && typeof first === typeof second ? compare(first, second) : undefined;
  };
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));

const ORDERED = {
  '<': (a: number, b: number) => a < b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '>=': (a: number, b: number) => a >= b,
};

/** Of numbers only: how texts are ordered is left to the library. */
function compileOrdered(sign: keyof typeof ORDERED, [left, right]: readonly [ASTNode, ASTNode], cells: Cells): Test {
  const a = compileTerm(left, cells);
  const b = compileTerm(right, cells);
  const compare = ORDERED[sign];
  return () => {
    const first = a();
    const second = b();
    return typeof first === 'number' && typeof second === 'number' ? compare(first, second) : undefined;
  };
}

function compileIn([left, right]: readonly [ASTNode, ASTNode], cells: Cells): Test {
  const item = compileTerm(left, cells);
  const list = compileTerm(right, cells);
  return () => {
    const value = item();
    const values = list();
    return typeof value === 'string' && Array.isArray(values) ? values.includes(value) : undefined;
  };
}

function compileCall(node: Extract<ASTNode, { op: 'call' | 'rcall' }>, cells: Cells): Test {
  if (node.op === 'call') {
    const [name, [text, pattern]] = node.args;
    if (name !== 'glob' || !text || pattern?.op !== 'value' || typeof pattern.args !== 'string') return () => undefined;
    const path = compileTerm(text, cells);
    const matches = compileGlob(pattern.args);
    return () => {
      const value = path();
      return typeof value === 'string' ? matches(value) : undefined;
    };
  }
  const [name, receiver, [first, second]] = node.args;
  if (!first) return () => undefined;
  switch (name) {
    case 'exists':
      return compileLoop([receiver, first, second], cells, true);
    case 'all':
      return compileLoop([receiver, first, second], cells, false);
    case 'startsWith':
      return compileTexts([receiver, first], cells, (text, part) => text.startsWith(part));
    case 'endsWith':
      return compileTexts([receiver, first], cells, (text, part) => text.endsWith(part));
    case 'contains':
      return compileTexts([receiver, first], cells, (text, part) => text.includes(part));
    default:
      return () => undefined;
  }
}

function compileTexts([left, right]: readonly [ASTNode, ASTNode], cells: Cells, test: (a: string, b: string) => boolean): Test {
  const a = compileTerm(left, cells);
  const b = compileTerm(right, cells);
  return () => {
    const first = a();
    const second = b();
    return typeof first === 'string' && typeof second === 'string' ? test(first, second) : undefined;
  };
}

/** `exists` is settled by one element that is true, `all` by one that is false. */
function compileLoop([receiver, variable, body]: readonly [ASTNode, ASTNode, ASTNode | undefined], cells: Cells, settling: boolean): Test {
  if (variable.op !== 'id' || !body) return () => undefined;
  const cell = { value: undefined as unknown };
  const list = compileTerm(receiver, cells);
  const test = compileTest(body, new Map([...cells, [variable.args, cell]]));
  return () => {
    const items = list();
    if (!Array.isArray(items)) return undefined;
    let known = true;
    for (const item of items) {
      cell.value = item;
      const result = test();
      if (result === settling) return settling;
      known &&= result !== undefined;
    }
    return known ? !settling : undefined;
  };
}

function compileTerm(node: ASTNode, cells: Cells): Term {
  switch (node.op) {
    case 'value': {
      const value = readLiteral(node.args);
      return () => value;
    }
    case 'id': {
      const cell = cells.get(node.args);
      return cell ? () => cell.value : () => UNKNOWN;
    }
    case '.': {
      const parent = compileTerm(node.args[0], cells);
      const field = node.args[1];
      return () => {
        const value = parent();
        // The types were checked, so the field is one of the value's own.
        return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : UNKNOWN;
      };
    }
    case 'list': {
      const items = node.args.map((item) => (item.op === 'value' ? readLiteral(item.args) : UNKNOWN));
      return items.includes(UNKNOWN) ? () => UNKNOWN : () => items;
    }
    case 'call':
      return node.args[0] === 'size' && node.args[1].length === 1 ? sizeOf(node.args[1][0], cells) : () => UNKNOWN;
    case 'rcall':
      return node.args[0] === 'size' ? sizeOf(node.args[1], cells) : () => UNKNOWN;
    default:
      return () => UNKNOWN;
  }
}

/** Of lists only: how long a text is, is left to the library. */
function sizeOf(node: ASTNode | undefined, cells: Cells): Term {
  const term = node ? compileTerm(node, cells) : () => UNKNOWN;
  return () => {
    const value = term();
    return Array.isArray(value) ? value.length : UNKNOWN;
  };
}

/** A literal as actions hold it: whole numbers are plain numbers there. */
function readLiteral(value: unknown): unknown {
  if (typeof value === 'bigint') return value >= -1_000_000_000_000n && value <= 1_000_000_000_000n ? Number(value) : UNKNOWN;
  return isScalar(value) ? value : UNKNOWN;
}
