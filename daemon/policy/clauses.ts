// Takes a condition apart for a person: which of its clauses hold for an action, and the values that made it so.
// Each clause is evaluated by the same library as the whole condition, so that the explanation cannot say another thing.
import { type ASTNode, serialize } from '@marcbachmann/cel-js';
import { compileCondition, type ConditionContext, evaluateCondition, findLongestList, type Variables } from './condition.ts';
import { excerptValues } from './values.ts';

/** One clause of a condition. */
export interface Clause {
  /** As the rule's author wrote it, in the library's spelling. */
  text: string;
  holds: boolean;
  /** The element that it was looked at for, such as `action.commands[1]`; empty for a clause about the whole action. */
  at: string;
  /** What it looked at. */
  values: Record<string, unknown>;
  /** Why it could not be evaluated; empty when it was. */
  error: string;
}

/** Elements of a list that are tried one by one. */
const MAX_ELEMENTS = 20;
const MAX_CLAUSES = 40;

/** What a clause is looked at with: the variables, and the elements that the loops around it stand at. */
interface Place {
  types: ConditionContext;
  variables: Variables;
  longest: number;
  /** Loops around, outermost first. */
  bound: readonly Bound[];
}

/** A loop that stands at one element. */
interface Bound {
  name: string;
  /** The list as the author wrote it, such as `c.options`. */
  list: string;
  /** The element for a person, such as `action.commands[1]`. */
  element: string;
  value: unknown;
}

/** The clauses of a condition that was compiled with those types, each with its value; at most 40. */
export function breakDown(source: string, types: ConditionContext, variables: Variables): Clause[] {
  const { ast } = types.environment.parse(source);
  return listClauses(ast, { types, variables, longest: findLongestList(variables), bound: [] }).slice(0, MAX_CLAUSES);
}

function listClauses(node: ASTNode, place: Place): Clause[] {
  if (node.op === '&&') return node.args.flatMap((part) => listClauses(part, place));
  const clause = judge(node, place);
  // A choice that holds needs no more words than the part that made it hold; one that does not fails in all of its parts.
  if (node.op === '||') {
    const parts = node.args.map((part) => listClauses(part, place));
    if (!clause.holds) return parts.flat();
    return parts.find((part) => part.every(({ holds }) => holds)) ?? [clause];
  }
  if (node.op !== 'rcall' || clause.error !== '') return [clause];
  const [name, receiver, [variable, body]] = node.args;
  if ((name !== 'exists' && name !== 'all') || variable?.op !== 'id' || body === undefined) return [clause];
  return listInside({ loop: name, receiver, variable: variable.args, body }, clause, place);
}

/** For `exists` the element that came nearest, for `all` the first that fails: the clauses of the loop's body for that one. */
function listInside(
  { loop, receiver, variable, body }: { loop: 'exists' | 'all'; receiver: ASTNode; variable: string; body: ASTNode },
  whole: Clause,
  place: Place,
): Clause[] {
  const path = serialize(receiver);
  const list = readValue(path, place);
  if (!Array.isArray(list) || list.length === 0 || (loop === 'all' && whole.holds)) return [whole];
  const tried = list.slice(0, MAX_ELEMENTS).map((value, index) => {
    const element = `${resolveNames(path, place)}[${index}]`;
    return listClauses(body, { ...place, bound: [...place.bound, { name: variable, list: path, element, value }] });
  });
  const failing = (clauses: readonly Clause[]): number => clauses.filter(({ holds }) => !holds).length;
  const best =
    loop === 'all'
      ? tried.find((clauses) => failing(clauses) > 0)
      : [...tried].sort((a, b) => failing(a) - failing(b) || b.length - a.length)[0];
  return best ?? [whole];
}

function judge(node: ASTNode, place: Place): Clause {
  const text = serialize(node);
  const element = place.bound.at(-1);
  const clause = { text, at: element?.element ?? '', values: readValues(node, place) };
  // The loops are run over lists of one element, so that the clause needs no other spelling.
  const source = place.bound.reduceRight((inner, { name, list }) => `${list}.exists(${name}, ${inner})`, text);
  const compiled = compileCondition(source, place.types);
  if (!compiled.ok) return { ...clause, holds: false, error: compiled.problems[0]?.message ?? 'it cannot be evaluated alone' };
  const outcome = evaluateCondition(compiled.condition, narrow(place), place.longest);
  return outcome.ok ? { ...clause, holds: outcome.value, error: '' } : { ...clause, holds: false, error: outcome.error };
}

/** The variables with each list that a loop runs over cut down to the element that the loop stands at. */
function narrow({ variables, bound }: Place): Variables {
  const values = bound.map(({ value }) => value);
  let narrowed = variables;
  for (let i = bound.length - 1; i >= 0; i -= 1) {
    const path = bound[i]?.list.split('.') ?? [];
    const [head, ...rest] = path;
    const owner = bound.findLastIndex(({ name }, at) => at < i && name === head);
    if (owner >= 0) values[owner] = replaceAt(values[owner], rest, [values[i]]);
    else narrowed = replaceAt(narrowed, path, [values[i]]) as Variables;
  }
  return narrowed;
}

function replaceAt(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const fields = value as Record<string, unknown>;
  return { ...fields, [key]: replaceAt(fields[key], rest, by) };
}

/** A path with the variables of loops replaced by the elements that they stand at. */
function resolveNames(path: string, { bound }: Place): string {
  const [head = '', ...rest] = path.split('.');
  const known = bound.findLast(({ name }) => name === head);
  return [known?.element ?? head, ...rest].join('.');
}

function readValue(path: string, place: Place): unknown {
  const [head = '', ...rest] = path.split('.');
  const bound = place.bound.findLast(({ name }) => name === head);
  const start = bound ? bound.value : head === 'action' || head === 'context' ? place.variables[head] : undefined;
  return rest.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined,
    start,
  );
}

/** The values that a clause looks at, by the path that it names them with. */
function readValues(node: ASTNode, place: Place): Record<string, unknown> {
  const paths = [...new Set(listPaths(node))];
  const found: Record<string, unknown> = {};
  for (const path of paths) {
    const value = readValue(path, place);
    if (value !== undefined) Object.assign(found, { [path]: excerptValues({ value }, ['value'])['value'] });
  }
  return found;
}

function listPaths(node: ASTNode): string[] {
  if (node.op === 'id') return [node.args];
  if (node.op === '.' && /^[\w.]+$/.test(serialize(node))) return [serialize(node)];
  return [node.args].flat(3).flatMap((part) => (typeof part === 'object' && part !== null && 'op' in part ? listPaths(part) : []));
}
