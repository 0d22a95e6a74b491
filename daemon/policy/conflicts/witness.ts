// Turns what the solver knows into a whole action, as one could really come.
import type { Action, ActionKind, SimpleCommand } from '../../../shared/state/action.ts';
import { Action as ActionSchema, Risk } from '../../../shared/state/action.ts';
import { DecisionContext } from '../../../shared/state/decision-context.ts';
import { completeAction, IDLE, resolveLexically } from '../action-input.ts';
import { ACTION_FIELDS, CONTEXT_FIELDS, type Fields, type FieldType } from '../action-types.ts';
import { pickValue, satisfiesAll, type Value } from './facts.ts';
import type { Fact } from './formula.ts';
import type { Found } from './solve.ts';

/** An action and how things stand, that rules can be evaluated on. */
export interface Witness {
  action: Action;
  context: DecisionContext;
}

/** No value is what all the facts say, as far as values were tried. */
class NoValue extends Error {}

const ROOT = '/repo';
const resolve = resolveLexically(ROOT);
/** Who named a command. */
const SOURCES = ['workflow', 'repository', 'agent', 'client'];
/** What a field of an element is, where nothing is said about it. */
const USUAL: Readonly<Record<string, Value>> = { program: 'tool', cwd: '.', path: `${ROOT}/src/a.ts`, operator: '>' };

/** All values that there are at a place, when they can be counted; remembers what it was asked. */
export function domainFor(kind: ActionKind): (key: string) => readonly Value[] | undefined {
  const types = { action: ACTION_FIELDS[kind], context: CONTEXT_FIELDS };
  const known = new Map<string, readonly Value[] | undefined>();
  const find = (key: string): readonly Value[] | undefined => {
    if (key === 'action.kind') return [kind];
    if (key === 'action.risk') return Risk.options;
    if (key === 'action.source' && kind === 'agent.execute') return SOURCES;
    return typeAt(types, key) === 'bool' ? [true, false] : undefined;
  };
  return (key) => {
    if (!known.has(key)) known.set(key, find(key));
    return known.get(key);
  };
}

function typeAt(types: Fields, key: string): FieldType | undefined {
  let type: FieldType | undefined = types;
  for (const part of key.split('.')) {
    const [name = '', ...elements] = part.split('#');
    type = typeof type === 'object' ? (type as Fields)[name] : undefined;
    type = elements.reduce(listed, type);
  }
  return type;
}

/** The type of the elements of a list; undefined for what is none. */
function listed(type: FieldType | undefined): FieldType | undefined {
  return typeof type === 'object' && Object.keys(type).length === 1 ? (type as Fields)['list'] : undefined;
}

const neutrals = new Map<ActionKind, Action>();

function neutralOf(kind: ActionKind): Action {
  const known = neutrals.get(kind);
  if (known) return known;
  const made = completeAction({ kind, ...(kind === 'agent.execute' ? { argv: ['tool'] } : {}) }, resolve);
  if (!made.ok) throw made.error;
  neutrals.set(kind, made.action);
  return made.action;
}

/** An action that is as the solver found, or undefined where no such one was found; `spelled` has arguments for subcommands and options. */
export function buildWitness(
  kind: ActionKind,
  found: Found,
  { domainOf, spelled }: { domainOf: (key: string) => readonly Value[] | undefined; spelled: boolean },
): Witness | undefined {
  try {
    const build = new Builder(found, domainOf, spelled);
    const action = build.value(ACTION_FIELDS[kind], 'action', neutralOf(kind)) as Action;
    const context = build.value(CONTEXT_FIELDS, 'context', IDLE) as DecisionContext;
    return { action: action.kind === 'agent.execute' ? nameLine(action, found) : action, context };
  } catch (error) {
    if (error instanceof NoValue) return undefined;
    throw error;
  }
}

/** Whether a witness has the whole form of an action, as one that really came would have. */
export function isWhole({ action, context }: Witness): boolean {
  return ActionSchema.safeParse(action).success && DecisionContext.safeParse(context).success;
}

class Builder {
  readonly #found: Found;
  readonly #domainOf: (key: string) => readonly Value[] | undefined;
  readonly #spelled: boolean;

  constructor(found: Found, domainOf: (key: string) => readonly Value[] | undefined, spelled: boolean) {
    this.#found = found;
    this.#domainOf = domainOf;
    this.#spelled = spelled;
  }

  value(type: FieldType, key: string, usual: unknown): unknown {
    if (typeof type === 'string') return this.#pick(type, key, usual);
    const element = listed(type);
    if (element !== undefined) {
      const count = this.#found.sizes.get(key);
      if (count === undefined) return Array.isArray(usual) ? usual : [];
      return Array.from({ length: count }, (_, i) => this.value(element, `${key}#${i}`, undefined));
    }
    const fields = type as Fields;
    if ('relative' in fields && 'inside' in fields) return this.#path(key);
    const made = Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, this.value(field, `${key}.${name}`, readField(usual, name))]),
    );
    return 'subcommand' in fields ? this.#spellArguments(key, made) : made;
  }

  #factsOf(key: string): readonly Fact[] {
    return this.#found.facts.get(key) ?? [];
  }

  #pick(type: string, key: string, usual: unknown): Value {
    const none = { string: /#\d+$/.test(key) ? 'x' : '', bool: false, double: 0 }[type] ?? '';
    const first = usual === undefined ? (USUAL[key.split('.').at(-1) ?? ''] ?? none) : (usual as Value);
    const facts = this.#factsOf(key);
    if (facts.length === 0) return first;
    const value = pickValue(facts, [first, ...(this.#domainOf(key) ?? []), none]);
    if (value === undefined) throw new NoValue(key);
    return value;
  }

  /** The four facts of a path have to fit each other. */
  #path(key: string) {
    const facts = (name: string): readonly Fact[] => this.#factsOf(`${key}.${name}`);
    const below: Fact = { test: 'startsWith', value: `${ROOT}/`, not: false };
    const texts = [
      pickValue([...facts('relative'), { test: 'among', values: [''], not: true }], ['src/a.ts']),
      pickValue([...facts('path'), below], [`${ROOT}/src/a.ts`]),
      pickValue([...facts('path'), { ...below, not: true }, { test: 'startsWith', value: '/', not: false }], ['/elsewhere/a.ts']),
      '.git/config',
      '/elsewhere/.git/config',
    ];
    const fitting = texts
      .filter((text) => typeof text === 'string')
      .map(resolve)
      .find((path) => Object.entries(path).every(([name, value]) => satisfiesAll(value, facts(name))));
    if (fitting === undefined) throw new NoValue(key);
    return fitting;
  }

  /** A command whose arguments nothing is said about has those that its subcommand and options stand for, and the reverse. */
  #spellArguments(key: string, command: Record<string, unknown>): Record<string, unknown> {
    if (!this.#spelled) return command;
    const said = (name: string): boolean => (this.#found.sizes.get(`${key}.${name}`) ?? 0) > 0;
    const { subcommand, options, args } = command as { subcommand: string; options: string[]; args: string[] };
    if (!said('args')) return { ...command, args: [...(subcommand === '' ? [] : [subcommand]), ...options] };
    if (said('options')) return command;
    return { ...command, options: args.filter((arg) => arg.startsWith('-')).map((arg) => arg.split('=', 1)[0] ?? arg) };
  }
}

function readField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** The line that stands for the commands, where nothing is said about it. */
function nameLine(action: Extract<Action, { kind: 'agent.execute' }>, { facts }: Found): Action {
  const spell = ({ via, program, args, redirections }: SimpleCommand): string =>
    [...via, program, ...args, ...redirections.map(({ operator, path }) => `${operator} ${path.relative || path.path}`)].join(' ');
  const line = action.commands.map(spell).join(' && ');
  const free = (name: string): boolean => !facts.has(`action.${name}`);
  return { ...action, ...(free('line') ? { line } : {}), ...(free('summary') ? { summary: line } : {}) };
}
