// Parts of a stage as they are written in a file, with their short forms, and what they become.
import * as z from 'zod';
import type { Approver, NextCase, OnFailure, Retry } from '../../shared/state/flow.ts';
import { ArtifactCheck, type Criterion, parseCriterion } from '../../shared/state/gate.ts';
import { parseDuration, StageIdText } from '../../shared/state/workflow.ts';
import { strictShape } from '../../shared/yaml/source.ts';

export const Sentence = z.string().min(1).max(2_000);
export const Id = z
  .string()
  .refine(
    (text) => StageIdText.test(text),
    'an id is lower-case letters, digits, `-` and `_`, starts with a letter and has at most 64 characters',
  );
export const AgentId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'the id of an agent is letters, digits, `.`, `-` and `_`');
const HOW_LONG = 'write a duration such as `30s`, `5m`, `2h`, `1d` or `30 minutes`';
export const Duration = z.string({ error: HOW_LONG }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) context.addIssue(`${HOW_LONG}, at most \`30d\``);
  return ms ?? 0;
});
export const Argv = z.array(z.string().max(32_768)).min(1, 'a command names at least a program').max(1_000);

const Names = z.array(z.string().min(1).max(100)).min(1).max(20);
/** `id`, or what the agent must have. */
export const AgentChoice = z.union(
  [
    AgentId,
    strictShape({
      role: z.string().min(1).max(100).optional(),
      capabilities: Names.optional(),
      tags: Names.optional(),
      region: z.string().min(1).max(100).optional(),
    }),
  ],
  { error: 'write the id of an agent, or `{ role: …, capabilities: […], tags: […], region: … }`' },
);
export type AgentChoice = z.infer<typeof AgentChoice>;

const Many = z.union([Id.transform((id) => [id]), z.array(Id).min(1).max(100)]);
const HOW_NEXT =
  'write the stage that comes next, a list of stages, a map from values to stages (`P0: fix`), or a list of `{ if: condition, to: stage }`';
const ConditionalNext = strictShape({ if: z.string().min(1).max(4_000).optional(), to: Many });
export const Next = z.union([Many, z.array(ConditionalNext).min(1).max(50), z.record(z.string().min(1).max(100), Many)], {
  error: HOW_NEXT,
});
export type Next = z.infer<typeof Next>;

/** The cases of `next`; `value` is what a map looks at. */
export function readNext(next: Next, value: string): NextCase[] {
  if (!Array.isArray(next)) {
    const { otherwise, ...cases } = next;
    return [
      ...Object.entries(cases).map(([equals, to]) => ({ to, value, equals })),
      ...(otherwise === undefined ? [] : [{ to: otherwise }]),
    ];
  }
  const plain = next.filter((one) => typeof one === 'string');
  if (plain.length > 0) return [{ to: plain }];
  return next.flatMap((one) => (typeof one === 'string' ? [] : [{ to: one.to, ...(one.if === undefined ? {} : { if: one.if }) }]));
}

const Tries = z.int().min(0).max(20);
export const OnFailureShape = z.union(
  [
    z.enum(['fail', 'skip', 'ask']),
    strictShape({
      retry: Tries.default(0),
      back_to: Id.optional(),
      at_most: z.int().min(1).max(20).default(2),
      otherwise: z.enum(['fail', 'skip', 'ask']).default('fail'),
    }),
  ],
  { error: 'write `fail`, `skip`, `ask`, or `{ retry: 2, back_to: <stage>, at_most: 2, otherwise: fail }`' },
);

/** What follows a failure, with the defaults filled in. */
export function readOnFailure(shape: z.infer<typeof OnFailureShape>): OnFailure {
  if (typeof shape === 'string') return { retry: 0, last: shape };
  const { retry, back_to: to, at_most: atMost, otherwise: last } = shape;
  return { retry, ...(to === undefined ? {} : { back: { to, atMost } }), last };
}

export const RetryShape = z.union(
  [
    z.int().min(1).max(20),
    strictShape({
      attempts: z.int().min(1).max(20),
      backoff: Duration.default(1_000),
      factor: z.number().min(1).max(10).default(2),
      max: Duration.default(300_000),
      jitter: z.number().min(0).max(1).default(0.2),
      on: z.array(z.string().min(1).max(100)).min(1).max(50).optional(),
    }),
  ],
  { error: 'write a number of attempts, or `{ attempts: 3, backoff: 1s, factor: 2, max: 5m, jitter: 0.2, on: [command_failed] }`' },
);

/** How often a task is tried. */
export function readRetry(shape: z.infer<typeof RetryShape>): Retry {
  if (typeof shape === 'number') return { attempts: shape, backoffMs: 1_000, factor: 2, maxMs: 300_000, jitter: 0.2 };
  const { attempts, backoff: backoffMs, factor, max: maxMs, jitter, on } = shape;
  return { attempts, backoffMs, factor, maxMs, jitter, ...(on === undefined ? {} : { on }) };
}

const HOW_CRITERION =
  'write `coverage >= 80%`, the name of a value that must be true, the name of a check, or `{ artifact: … }`, `{ command: […] }`';
const Text = z.string().min(1).max(200);
/** One thing that must hold, as it is written. */
export const CriterionShape = z.union(
  [
    Text,
    strictShape({ metric: Text, advisory: z.boolean().default(false) }),
    strictShape({ command: Argv, name: Text.optional(), advisory: z.boolean().default(false) }),
    z.strictObject({ ...ArtifactCheck.shape, name: Text.optional(), advisory: z.boolean().default(false) }),
  ],
  { error: HOW_CRITERION },
);
export type CriterionShape = z.infer<typeof CriterionShape>;

/** A criterion, with the checks that have a name; undefined when the text is neither a name nor a comparison. */
export function readCriterion(
  shape: CriterionShape,
  checks: Readonly<Record<string, CriterionShape>> = {},
  advisory = false,
): Criterion | undefined {
  if (typeof shape === 'string') {
    const named = Object.hasOwn(checks, shape.trim()) ? checks[shape.trim()] : undefined;
    const found = named === undefined ? parseCriterion(shape, advisory) : readCriterion(named, {}, advisory);
    return found && { ...found, text: shape.trim() };
  }
  const may = advisory || shape.advisory;
  if ('metric' in shape) return parseCriterion(shape.metric, may);
  if ('command' in shape)
    return { kind: 'command', text: shape.name ?? shape.command.join(' ').slice(0, 200), argv: shape.command, advisory: may };
  const { name, advisory: _, ...check } = shape;
  return { kind: 'artifact', text: name ?? check.artifact, check, advisory: may };
}

const MemberName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$/, 'the name of a member is letters, digits, `.`, `-` and `_`, at most 50')
  .refine((name) => name !== 'none', 'a vote for `none` is one for no proposal; give the member another name');
const HOW_MEMBER = 'write the id of an agent, or `{ name: …, role: …, capabilities: […], tags: […] }`, `{ name: …, command: […] }`';
/** One of those who deliberate: `id`, what the agent must have, or a program. */
export const MemberShape = z.union(
  [
    AgentId,
    strictShape({
      name: MemberName.optional(),
      agent: AgentId.optional(),
      role: z.string().min(1).max(100).optional(),
      capabilities: Names.optional(),
      tags: Names.optional(),
      command: Argv.optional(),
    }),
  ],
  { error: HOW_MEMBER },
);
export type MemberShape = z.infer<typeof MemberShape>;

export const DeliberateShape = strictShape({
  agents: z.array(MemberShape).min(2, 'at least two deliberate').max(10, 'at most ten deliberate'),
  rounds: z.int().min(2, 'the first round has no votes, so there are at least two').max(10).default(3),
  required_consensus: z.number('write a number from 0 to 1, such as 0.7').min(0).max(1),
  quorum: z.int().min(1).max(10).optional(),
  round_timeout: Duration.default(900_000),
});

/** What cleans up after a stage: an action that the bindings know, an agent with what it is to do, or a program. */
export const CleanupShape = z.union(
  [
    Text.max(100),
    strictShape({
      name: Text.max(100),
      agent: AgentChoice.optional(),
      action: Text.optional(),
      prompt: z.string().min(1).max(32_768).optional(),
      command: Argv.optional(),
      timeout: Duration.optional(),
    }),
  ],
  { error: 'write the name of an action, or `{ name: …, command: […] }`, `{ name: …, agent: …, prompt: … }`' },
);
export type CleanupShape = z.infer<typeof CleanupShape>;

const PEOPLE = new Set(['human', 'person', 'user']);
export const ApproverShape = z.union([
  AgentId,
  strictShape({ name: Text.optional(), agent: AgentChoice.optional(), command: Argv.optional() }),
]);

/** Who has to say yes; `human` is a person. */
export function readApprover(shape: z.infer<typeof ApproverShape>): Approver {
  if (typeof shape === 'string') return PEOPLE.has(shape.toLowerCase()) ? { name: 'human' } : { name: shape, agent: shape };
  const { agent, command } = shape;
  const who = typeof agent === 'string' ? { agent } : agent ? { select: agent } : {};
  const name = shape.name ?? (typeof agent === 'string' ? agent : (agent?.role ?? command?.[0] ?? 'human'));
  return { name, ...who, ...(command === undefined ? {} : { agent: 'command', command }) };
}
