// Looks for an action that satisfies a formula: facts are gathered per value, loops make elements of lists, choices branch.
//
// S1. `none` is only said when every branch contradicts itself by facts that are known; anything else that fails is `unsure`.
// S2. The work is bounded by a number of steps.
import { contradicts, type Value } from './facts.ts';
import type { Fact, Formula, Ref } from './formula.ts';

/** What a branch of the search knows when nothing is left to look at. */
export interface Found {
  /** Facts by the value that they are about, such as `action.commands#0.program`. */
  facts: ReadonlyMap<string, readonly Fact[]>;
  /** How many elements a list needs, by its name. */
  sizes: ReadonlyMap<string, number>;
}

export type Answer<Witness> = { kind: 'found'; witness: Witness } | { kind: 'none' } | { kind: 'unsure' };

interface Question<Witness> {
  /** Makes a witness of what is known and checks it; undefined when it is none. */
  build(found: Found): Witness | undefined;
  /** All values that there are at a place, when they can be counted. */
  domainOf(key: string): readonly Value[] | undefined;
  /** Steps that are left; counts down. */
  budget: { steps: number };
}

interface ListState {
  count: number;
  max: number;
  every: readonly { variable: string; body: Formula }[];
}

interface State {
  facts: ReadonlyMap<string, readonly Fact[]>;
  lists: ReadonlyMap<string, ListState>;
  todo: readonly Formula[];
}

const MAX_ELEMENTS = 8;

/** A witness of the formula, or that there can be none, or that neither was found. */
export function solve<Witness>(formula: Formula, question: Question<Witness>): Answer<Witness> {
  return search({ facts: new Map(), lists: new Map(), todo: [formula] }, question);
}

function search<Witness>(start: State, question: Question<Witness>): Answer<Witness> {
  let state = start;
  for (;;) {
    if (question.budget.steps-- <= 0) return { kind: 'unsure' };
    const next = state.todo.findIndex(({ op }) => op !== 'or');
    if (next < 0) break;
    const formula = state.todo[next] as Formula;
    const step = apply({ ...state, todo: state.todo.filter((_, i) => i !== next) }, formula, question);
    if (step === 'none' || step === 'unsure') return { kind: step };
    state = step;
  }
  return state.todo.length === 0 ? conclude(state, question) : branch(state, question);
}

function conclude<Witness>({ facts, lists }: State, question: Question<Witness>): Answer<Witness> {
  const sizes = new Map([...lists].map(([key, { count }]) => [key, count]));
  const witness = question.build({ facts, sizes });
  return witness === undefined ? { kind: 'unsure' } : { kind: 'found', witness };
}

/** Tries each part of the choice with the fewest. */
function branch<Witness>(state: State, question: Question<Witness>): Answer<Witness> {
  const choices = state.todo.map((formula) => ('parts' in formula ? formula.parts : []));
  const at = choices.reduce((best, parts, i) => (parts.length < (choices[best]?.length ?? 0) ? i : best), 0);
  const rest = state.todo.filter((_, i) => i !== at);
  let unsure = false;
  for (const part of choices[at] ?? []) {
    const answer = search({ ...state, todo: [part, ...rest] }, question);
    if (answer.kind === 'found') return answer;
    unsure ||= answer.kind === 'unsure';
  }
  return { kind: unsure ? 'unsure' : 'none' };
}

function apply(state: State, formula: Formula, { domainOf }: Pick<Question<unknown>, 'domainOf'>): State | 'none' | 'unsure' {
  switch (formula.op) {
    case 'and':
      return { ...state, todo: [...formula.parts, ...state.todo] };
    case 'constant':
      return formula.value ? state : 'none';
    case 'fact': {
      const key = keyOf(formula.about);
      const facts = [...(state.facts.get(key) ?? []), formula.fact];
      return contradicts(facts, domainOf(key)) ? 'none' : { ...state, facts: new Map([...state.facts, [key, facts]]) };
    }
    case 'some':
      return addElement(state, keyOf(formula.list), formula);
    case 'every':
      return addRule(state, keyOf(formula.list), formula);
    case 'size':
      return boundSize(state, keyOf(formula.list), formula);
    // What is not understood restricts nothing here; whether it holds shows when the witness is evaluated.
    default:
      return state;
  }
}

const keyOf = ({ root, path }: Ref): string => [root, ...path].join('.');
const EMPTY: ListState = { count: 0, max: Number.POSITIVE_INFINITY, every: [] };

/** A new element with what it has to be, and what every element of its list has to be. */
function addElement(state: State, key: string, wanted?: { variable: string; body: Formula }): State | 'none' | 'unsure' {
  const list = state.lists.get(key) ?? EMPTY;
  if (list.max === 0) return 'none';
  // With few places one element may have to serve two loops, which is not tried.
  if (list.count >= Math.min(list.max, MAX_ELEMENTS)) return 'unsure';
  const element = `${key}#${list.count}`;
  const said = [...(wanted ? [wanted] : []), ...list.every].map(({ variable, body }) => substitute(body, variable, element));
  return { ...state, lists: new Map([...state.lists, [key, { ...list, count: list.count + 1 }]]), todo: [...said, ...state.todo] };
}

function addRule(state: State, key: string, { variable, body }: { variable: string; body: Formula }): State {
  const list = state.lists.get(key) ?? EMPTY;
  const said = Array.from({ length: list.count }, (_, i) => substitute(body, variable, `${key}#${i}`));
  return {
    ...state,
    lists: new Map([...state.lists, [key, { ...list, every: [...list.every, { variable, body }] }]]),
    todo: [...said, ...state.todo],
  };
}

function boundSize(state: State, key: string, { by, value }: Extract<Formula, { op: 'size' }>): State | 'none' | 'unsure' {
  const least = by === '>' ? value + 1 : by === '>=' || by === '==' ? value : by === '!=' && value === 0 ? 1 : 0;
  const most = by === '<' ? value - 1 : by === '<=' || by === '==' ? value : Number.POSITIVE_INFINITY;
  if (most < 0) return 'none';
  const list = state.lists.get(key) ?? EMPTY;
  if (list.count > most) return most === 0 ? 'none' : 'unsure';
  let next: State | 'none' | 'unsure' = { ...state, lists: new Map([...state.lists, [key, { ...list, max: Math.min(list.max, most) }]]) };
  for (let i = list.count; i < least && typeof next !== 'string'; i += 1) next = addElement(next, key);
  return next;
}

function substitute(formula: Formula, variable: string, element: string): Formula {
  const refer = (ref: Ref): Ref => (ref.root === variable ? { ...ref, root: element } : ref);
  switch (formula.op) {
    case 'and':
    case 'or':
      return { ...formula, parts: formula.parts.map((part) => substitute(part, variable, element)) };
    case 'fact':
      return { ...formula, about: refer(formula.about) };
    case 'some':
    case 'every':
      return { ...formula, list: refer(formula.list), body: substitute(formula.body, variable, element) };
    case 'size':
      return { ...formula, list: refer(formula.list) };
    default:
      return formula;
  }
}
