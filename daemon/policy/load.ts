// Reads policy files into rules that are ready to decide, or says everything that is wrong with them.
// Pure: texts and the hash function come as parameters.
//
// L1. One broken file refuses them all: a rule that silently is not there would permit what it should stop.
// L2. What a repository's file may not do is left out with a notice, never silently.
import { ACTION_KINDS, type ActionKind } from '../../shared/state/action.ts';
import { ACTION_FIELDS } from './action-types.ts';
import { listEscalation } from './asking.ts';
import { compileCondition, type Condition, type ConditionContext, defineContext } from './condition.ts';
import { checkRule } from './load-check.ts';
import { MAX_RULES, PolicyShape, RuleShape } from './load-shape.ts';
import { completeRule, type Layer, listPermitted, type Policies, type PolicyDefault, type PolicyFile, type Rule } from './rules.ts';
import { indexRules } from './rule-index.ts';
import { findInScalar } from './scalar.ts';
import { expandSections } from './sections.ts';
import {
  findNode,
  listShapeProblems,
  type Problem,
  problemAt,
  problemAtOffset,
  readSource,
  type Source,
  type SourcePath,
  sortProblems,
} from '../../shared/yaml/source.ts';

export type { Problem } from '../../shared/yaml/source.ts';

/** One policy text and where it comes from; never changed, because it is read once. */
export interface PolicySource {
  text: string;
  file: string;
  origin: 'builtin' | 'user' | 'repository';
  /** Whether the user trusts this content; only asked of a repository. */
  trusted: boolean;
  /** Why there is no text; it refuses all of them, as a broken file does. */
  unreadable?: string;
}

/** Policies with notices about what was left out, or at least one problem; both sorted by file and place. */
export type LoadedPolicies = { ok: true; policies: Policies; notices: Problem[] } | { ok: false; problems: Problem[] };

interface LoadedRule {
  shape: RuleShape;
  /** Where it stands, or the section that stands for it. */
  path: SourcePath;
  conditions: Map<ActionKind, Condition>;
}

interface LoadedFile {
  input: PolicySource;
  source: Source;
  head: PolicyShape;
  rules: LoadedRule[];
  digest: string;
}

// One for each kind and made once: a set of types costs more than a condition.
const contexts = new Map<ActionKind, ConditionContext>();

/** The typed context of conditions about one kind of action. */
export function contextFor(kind: ActionKind): ConditionContext {
  const made = contexts.get(kind) ?? defineContext(ACTION_FIELDS[kind]);
  contexts.set(kind, made);
  return made;
}

/** Reads, checks, compiles and indexes policies. A user's policy replaces the built-in one of the same name. */
export function loadPolicies(inputs: readonly PolicySource[], hash: (text: string) => string): LoadedPolicies {
  const problems: Problem[] = [];
  const notices: Problem[] = [];
  const read = inputs.map((input) => readOnce(input, hash, problems)).filter((file) => file !== undefined);
  const files = dropReplaced(read, notices);
  problems.push(...listRepeatedNames(files));
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  const kept = files.map((file) => dropLoosening(file, notices));
  return { ok: true, policies: indexPolicies(kept), notices: sortProblems(notices) };
}

// What is given again as the same object was read before: those of the host stand below every repository's.
const known = new WeakMap<PolicySource, { file: LoadedFile | undefined; problems: readonly Problem[] }>();

function readOnce(input: PolicySource, hash: (text: string) => string, problems: Problem[]): LoadedFile | undefined {
  let read = known.get(input);
  if (read === undefined) {
    const found: Problem[] = [];
    read = { file: readPolicy(input, hash, found), problems: found };
    known.set(input, read);
  }
  problems.push(...read.problems);
  return read.file;
}

function readPolicy(input: PolicySource, hash: (text: string) => string, problems: Problem[]): LoadedFile | undefined {
  if (input.unreadable !== undefined)
    problems.push({ code: 'unreadable', message: input.unreadable, file: input.file, line: 1, column: 1 });
  if (input.unreadable !== undefined) return undefined;
  const { source, problems: found } = readSource(input);
  problems.push(...found);
  if (source === undefined) return undefined;
  const head = PolicyShape.safeParse(source.data);
  if (!head.success) problems.push(...listShapeProblems(source, head.error));
  const raw = (source.data as { rules?: unknown } | null)?.rules;
  const rules = Array.isArray(raw)
    ? raw.slice(0, MAX_RULES).map((rule, index) => readRule(source, rule, { index, origin: input.origin }, problems))
    : [];
  if (head.success)
    for (const { rule, path } of expandSections(head.data))
      rules.push({ shape: rule, path, conditions: compileFor(source, rule, path, problems) });
  problems.push(...listRepeatedIds(source, rules));
  if (!head.success) return undefined;
  if (head.data.enforcement === 'warn' && head.data.default !== undefined)
    problems.push(
      problemAt(source, ['default'], {
        code: 'no-default',
        message: 'A policy that only warns decides nothing; leave `default` out.',
        on: 'key',
      }),
    );
  return { input, source, head: head.data, rules: rules.filter((rule) => rule !== undefined), digest: hash(input.text) };
}

function readRule(
  source: Source,
  raw: unknown,
  { index, origin }: { index: number; origin: PolicySource['origin'] },
  problems: Problem[],
): LoadedRule | undefined {
  const rule = RuleShape.safeParse(raw);
  if (!rule.success) {
    problems.push(...listShapeProblems(source, rule.error, ['rules', index]));
    return undefined;
  }
  const { data: shape } = rule;
  const path = ['rules', index];
  problems.push(...checkRule(source, shape, index, origin));
  return { shape, path, conditions: compileFor(source, shape, path, problems) };
}

/** A condition is compiled once for each kind, because each kind has its own fields. */
function compileFor(source: Source, shape: RuleShape, rulePath: SourcePath, problems: Problem[]): Map<ActionKind, Condition> {
  const conditions = new Map<ActionKind, Condition>();
  if (shape.when === undefined) return conditions;
  const path = [...rulePath, 'when'];
  for (const kind of new Set(shape.on)) {
    const compiled = compileCondition(shape.when, contextFor(kind));
    if (compiled.ok) conditions.set(kind, compiled.condition);
    else
      for (const { message, start, hint } of compiled.problems)
        problems.push(
          problemAtOffset(source, findInScalar(source.text, findNode(source, path), start), {
            code: 'condition',
            message: `For ${kind}: ${message}`,
            hint,
          }),
        );
  }
  return conditions;
}

function listRepeatedIds(source: Source, rules: readonly (LoadedRule | undefined)[]): Problem[] {
  const seen = new Set<string>();
  return rules.flatMap((rule) => {
    if (rule === undefined) return [];
    const { id } = rule.shape;
    const repeated = seen.has(id);
    seen.add(id);
    return repeated
      ? [
          problemAt(source, [...rule.path, 'id'], {
            code: 'duplicate-rule',
            message: `Two rules have the id \`${id}\`; give this one another.`,
          }),
        ]
      : [];
  });
}

function dropReplaced(files: readonly LoadedFile[], notices: Problem[]): LoadedFile[] {
  const users = new Map(files.filter((file) => file.input.origin === 'user').map((file) => [file.head.policy, file]));
  return files.filter(({ input, head }) => {
    const user = input.origin === 'builtin' ? users.get(head.policy) : undefined;
    if (user !== undefined)
      notices.push(
        problemAt(user.source, ['policy'], { code: 'replaces-builtin', message: `This replaces the built-in policy \`${head.policy}\`.` }),
      );
    return user === undefined;
  });
}

function listRepeatedNames(files: readonly LoadedFile[]): Problem[] {
  const rank = { builtin: 0, user: 1, repository: 2 };
  const seen = new Map<string, LoadedFile>();
  // The later origin is the one to be renamed: a repository's, rather than the user's.
  return [...files]
    .sort((a, b) => rank[a.input.origin] - rank[b.input.origin])
    .flatMap((file) => {
      const first = seen.get(file.head.policy);
      if (first === undefined) seen.set(file.head.policy, file);
      if (first === undefined) return [];
      return [
        problemAt(file.source, ['policy'], {
          code: 'duplicate-policy',
          message: `${first.input.file} has a policy \`${file.head.policy}\` too; give this one another name.`,
        }),
      ];
    });
}

/** A repository that the user does not trust can only add rules that deny or ask. */
function dropLoosening(file: LoadedFile, notices: Problem[]): LoadedFile {
  const { input, source, head } = file;
  if (input.origin !== 'repository' || input.trusted) return file;
  const ignore = (path: SourcePath, what: string) =>
    notices.push(
      problemAt(source, path, {
        code: 'untrusted',
        message: `${what} is ignored until you trust this repository's files (\`signalbox trust\`).`,
      }),
    );
  const warns = head.enforcement === 'warn';
  // Whom it would have asked, and how late, is the user's to say.
  const asking = file.rules.map((rule) => {
    const { approvers, escalate, ...shape } = rule.shape;
    if (approvers !== undefined) ignore([...rule.path, 'approvers'], `\`approvers\` of rule \`${shape.id}\``);
    if (escalate !== undefined) ignore([...rule.path, 'escalate'], `\`escalate\` of rule \`${shape.id}\``);
    return { ...rule, shape };
  });
  const rules = asking.filter(({ shape, path }) => {
    const kept = !warns && (shape.effect === 'deny' || shape.effect === 'require_approval');
    if (!kept) ignore([...path, 'effect'], `Rule \`${shape.id}\` (${warns ? 'only warned' : shape.effect})`);
    return kept;
  });
  const { default: fallback, ...rest } = head;
  const keepsDefault = fallback === 'deny' || fallback === 'require_approval';
  if (fallback !== undefined && !keepsDefault) ignore(['default'], `Default \`${fallback}\``);
  return { ...file, rules, head: { ...rest, ...(keepsDefault ? { default: fallback } : {}) } };
}

function indexPolicies(files: readonly LoadedFile[]): Policies {
  const byKind = Object.fromEntries(ACTION_KINDS.map((kind) => [kind, [] as Rule[]])) as Record<ActionKind, Rule[]>;
  const defaults: PolicyDefault[] = [];
  for (const { input, head, rules, digest } of files) {
    const layer: Layer = input.origin === 'repository' ? 'repository' : 'host';
    const from = { layer, policy: head.policy, version: digest.slice(0, 12), enforcement: head.enforcement };
    const headless = layer === 'host' && head.headless === 'allow' ? { headless: true as const } : {};
    if (head.default !== undefined)
      defaults.push({ ...from, effect: head.default === 'deny' && head.enforcement === 'soft' ? 'require_approval' : head.default });
    for (const { shape, conditions } of rules)
      for (const kind of new Set(shape.on))
        byKind[kind].push(completeRule({ ...from, ...headless, ...readRuleFields(shape, conditions.get(kind)) }));
  }
  const indexes = Object.fromEntries(ACTION_KINDS.map((kind) => [kind, indexRules(byKind[kind])])) as Policies['indexes'];
  return { indexes, byKind, defaults, files: files.map(describeFile), permits: listPermitted({ byKind, defaults }) };
}

function readRuleFields(
  shape: RuleShape,
  condition: Condition | undefined,
): Pick<Rule, 'id' | 'effect' | 'message' | 'severity'> & Partial<Rule> {
  const { id, effect, message, severity, approvers, quorum, escalate, expires, excepts, unasked, timeout } = shape;
  return {
    id,
    effect,
    message,
    severity,
    ...(approvers === undefined ? {} : { approvers }),
    ...(quorum === undefined ? {} : { quorum }),
    ...(escalate === undefined ? {} : { escalate: listEscalation(escalate) }),
    ...(expires === undefined ? {} : { expiresMs: expires }),
    ...(excepts === undefined ? {} : { excepts }),
    ...(unasked === undefined ? {} : { unasked }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(condition === undefined ? {} : { condition }),
  };
}

function describeFile({ input, head, rules, digest }: LoadedFile): PolicyFile {
  return { file: input.file, origin: input.origin, trusted: input.trusted, policy: head.policy, digest, rules: rules.length };
}
