// What a validated workflow definition is. Pure data: it names agents, actions and stages, and knows no
// file, line or column (those belong to the errors of the loader, `daemon/workflow/load.ts`).
//
// W1. Every default is filled in and every duration is a number of milliseconds, so a run that keeps the
//     definition it started with does not change its meaning when a default changes later.
// W2. A stage has exactly one worker: an agent (named or chosen), a merge, a join, or those who deliberate.
// W3. Every stage that `needs`, `inputs`, `when`, `gate`, `worktree.from`, `merge.from` or a template names exists
//     and ends before this stage starts. The loader checks this across stages; the schema alone cannot.
import * as z from 'zod';
import {
  AgentSelection,
  Approver,
  Deliberation,
  Handoff,
  Join,
  MAX_DURATION_MS,
  Milliseconds,
  NextCase,
  OnFailure,
  Retry,
  StageId,
  Trigger,
} from './flow.ts';
import { MergeHow } from './action.ts';
import { Criterion } from './gate.ts';
import { TriggerDefinition } from './trigger-definition.ts';

/** Most stages that a run may have, and that one file may name. */
export const MAX_STAGES = 10_000;
export const MAX_FILE_STAGES = 5_000;

/** Most items of a list that a stage is done for, and characters of one of them as JSON. */
export const MAX_ITEMS = 1_000;
export const MAX_ITEM_CHARACTERS = 4_096;

/** What the id of a stage looks like. */
export const StageIdText = /^[a-z][a-z0-9_-]{0,63}$/;
const VALUE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const DURATION = /^([1-9][0-9]{0,8}) ?(s|m|h|d|seconds?|minutes?|hours?|days?)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
// Doubled braces are somebody else's template language and stay as they are.
const TEMPLATE = /(?<!\{)\{([a-z][a-z0-9_-]{0,63})\.([A-Za-z_][A-Za-z0-9_]{0,63})\}(?!\})/g;

/** Name of an artifact: a file (`findings.json`), a folder (`designs/`) or a list (`tickets[]`). */
export const ArtifactName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:\/|\[\])?$/);

/** A value that an earlier stage reported (`scan.testCommand`), or an input of the run (`inputs.target`). */
export interface ValueReference {
  stage: string;
  value: string;
}

/** Whether a name is that of a value that a stage reports (`severity`), and not of a file, a folder or a list. */
export function isValueName(name: string): boolean {
  return VALUE_NAME.test(name);
}

/** Where a stage works: nowhere, in a fresh worktree, or in a fresh worktree at the commit that another stage ended with. */
export const WorktreeUse = z.union([z.literal('none'), z.literal('own'), z.strictObject({ from: StageId })]);
export type WorktreeUse = z.infer<typeof WorktreeUse>;

/** A parameter that whoever starts the run may give. */
export const WorkflowInput = z.strictObject({
  type: z.enum(['string', 'number', 'boolean', 'list']),
  default: z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  /** It may stay unsaid. */
  optional: z.boolean().optional(),
});
export type WorkflowInput = z.infer<typeof WorkflowInput>;

const STAGE_FIELDS = {
  id: StageId,
  /** What a person reads; the id when the file gives none. */
  name: z.string(),
  /** Stages that end before this one starts; a stage with none starts at once. */
  needs: z.array(StageId),
  /** Id of the agent that does the work; absent for a merge, for a join, and where `select` chooses one. */
  agent: z.string().optional(),
  select: AgentSelection.optional(),
  /** What the agent is asked to do, one of its actions. */
  action: z.string().optional(),
  /** Argv whose elements may hold `{stage.value}`, or one such reference that resolves to a whole argv. Only for agent `command`. */
  command: z.union([z.array(z.string()).min(1), z.string()]).optional(),
  /** Text for the command's standard input; may hold `{stage.value}`. */
  stdin: z.string().optional(),
  /** Environment of the command; values may hold `{stage.value}`. */
  env: z.record(z.string(), z.string()).optional(),
  /** Artifact names, or `stage.value` references, of earlier stages. A name that is both is the artifact. */
  inputs: z.array(z.string()),
  /** Artifacts that this stage must produce. */
  outputs: z.array(ArtifactName),
  worktree: WorktreeUse,
  /** The stage is skipped, visibly, at the first `stage.value` for which `isPresent` does not hold; `otherwise` is what is then shown. */
  when: z.array(z.strictObject({ value: z.string(), otherwise: z.string().optional() })),
  /** The stage is skipped, visibly, when this condition (CEL over `inputs` and `stages`) does not hold. */
  if: z.string().optional(),
  /** Each repair proposed in that artifact is an action that the policy decides before the stage starts. */
  gate: z.strictObject({ proposals: ArtifactName }).optional(),
  /** A person is asked before the stage starts, whatever the policy says. */
  approval: z.strictObject({ summary: z.string(), expiresMs: z.number().int().positive().optional() }).optional(),
  /** The daemon's own action: merge that stage's commit into the target branch of the run, decided as `workspace.merge`. */
  merge: z
    .strictObject({
      from: StageId,
      /** Absent: by a merge commit. */
      how: MergeHow.optional(),
      /**
       * What the merged result has to pass before the branch moves: argv whose elements may hold `{stage.value}`, one reference
       * to a whole argv, or `tests` for the repository's own test command. Absent: what the repository itself names.
       */
      checks: z.array(z.union([z.array(z.string()).min(1), z.string()])).optional(),
    })
    .optional(),
  timeoutMs: Milliseconds.optional(),
  /** What the agent is told; may hold `{context.x}`, `{previous.output}`, `{stage.output}` and `{stage.value}`. */
  prompt: z.string().optional(),
  /** Values that the agent is given beside its inputs. */
  with: z.record(z.string(), z.json()).optional(),
  /** Which of the stages that may come next do: those of the first case that holds. */
  next: z.array(NextCase).optional(),
  /** Of `needs`, those that choose this stage by their `next`; one choice is enough. */
  chosenBy: z.array(StageId).optional(),
  /** It does nothing itself and is done when enough of its `needs` are. */
  join: Join.optional(),
  /** Several agents work its prompt out between them; the first of `outputs` is what they agree on, the last is the transcript. */
  deliberate: Deliberation.optional(),
  /** What must hold of its work before the run goes on. */
  criteria: z.array(Criterion).optional(),
  /** Who must say yes to its work. */
  approvers: z.array(Approver).optional(),
  /** What must have been handed over before it starts. */
  handoffs: z.array(Handoff).optional(),
  onFailure: OnFailure.optional(),
  retry: Retry.optional(),
  /** Time from its start within which it should be done, in milliseconds; a warning comes at 80 %. */
  slaMs: Milliseconds.optional(),
  /** Runs as soon as its `needs` ended, however they ended. */
  always: z.boolean(),
  /** It cleans up after the stage that it needs, also when the run is canceled. */
  cleanup: z.literal(true).optional(),
  /** Its failure does not fail the run. */
  optional: z.boolean(),
  /** What a denied action or approval makes of the stage. Skipped counts as done for the stages that need it. */
  onDenied: z.enum(['skip', 'fail']),
  /** It runs another workflow, and is done when that run is; `inputs` may hold `{stage.value}`, a whole reference keeps its type. */
  call: z
    .strictObject({
      workflow: z.string(),
      version: z.number().int().positive(),
      digest: z.string(),
      /** What the other workflow takes. */
      takes: z.record(z.string(), WorkflowInput),
      inputs: z.record(z.string(), z.json()),
    })
    .optional(),
  /** It does the work of another stage for one item of its list; that stage starts it. */
  instance: z.strictObject({ of: StageId, index: z.number().int().positive(), item: z.json() }).optional(),
};

/** One node of a workflow, with all defaults filled in. */
export const StageDefinition = z.strictObject({
  ...STAGE_FIELDS,
  /** It is done once for each item of a list: when it begins, a stage comes for each of them, and it ends with all of those. */
  matrix: z
    .strictObject({
      /** The list itself, or where it is: `tickets[]`, `inputs.x`, `stage.value`. */
      over: z.union([z.string(), z.array(z.json()).max(MAX_ITEMS)]),
      /** So many at once; absent: all. */
      maxParallel: z.number().int().positive().optional(),
      /** The first that fails ends the others. */
      failFast: z.boolean(),
      /** What each of them does. */
      each: z.strictObject(STAGE_FIELDS),
    })
    .optional(),
});
export type StageDefinition = z.infer<typeof StageDefinition>;

/** A workflow as a run keeps it: validated, normalised, content-addressed by whoever stores it. */
export const WorkflowDefinition = z.strictObject({
  workflow: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/),
  version: z.number().int().positive(),
  description: z.string().optional(),
  inputs: z.record(z.string(), WorkflowInput),
  trigger: Trigger.optional(),
  /** What starts it without a person, once it is registered. */
  triggers: z.array(TriggerDefinition).optional(),
  /** Branch, tag or commit that its runs start from. */
  base: z.string().optional(),
  slaMs: Milliseconds.optional(),
  stages: z.array(StageDefinition).min(1).max(MAX_STAGES),
});
export type WorkflowDefinition = z.infer<typeof WorkflowDefinition>;

/** Reads `stage.value`; undefined when the text is not exactly one reference. */
export function parseReference(text: string): ValueReference | undefined {
  const dot = text.indexOf('.');
  if (dot < 0) return undefined;
  const stage = text.slice(0, dot);
  const value = text.slice(dot + 1);
  return StageIdText.test(stage) && VALUE_NAME.test(value) ? { stage, value } : undefined;
}

/** Every `{stage.value}` that a template holds, in order; `{{a.b}}` is literal text. */
export function listReferences(template: string): ValueReference[] {
  return [...template.matchAll(TEMPLATE)].map((match) => ({ stage: match[1] ?? '', value: match[2] ?? '' }));
}

/** The one reference that a text consists of (`{scan.testCommand}`), or undefined when it is anything else. */
export function parseWholeTemplate(text: string): ValueReference | undefined {
  return text.startsWith('{') && text.endsWith('}') ? parseReference(text.slice(1, -1)) : undefined;
}

/** Replaces every `{stage.value}` by what `resolve` says; a text never becomes a second template. */
export function fillTemplate(template: string, resolve: (reference: ValueReference) => string): string {
  return template.replace(TEMPLATE, (_whole, stage: string, value: string) => resolve({ stage, value }));
}

/** Whether a value counts for `when`: null, false, 0, NaN, the empty text and the empty list do not. */
export function isPresent(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}

/** Milliseconds of `30s`, `5m`, `2h`, `1d` or `30 minutes`; undefined for anything else, and beyond 30 days. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNIT_MS[match[2]?.[0] ?? ''] ?? Infinity);
  return ms <= MAX_DURATION_MS ? ms : undefined;
}
