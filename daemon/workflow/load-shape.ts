// What a workflow file may say, key by key. What must hold across stages is checked in `load-graph.ts`.
import * as z from 'zod';
import {
  ArtifactName,
  MAX_STAGES,
  parseDuration,
  parseReference,
  parseWholeTemplate,
  type StageDefinition,
  StageId,
  WorkflowInput,
} from '../../shared/state/workflow.ts';
import { strictShape } from '../../shared/yaml/source.ts';

const Sentence = z.string().min(1).max(2_000);
const Id = z
  .string()
  .refine(
    (text) => StageId.safeParse(text).success,
    'an id is lower-case letters, digits, `-` and `_`, starts with a letter and has at most 64 characters',
  );
const Artifact = z
  .string()
  .refine((text) => ArtifactName.safeParse(text).success, 'an artifact is a plain file name such as `findings.json`');
const AgentId = z.string().regex(/^[a-z][a-z0-9._-]{0,63}$/, 'the id of an agent is lower-case letters, digits, `.`, `-` and `_`');
const Reference = z.string().refine((text) => parseReference(text) !== undefined, 'write `stage.value`, for instance `scan.testCommand`');
const Duration = z.string({ error: 'write a duration such as `30s`, `5m`, `2h` or `1d`' }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) context.addIssue('write a duration such as `30s`, `5m`, `2h` or `1d`, at most `30d`');
  return ms ?? 0;
});
const Argv = z.array(z.string().max(32_768)).min(1, 'a command names at least a program').max(1_000);
const HOW_TO_COMMAND = 'write a list (`[npm, test]`), or one quoted reference (`"{scan.testCommand}"`) to a value that is a list';
const Command = z.union([Argv, z.string().refine((text) => parseWholeTemplate(text) !== undefined, HOW_TO_COMMAND)], {
  error: HOW_TO_COMMAND,
});
const HOW_TO_WHEN = 'write `stage.value`, for instance `scan.testCommand`, or a list of `{ value: stage.value, otherwise: sentence }`';
const Worktree = z.union([z.enum(['none', 'own']), z.strictObject({ from: Id })], { error: 'write `none`, `own` or `{ from: <stage> }`' });

/** One stage as it is written; the keys of `StageDefinition`, with durations as text and everything optional that has a default. */
export const StageShape = strictShape({
  id: Id,
  name: Sentence.optional(),
  needs: z.array(Id).max(MAX_STAGES).default([]),
  agent: AgentId.optional(),
  action: z.string().min(1).max(200).optional(),
  command: Command.optional(),
  prompt: z.string().min(1).max(32_768).optional(),
  stdin: z.string().max(65_536).optional(),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable is letters, digits and `_`'), z.string().max(32_768))
    .optional(),
  inputs: z.array(z.string().min(1).max(200)).max(100).default([]),
  outputs: z.array(Artifact).max(100).default([]),
  worktree: Worktree.optional(),
  when: z
    .union(
      [
        Reference,
        z
          .array(strictShape({ value: Reference, otherwise: Sentence.optional() }))
          .min(1)
          .max(20),
      ],
      { error: HOW_TO_WHEN },
    )
    .optional(),
  otherwise: Sentence.optional(),
  gate: strictShape({ proposals: Artifact }).optional(),
  approval: strictShape({ summary: Sentence, expires: Duration.optional() }).optional(),
  merge: strictShape({ from: Id }).optional(),
  timeout: Duration.optional(),
  always: z.boolean().default(false),
  optional: z.boolean().default(false),
  on_denied: z.enum(['skip', 'fail'], { error: 'write `skip` or `fail`' }).default('fail'),
});
export type StageShape = z.infer<typeof StageShape>;

/** A workflow file without its stages, which are checked one by one so that all problems appear at once. */
export const WorkflowShape = strictShape({
  workflow: z
    .string()
    .max(64)
    .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'the name of a workflow is lower-case words joined by `-`'),
  version: z.int('write a whole number').positive('the first version is 1'),
  description: Sentence.optional(),
  inputs: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'the name of an input is letters, digits and `_`'),
      strictShape({ type: WorkflowInput.shape.type, default: WorkflowInput.shape.default, description: Sentence.optional() }),
    )
    .default({}),
  stages: z.array(z.unknown()).min(1, 'a workflow has at least one stage').max(MAX_STAGES, `a workflow has at most ${MAX_STAGES} stages`),
});

/** Fills in the defaults; a command or a prompt works in a worktree of its own unless the file says otherwise. */
export function normaliseStage(shape: StageShape): StageDefinition {
  const { timeout, approval, on_denied, worktree, name, when, otherwise, ...rest } = shape;
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as typeof rest;
  return {
    ...(known as Omit<StageDefinition, 'name' | 'worktree' | 'onDenied' | 'when'>),
    name: name ?? shape.id,
    worktree: worktree ?? defaultWorktree(shape),
    onDenied: on_denied,
    when: listConditions(when, otherwise),
    ...(approval === undefined
      ? {}
      : { approval: { summary: approval.summary, ...(approval.expires === undefined ? {} : { expiresMs: approval.expires }) } }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
  };
}

function listConditions(when: StageShape['when'], otherwise: string | undefined): StageDefinition['when'] {
  if (when === undefined) return [];
  const list = typeof when === 'string' ? [{ value: when, otherwise }] : when;
  return list.map((condition) => ({
    value: condition.value,
    ...(condition.otherwise === undefined ? {} : { otherwise: condition.otherwise }),
  }));
}

/** Whether a stage has a worktree, and so a commit that others can start from or merge. */
export function endsWithCommit(shape: StageShape): boolean {
  return shape.merge === undefined && (shape.worktree ?? defaultWorktree(shape)) !== 'none';
}

function defaultWorktree(shape: StageShape): 'none' | 'own' {
  return shape.command === undefined && shape.prompt === undefined ? 'none' : 'own';
}
