// What one stage and one workflow file may say, key by key. What must hold across stages is checked in `load-graph.ts`.
// The dialect in which stages are called `stage`, gates `quality_gate` and branches `parallel_agents` is read by the same shapes.
import * as z from 'zod';
import {
  MAX_FILE_STAGES,
  MAX_ITEMS,
  ArtifactName,
  parseReference,
  parseWholeTemplate,
  WorkflowInput,
} from '../../shared/state/workflow.ts';
import { strictShape } from '../../shared/yaml/source.ts';
import { TriggerShapes } from './load-triggers.ts';
import { MAX_CHECKS, TESTS } from './merge-checks.ts';
import {
  AgentChoice,
  ApproverShape,
  CleanupShape,
  Argv,
  CriterionShape,
  DeliberateShape,
  Duration,
  Id,
  Next,
  OnFailureShape,
  RetryShape,
  Sentence,
} from './load-parts.ts';

const Artifact = z
  .string()
  .refine(
    (text) => ArtifactName.safeParse(text).success,
    'an artifact is a file name such as `findings.json`, a folder such as `designs/` or a list such as `tickets[]`',
  );
const Reference = z.string().refine((text) => parseReference(text) !== undefined, 'write `stage.value`, for instance `scan.testCommand`');
const HOW_TO_COMMAND = 'write a list (`[npm, test]`), or one quoted reference (`"{scan.testCommand}"`) to a value that is a list';
const Command = z.union([Argv, z.string().refine((text) => parseWholeTemplate(text) !== undefined, HOW_TO_COMMAND)], {
  error: HOW_TO_COMMAND,
});
const HOW_TO_CHECK = 'write a list (`[npm, test]`), one quoted reference (`"{scan.testCommand}"`) to a value that is a list, or `tests`';
const MergeShape = strictShape({
  from: Id,
  how: z.enum(['merge', 'rebase', 'squash'], { error: 'write `merge`, `rebase` or `squash`' }).optional(),
  checks: z
    .array(
      z.union([Argv, z.string().refine((text) => text === TESTS || parseWholeTemplate(text) !== undefined, HOW_TO_CHECK)], {
        error: HOW_TO_CHECK,
      }),
    )
    .max(MAX_CHECKS)
    .optional(),
});
const HOW_TO_WHEN = 'write `stage.value`, for instance `scan.testCommand`, or a list of `{ value: stage.value, otherwise: sentence }`';
const Worktree = z.union([z.enum(['none', 'own']), z.strictObject({ from: Id })], { error: 'write `none`, `own` or `{ from: <stage> }`' });
const Values = z.record(z.string().min(1).max(100), z.json());
const Gate = z.array(CriterionShape).min(1).max(100);
const Prompt = z.string().min(1).max(32_768);
const Who = z.array(ApproverShape).min(1).max(20);

/** One of the branches of a stage that several agents work on at once. */
export const BranchShape = strictShape({
  id: Id.optional(),
  agent: AgentChoice.optional(),
  action: z.string().min(1).max(200).optional(),
  prompt: Prompt.optional(),
  with: Values.optional(),
  tickets: z.string().min(1).max(200).optional(),
  command: Command.optional(),
  inputs: z.array(z.string().min(1).max(200)).max(100).default([]),
  outputs: z.array(Artifact).max(100).default([]),
  worktree: Worktree.optional(),
});
export type BranchShape = z.infer<typeof BranchShape>;

const HOW_TO_MATRIX =
  'write where the list is (`tickets[]`, `inputs.x`, `stage.value`), a list, or `{ over: tickets[], max_parallel: 3, fail_fast: false }`';
const Over = z.union([z.string().min(1).max(200), z.array(z.json())]);
const MatrixShape = z.union(
  [
    Over.transform((over) => ({ over, max_parallel: undefined, fail_fast: true })),
    strictShape({ over: Over, max_parallel: z.int().min(1).max(MAX_ITEMS).optional(), fail_fast: z.boolean().default(true) }),
  ],
  { error: HOW_TO_MATRIX },
);

const STAGE_KEYS = {
  id: Id.optional(),
  stage: Id.optional(),
  name: Sentence.optional(),
  needs: z.array(Id).max(MAX_FILE_STAGES).default([]),
  agent: AgentChoice.optional(),
  action: z.string().min(1).max(200).optional(),
  command: Command.optional(),
  stdin: z.string().max(65_536).optional(),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable is letters, digits and `_`'), z.string().max(32_768))
    .optional(),
  prompt: Prompt.optional(),
  with: Values.optional(),
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
  if: z.string().min(1).max(4_000).optional(),
  otherwise: Sentence.optional(),
  gate: z
    .union([strictShape({ proposals: Artifact }), Gate], { error: 'write `{ proposals: plan.json }`, or a list of what must hold' })
    .optional(),
  quality_gate: Gate.optional(),
  criteria: Gate.optional(),
  blocking: z.boolean().optional(),
  approval: strictShape({ summary: Sentence, expires: Duration.optional() }).optional(),
  requires_approval: z.array(z.string().min(1).max(100)).min(1).max(20).optional(),
  approvers: Who.optional(),
  merge: MergeShape.optional(),
  deliberate: DeliberateShape.optional(),
  workflow: z
    .string()
    .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'the name of a workflow is lower-case words joined by `-`')
    .optional(),
  next: Next.optional(),
  next_by: z.string().min(1).max(100).optional(),
  matrix: MatrixShape.optional(),
  parallel: z.union([z.boolean(), z.array(BranchShape).min(1).max(100)]).optional(),
  parallel_agents: z.array(BranchShape).min(1).max(100).optional(),
  sync_point: z
    .union([z.enum(['all', 'any', 'all_complete', 'any_complete']), z.int().min(1).max(100)], {
      error: 'write `all`, `any`, or how many must succeed',
    })
    .optional(),
  on_failure: OnFailureShape.optional(),
  retry: RetryShape.optional(),
  sla: Duration.optional(),
  cleanup: z.array(CleanupShape).min(1).max(50).optional(),
  timeout: Duration.optional(),
  always: z.boolean().default(false),
  optional: z.boolean().default(false),
  on_denied: z.enum(['skip', 'fail'], { error: 'write `skip` or `fail`' }).default('fail'),
};

/** One stage as it is written; everything is optional that has a default. */
export const StageShape = strictShape(STAGE_KEYS).transform(({ stage, id, ...rest }, context) => {
  if (id === undefined && stage === undefined) context.addIssue({ code: 'custom', path: ['id'], message: 'a stage has an id' });
  if (id !== undefined && stage !== undefined) context.addIssue({ code: 'custom', path: ['stage'], message: '`id` says it already' });
  return { ...rest, id: id ?? stage ?? '' };
});
export type StageShape = z.infer<typeof StageShape>;

const Base = z
  .string()
  .max(255)
  .regex(/^[^\s\0-][^\s\0]*$/, 'write a branch, a tag or a commit');
const Trigger = strictShape({
  type: z.enum(['manual', 'automatic']),
  authorized: z.array(z.string().min(1).max(100)).max(50).optional(),
  source: z.string().min(1).max(200).optional(),
});

/** An artifact of a handoff, and who hands over to whom. */
export const HandoffShape = strictShape({
  id: z.string().min(1).max(100),
  from: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(20)]),
  to: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(20)]),
  required_artifacts: z
    .array(strictShape({ name: Artifact, validation: z.array(CriterionShape).max(50).default([]) }))
    .max(50)
    .default([]),
  required_context: z.array(z.string().min(1).max(100)).max(50).default([]),
  sla: strictShape({ acknowledgment: Duration.optional(), first_output: Duration.optional() }).optional(),
  at_most: z.int().min(0).max(20).default(2),
});
export type HandoffShape = z.infer<typeof HandoffShape>;

const Stages = z
  .array(z.unknown())
  .min(1, 'a workflow has at least one stage')
  .max(MAX_FILE_STAGES, `a workflow has at most ${MAX_FILE_STAGES} stages`);

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
  trigger: Trigger.optional(),
  triggers: TriggerShapes,
  base: Base.optional(),
  sla: Duration.optional(),
  checks: z.record(z.string().min(1).max(100), CriterionShape).default({}),
  handoffs: z.array(HandoffShape).max(100).default([]),
  stages: Stages,
});
export type WorkflowShape = z.infer<typeof WorkflowShape>;

/** What stands below `workflow:` where everything does. */
export const NestedWorkflowShape = strictShape({
  name: Sentence,
  id: z
    .string()
    .max(64)
    .regex(/^[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*$/, 'the id of a workflow is words joined by `-`'),
  version: z.union([z.string().regex(/^[0-9]+(\.[0-9]+)*$/, 'write `1.0.0`'), z.int().positive()]).default('1'),
  description: Sentence.optional(),
  trigger: Trigger.optional(),
  triggers: TriggerShapes,
  sla: Duration.optional(),
  stages: Stages,
}).transform(
  ({ name, id, version, description, ...rest }): WorkflowShape => ({
    ...rest,
    workflow: id.toLowerCase(),
    version: Math.max(1, Number.parseInt(String(version), 10)),
    description: description ?? name,
    inputs: {},
    checks: {},
    handoffs: [],
  }),
);

/** Whether a stage has a worktree, and so a commit that others can start from or merge. */
export function endsWithCommit(shape: StageShape): boolean {
  if (shape.workflow !== undefined) return true;
  return shape.merge === undefined && shape.deliberate === undefined && (shape.worktree ?? defaultWorktree(shape)) !== 'none';
}

/** A command or a prompt works in a worktree of its own unless the file says otherwise. */
export function defaultWorktree(shape: Pick<StageShape, 'command' | 'prompt'>): 'none' | 'own' {
  return shape.command === undefined && shape.prompt === undefined ? 'none' : 'own';
}
