// Turns an answer into a rule: narrow, made from the exact action, and written so that a person can read and widen it.
//
// R1. It allows what was asked about and little else: the same kind, program and arguments; the same paths; the same branch.
// R2. It answers the rules that asked, by name, and no other: a rule that asks later on, or denies, is as strong as before.
// R3. What nobody can know before it happens is never remembered: a command that expands, runs code or is opaque, an unreadable address.
// R4. What changes the daemon itself, or registers an agent, is a person's each time.
import type { Action, Reason, Redirection, SimpleCommand } from '../../shared/state/action.ts';
import { compileCondition } from './condition.ts';
import { contextFor } from './load.ts';

/** A rule that an answer stands for. */
export interface RememberedRule {
  id: string;
  /** One entry of `rules`, as YAML. */
  text: string;
  /** The rules that it answers, as `policy/rule`. */
  excepts: string[];
  /** What it allows, in a sentence. */
  says: string;
}

export type Remembering = { ok: true; rule: RememberedRule } | { ok: false; why: string };

/** What the rule is made for: `repo` binds it to one repository. */
export interface RuleFor {
  id: string;
  message: string;
  repo: string | undefined;
}

/** A policy of one or more rules, as the file says it. */
export function writePolicy(name: string, rules: string): string {
  return `policy: ${name}\nversion: 1\nrules:\n${rules}`;
}

/** The rule that would allow an action which these reasons made a question; or why there is none. */
export function rememberAction(action: Action, reasons: readonly Reason[], { id, message, repo }: RuleFor): Remembering {
  const narrow = narrowTo(action);
  if (typeof narrow === 'string') return { ok: false, why: narrow };
  const asking = reasons.filter((reason) => reason.effect === 'require_approval');
  if (asking.length === 0) return { ok: false, why: 'No rule asks for this any more; the workflow, or nobody, does.' };
  const excepts = [...new Set(asking.filter((reason) => reason.rule !== 'default').map((reason) => `${reason.policy}/${reason.rule}`))];
  const parts = repo === undefined ? narrow.parts : [`action.repo == ${quote(repo)}`, ...narrow.parts];
  if (!compileCondition(parts.join(' && '), contextFor(action.kind)).ok)
    return { ok: false, why: 'The action is too long to be written down as a rule.' };
  const text = [
    `  - id: ${id}`,
    `    on: [${action.kind}]`,
    '    when: >-',
    ...parts.map((part, i) => `      ${i === 0 ? '' : '&& '}${part}`),
    '    effect: allow',
    '    severity: info',
    ...(excepts.length === 0 ? [] : [`    excepts: [${excepts.join(', ')}]`]),
    `    message: ${quote(message)}`,
    '',
  ].join('\n');
  return { ok: true, rule: { id, text, excepts, says: narrow.says } };
}

/** A condition that allows one action, and what it says in words. */
export interface Narrow {
  /** What has to hold, all of it. */
  parts: string[];
  says: string;
}

/** The condition for one action; a sentence where there is none. */
export function narrowTo(action: Action): Narrow | string {
  switch (action.kind) {
    case 'agent.execute':
      return narrowCommand(action);
    case 'agent.edit': {
      if (action.secrets.length > 0) return 'It writes a secret; that is asked about each time.';
      return narrowPaths(action.paths, [`size(action.secrets) == 0 && action.risk == ${quote(action.risk)}`], 'edits of');
    }
    case 'agent.read':
      return narrowPaths(action.paths, [], 'reading');
    case 'agent.fetch':
      // An address that nobody can read could be any.
      if (action.hosts.length === 0 || action.hosts.includes('')) return 'It names no host that a rule could be about.';
      return {
        parts: ['size(action.hosts) > 0', `action.hosts.all(h, h in ${list(action.hosts)})`],
        says: `fetching from ${action.hosts.join(', ')}`,
      };
    case 'agent.mcp':
      return { parts: same(action, 'server', 'tool'), says: `the tool ${action.tool} of ${action.server}` };
    case 'agent.other':
      return { parts: same(action, 'tool', 'input'), says: `the tool ${action.tool} with the same input` };
    case 'workspace.merge':
      return {
        parts: [...same(action, 'into'), '!action.files.exists(f, f == ".signalbox" || f.startsWith(".signalbox/"))'],
        says: `merges into ${action.into}`,
      };
    case 'stage.advance':
      return { parts: same(action, 'workflow', 'stage'), says: `the stage ${action.stage} of ${action.workflow}` };
    case 'run.start':
      return { parts: same(action, 'workflow', 'principal'), says: `starts of ${action.workflow} by ${action.principal}` };
    case 'task.submit':
    case 'task.dispatch':
      return { parts: same(action, 'agent', 'what'), says: `the task ${action.what.slice(0, 80)} for ${action.agent}` };
    case 'handoff.accept':
      return {
        parts: [...same(action, 'from', 'to'), 'size(action.missing) == 0'],
        says: `complete handoffs from ${action.from} to ${action.to}`,
      };
    case 'run.extend':
      return { parts: same(action, 'workflow', 'change'), says: `the same stages more in ${action.workflow}` };
    case 'agent.register':
    case 'daemon.configure':
      return 'This changes Signalbox itself; it is a person’s to say each time.';
    default:
      return action satisfies never;
  }
}

/** That fields have the same values as here. */
function same<A extends Action>(action: A, ...names: (keyof A & string)[]): string[] {
  return names.map((name) => `action.${name} == ${quote(String(action[name]))}`);
}

type Command = Extract<Action, { kind: 'agent.execute' }>;

/** By its simple commands, each of them as it is and in the same order. */
function narrowCommand({ commands, problem, argv, line, source }: Command): Narrow | string {
  if (problem !== '' || commands.length === 0) return 'The command line was not understood; that is asked about each time.';
  const unknown = commands.find((c) => c.program === '' || c.opaque || c.inline || c.expands || !c.redirections.every(isKnown));
  if (unknown) {
    const what =
      unknown.program === '' ? 'The shell itself does something here' : `What \`${unknown.program}\` does here is only known when it runs`;
    return `${what}; that is asked about each time.`;
  }
  // Of several the text holds the order.
  const several = commands.length > 1 || commands.some((c) => c.redirections.length > 1);
  const text = several ? [`action.line == ${quote(line)}`, sameList('action.argv', argv)] : [];
  const says = commands.map((c) => [c.program, ...c.args].join(' ')).join(', then ');
  return { parts: [`action.source == ${quote(source)}`, ...text, ...exactly('action.commands', 'c', commands.map(matchCommand))], says };
}

/** That a list is so long and each of its elements is one of these; the one of a single is what the rule is found by. */
function exactly(list: string, it: string, each: readonly string[]): string[] {
  const size = `size(${list}) == ${each.length}`;
  if (each.length === 0) return [size];
  if (each.length === 1) return [size, `${list}.exists(${it}, ${each[0]})`];
  return [size, `${list}.all(${it}, ${[...new Set(each)].map((one) => `(${one})`).join(' || ')})`];
}

/** A path that is only known when the line runs stands as it was written. */
function isKnown({ path }: Redirection): boolean {
  return path.inside || path.path.startsWith('/');
}

function matchCommand({ program, subcommand, args, assignments, via, hosts, cwd, redirections }: SimpleCommand): string {
  return [
    `c.program == ${quote(program)}`,
    `c.subcommand == ${quote(subcommand)}`,
    sameList('c.args', args),
    sameList('c.assignments', assignments),
    sameList('c.via', via),
    sameList('c.hosts', hosts),
    `c.cwd == ${quote(cwd)}`,
    ...exactly('c.redirections', 'r', redirections.map(matchRedirection)),
    '!c.opaque && !c.inline && !c.expands',
  ].join(' && ');
}

function matchRedirection({ operator, writes, path: { inside, git, relative, path } }: Redirection): string {
  const where = inside ? `r.path.relative == ${quote(relative)}` : `r.path.path == ${quote(path)}`;
  const flags = Object.entries({ writes, 'path.inside': inside, 'path.git': git }).map(([name, is]) => `${is ? '' : '!'}r.${name}`);
  return [`r.operator == ${quote(operator)}`, where, ...flags].join(' && ');
}

/** An empty list in a condition has no type, so its size is what is compared. */
function sameList(it: string, texts: readonly string[]): string {
  return texts.length === 0 ? `size(${it}) == 0` : `${it} == ${list(texts)}`;
}

function narrowPaths(paths: Extract<Action, { kind: 'agent.edit' }>['paths'], also: readonly string[], what: string): Narrow | string {
  if (paths.length === 0) return 'It names no path that a rule could be about.';
  if (paths.some((p) => p.git)) return 'It touches git’s own files; that is asked about each time.';
  const inside = paths.filter((p) => p.inside).map((p) => p.relative);
  const outside = paths.filter((p) => !p.inside).map((p) => p.path);
  const ways = [
    ...(inside.length > 0 ? [`(p.inside && !p.git && p.relative in ${list(inside)})`] : []),
    ...(outside.length > 0 ? [`(!p.inside && !p.git && p.path in ${list(outside)})`] : []),
  ];

  return {
    parts: ['size(action.paths) > 0', `action.paths.all(p, ${ways.join(' || ')})`, ...also],
    says: `${what} ${[...inside, ...outside].join(', ')}`,
  };
}

/** Texts as CEL reads a list of them. */
export const list = (texts: readonly string[]): string => `[${texts.map(quote).join(', ')}]`;

/** A text as CEL and YAML both read it; characters that a file should not hold as they are stand as escapes. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
