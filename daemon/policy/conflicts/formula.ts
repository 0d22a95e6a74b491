// A condition as a formula that can be solved: negations stand at the atoms, and what the solver cannot know is said so.
import { type ASTNode, serialize } from '@marcbachmann/cel-js';

/** A value of the action: `action` or `context`, or the variable of a loop, and the fields from there. */
export interface Ref {
  root: string;
  path: readonly string[];
}

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** What an atom says about one value; `not` turns it around. */
export type Fact =
  | { test: 'among'; values: readonly (string | number | boolean)[]; not: boolean }
  | { test: 'compare'; by: Comparison; value: number }
  | { test: 'startsWith' | 'endsWith' | 'contains' | 'glob' | 'within'; value: string; not: boolean };

export type Formula =
  | { op: 'and' | 'or'; parts: readonly Formula[] }
  | { op: 'constant'; value: boolean }
  | { op: 'fact'; about: Ref; fact: Fact }
  | { op: 'some' | 'every'; list: Ref; variable: string; body: Formula }
  | { op: 'size'; list: Ref; by: Comparison; value: number }
  | { op: 'unknown'; text: string };

const OPPOSITE: Record<Comparison, Comparison> = { '==': '!=', '!=': '==', '<': '>=', '<=': '>', '>': '<=', '>=': '<' };
const MIRRORED: Record<Comparison, Comparison> = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** The formula of a condition, or of its negation. Variables of loops get names that are used once. */
export function readFormula(ast: ASTNode, negated = false): Formula {
  let names = 0;
  return new Reader(() => `v${names++}`).read(ast, { negated, names: new Map() });
}

interface Around {
  negated: boolean;
  names: ReadonlyMap<string, string>;
}

class Reader {
  readonly #newName: () => string;

  constructor(newName: () => string) {
    this.#newName = newName;
  }

  read(node: ASTNode, around: Around): Formula {
    switch (node.op) {
      case '&&':
      case '||': {
        const op = (node.op === '&&') === around.negated ? 'or' : 'and';
        return { op, parts: node.args.map((part) => this.read(part, around)) };
      }
      case '!_':
        return this.read(node.args, { ...around, negated: !around.negated });
      case 'value':
        return typeof node.args === 'boolean' ? { op: 'constant', value: node.args !== around.negated } : unknown(node);
      case 'id':
      case '.':
        return fact(readRef(node, around.names), { test: 'among', values: [true], not: around.negated }) ?? unknown(node);
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return readComparison(node.args, around.negated ? OPPOSITE[node.op] : node.op, around.names) ?? unknown(node);
      case 'in':
        return this.#readMembership(node.args, around) ?? unknown(node);
      case 'call':
        return readCall(node.args, around) ?? unknown(node);
      case 'rcall':
        return this.#readMethod(node.args, around) ?? unknown(node);
      default:
        return unknown(node);
    }
  }

  #readMethod([name, receiver, args]: [string, ASTNode, ASTNode[]], around: Around): Formula | undefined {
    const about = readRef(receiver, around.names);
    const [first, body] = args;
    if (about === undefined || first === undefined) return undefined;
    if ((name === 'exists' || name === 'all') && first.op === 'id' && body !== undefined) {
      const variable = this.#newName();
      const inside = { ...around, names: new Map([...around.names, [first.args, variable]]) };
      return { op: (name === 'exists') === around.negated ? 'every' : 'some', list: about, variable, body: this.read(body, inside) };
    }
    const value = readLiteral(first);
    if ((name === 'startsWith' || name === 'endsWith' || name === 'contains') && typeof value === 'string')
      return fact(about, { test: name, value, not: around.negated });
    return undefined;
  }

  /** `x in ["a", "b"]`, and `"a" in xs`, which is a loop over one value. */
  #readMembership([item, list]: [ASTNode, ASTNode], around: Around): Formula | undefined {
    const values = list.op === 'list' ? list.args.map(readLiteral) : undefined;
    if (values?.every((value) => value !== undefined))
      return fact(readRef(item, around.names), { test: 'among', values, not: around.negated });
    const ref = readRef(list, around.names);
    const value = readLiteral(item);
    if (ref === undefined || value === undefined) return undefined;
    const variable = this.#newName();
    const body = fact({ root: variable, path: [] }, { test: 'among', values: [value], not: around.negated });
    return body && { op: around.negated ? 'every' : 'some', list: ref, variable, body };
  }
}

function unknown(node: ASTNode): Formula {
  return { op: 'unknown', text: serialize(node) };
}

function fact(about: Ref | undefined, said: Fact): Formula | undefined {
  return about && { op: 'fact', about, fact: said };
}

function readRef(node: ASTNode, names: ReadonlyMap<string, string>): Ref | undefined {
  if (node.op === 'id') return { root: names.get(node.args) ?? node.args, path: [] };
  if (node.op !== '.') return undefined;
  const parent = readRef(node.args[0], names);
  return parent && { root: parent.root, path: [...parent.path, node.args[1]] };
}

function readLiteral(node: ASTNode): string | number | boolean | undefined {
  if (node.op === '-_') {
    const value = readLiteral(node.args);
    return typeof value === 'number' ? -value : undefined;
  }
  if (node.op !== 'value') return undefined;
  const { args } = node;
  if (typeof args === 'bigint') return Number(args);
  return typeof args === 'string' || typeof args === 'number' || typeof args === 'boolean' ? args : undefined;
}

/** A comparison of a value, or of the size of a list, with a literal on either side. */
function readComparison([left, right]: [ASTNode, ASTNode], by: Comparison, names: ReadonlyMap<string, string>): Formula | undefined {
  const literal = readLiteral(right);
  if (literal === undefined) {
    const mirrored = readLiteral(left);
    return mirrored === undefined ? undefined : readComparison([right, left], MIRRORED[by], names);
  }
  const sized = readSized(left, names);
  if (sized && typeof literal === 'number') return { op: 'size', list: sized, by, value: literal };
  const about = readRef(left, names);
  if (by === '==' || by === '!=') return fact(about, { test: 'among', values: [literal], not: by === '!=' });
  return typeof literal === 'number' ? fact(about, { test: 'compare', by, value: literal }) : undefined;
}

function readSized(node: ASTNode, names: ReadonlyMap<string, string>): Ref | undefined {
  if (node.op === 'call' && node.args[0] === 'size' && node.args[1][0]) return readRef(node.args[1][0], names);
  if (node.op === 'rcall' && node.args[0] === 'size' && node.args[2].length === 0) return readRef(node.args[1], names);
  return undefined;
}

function readCall([name, args]: [string, ASTNode[]], { negated, names }: Around): Formula | undefined {
  const [subject, pattern] = args;
  const value = pattern && readLiteral(pattern);
  if ((name !== 'glob' && name !== 'within') || subject === undefined || typeof value !== 'string') return undefined;
  return fact(readRef(subject, names), { test: name, value, not: negated });
}
