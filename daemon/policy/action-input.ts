// Completes an action that somebody wrote by hand or that came over the wire: what is left out gets a neutral value.
//
// I1. What comes out has every field that conditions may look at, so that it can be decided like any other action.
// I2. Paths are judged by their text alone unless the caller can resolve links.
import { posix } from 'node:path';
import * as z from 'zod';
import { ACTION_KINDS, Action, ActionPath, type ActionKind } from '../../shared/state/action.ts';
import { contextOf, DecisionContext } from '../../shared/state/decision-context.ts';
import { emptyState } from '../../shared/state/evolve.ts';
import { strictShape, suggestName } from '../../shared/yaml/source.ts';
import { readHost } from './functions.ts';
import type { ParsedLine } from './shell/command.ts';
import { readArgv, readCommandLine } from './shell/read.ts';
import { listPaths, settleCommands } from './shell/settle.ts';

/** How paths of an action become absolute and real. */
export type ResolvePath = (path: string) => ActionPath;

/** A complete action, or what is wrong with the input. */
export type CompletedAction = { ok: true; action: Action } | { ok: false; error: z.ZodError };

/** What a field is when the input leaves it out; other enumerations have to be written. */
const CHOSEN: Readonly<Record<string, string>> = { risk: 'medium', source: 'agent', how: 'merge' };
const MAX_TEXT = 64 * 1024;

/** Completes an action from its kind and the fields that matter; unknown fields and wrong types are errors with a path. */
export function completeAction(input: unknown, resolve: ResolvePath): CompletedAction {
  const kind = z.looseObject({ kind: Kind }).safeParse(input);
  if (!kind.success) return { ok: false, error: kind.error };
  const given = lenientFor(kind.data.kind).safeParse(input);
  if (!given.success) return { ok: false, error: given.error };
  const filled = fillFacts(given.data as Record<string, unknown>, resolve);
  const action = Action.safeParse(filled);
  return action.success ? { ok: true, action: action.data } : { ok: false, error: action.error };
}

/** How things stand where nothing runs, nothing was used up, and what is given says otherwise. */
export function completeContext(input: unknown): { ok: true; context: DecisionContext } | { ok: false; error: z.ZodError } {
  const given = partialOf(DecisionContext).safeParse(input);
  if (!given.success) return { ok: false, error: given.error };
  return { ok: true, context: DecisionContext.parse(mergeInto(IDLE, given.data)) };
}

/** How things stand where nothing runs and nothing was used up. */
export const IDLE: DecisionContext = contextOf(emptyState(), { agent: '', run: '' }, 0);

function partialOf(schema: z.ZodType): z.ZodType {
  if (!(schema instanceof z.ZodObject)) return schema.optional();
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => [name, partialOf(field)] as const);
  return strictShape(Object.fromEntries(fields)).optional();
}

function mergeInto(base: unknown, given: unknown): unknown {
  if (given === undefined) return base;
  if (typeof base !== 'object' || base === null || Array.isArray(base)) return given;
  return Object.fromEntries(Object.entries(base).map(([key, value]) => [key, mergeInto(value, (given as Record<string, unknown>)[key])]));
}

/** Judges a path by its text, against the root of a worktree that need not exist. */
export function resolveLexically(root: string): ResolvePath {
  return (path) => {
    const absolute = posix.resolve(root, path);
    const relative = posix.relative(root, absolute);
    const inside = relative !== '..' && !relative.startsWith('../');
    const git = absolute.split('/').some((part) => /^\.git[. ]*$/i.test(part));
    return { path: absolute, relative: inside ? relative : '', inside, git };
  };
}

const Kind = z.enum(ACTION_KINDS, {
  error: (issue) =>
    issue.input === undefined
      ? `name the kind of action: ${ACTION_KINDS.join(', ')}`
      : `there is no such action. ${suggestName(typeof issue.input === 'string' ? issue.input : '', ACTION_KINDS) ?? `Known are ${ACTION_KINDS.join(', ')}.`}`,
});

const lenient = new Map<ActionKind, z.ZodType>();

function lenientFor(kind: ActionKind): z.ZodType {
  const made = lenient.get(kind);
  if (made) return made;
  const option = Action.options.find((each) => each.shape.kind.value === kind);
  if (!option) throw new Error(`Action ${kind} has no schema.`);
  const { kind: literal, ...fields } = option.shape;
  const shape = strictShape({ kind: literal, ...loosen(fields) });
  lenient.set(kind, shape);
  return shape;
}

function loosen(fields: Readonly<Record<string, z.core.$ZodType>>): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, loosenOne(schema as z.ZodType, name)]));
}

/** The same schema with a neutral default; a path may be written as a text. */
function loosenOne(schema: z.ZodType, name: string): z.ZodType {
  if (schema === (ActionPath as z.ZodType)) return z.union([z.string().max(MAX_TEXT), ActionPath]);
  const { def } = (schema as unknown as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'default':
      return loosenOne(def.innerType as z.ZodType, name);
    case 'string':
      return z.string().max(MAX_TEXT).default('');
    case 'number':
      return z.number().default(0);
    case 'boolean':
      return z.boolean().default(false);
    case 'enum':
      return CHOSEN[name] === undefined ? schema : schema.default(CHOSEN[name]);
    case 'array':
      return z
        .array(elementOf(def.element as z.ZodType, name))
        .max(10_000)
        .default([]);
    case 'object':
      return strictShape(loosen(def.shape));
    default:
      return schema;
  }
}

/** Elements of a list of texts have no default: an absent one is an error. */
function elementOf(element: z.ZodType, name: string): z.ZodType {
  const loose = loosenOne(element, name);
  return loose instanceof z.ZodDefault ? (loose.unwrap() as z.ZodType) : loose;
}

/** The facts that follow from others: commands from a line, hosts from addresses, a summary from the kind. */
function fillFacts(given: Record<string, unknown>, resolve: ResolvePath): Record<string, unknown> {
  const action = { ...given, ...resolvePaths(given, resolve) };
  if (given['kind'] === 'agent.execute') Object.assign(action, fillCommands(given as Partial<Execute>, resolve));
  if (given['kind'] === 'agent.fetch') Object.assign(action, fillHosts(given as { urls: string[]; hosts: string[] }));
  if (given['summary'] === '') Object.assign(action, { summary: summarise(action as Partial<Execute>).slice(0, 500) });
  return action;
}

function summarise({ kind = 'agent.execute', line = '', argv = [] }: Partial<Execute>): string {
  return line || argv.join(' ') || kind;
}

function resolvePaths({ paths }: Record<string, unknown>, resolve: ResolvePath): { paths?: ActionPath[] } {
  if (!Array.isArray(paths)) return {};
  return { paths: paths.map((path: string | ActionPath) => (typeof path === 'string' ? resolve(path) : path)) };
}

type Execute = Extract<Action, { kind: 'agent.execute' }>;

function fillCommands(
  { line = '', argv = [], commands = [], cwd = '', problem = '' }: Partial<Execute>,
  resolve: ResolvePath,
): Partial<Execute> {
  const place = { cwd: cwd === '' ? '.' : cwd };
  const nothing: ParsedLine = { commands: [], problem: '' };
  const ofArgv = argv.length === 0 ? nothing : readArgv(argv, place);
  const read = line === '' ? ofArgv : readCommandLine(line, place);
  const places = new Map(listPaths(read.commands).map((path) => [path, resolve(path)]));
  return {
    ...place,
    argv: argv.length > 0 || line === '' ? argv : splitLine(line),
    commands: commands.length > 0 ? commands : settleCommands(read.commands, places),
    problem: problem === '' ? read.problem : problem,
  };
}

/** A line of plain words is its own argv; anything that a shell would treat is the shell's. */
function splitLine(line: string): string[] {
  const plain = /^[\w@%+=:,./ -]+$/.test(line);
  return plain ? line.split(' ').filter((word) => word !== '') : ['sh', '-c', line];
}

function fillHosts({ urls, hosts }: { urls: string[]; hosts: string[] }): { hosts: string[] } {
  if (hosts.length > 0) return { hosts };
  // An address without a host keeps its place, so that a rule over all hosts does not pass it by.
  return { hosts: urls.map((url) => (URL.canParse(url) && new URL(url).hostname !== '' ? readHost(url) : '')) };
}
