// How the stages of a workflow follow one another: routes, joins, retries, loops back, and who does the work.
import * as z from 'zod';
import { Criterion } from './gate.ts';

/** Longest duration that a definition may ask for, in milliseconds: 30 days. */
export const MAX_DURATION_MS = 30 * 24 * 60 * 60 * 1000;
const STAGE_ID = /^[a-z][a-z0-9_-]{0,63}$/;

/** Id of a stage: lower-case letters, digits, `-` and `_`, at most 64. */
export const StageId = z.string().regex(STAGE_ID);
/** Any duration of a definition, in milliseconds. */
export const Milliseconds = z.number().int().positive().max(MAX_DURATION_MS);

/** An agent chosen when the work is there: the one with the least to do of those that have all of this. */
export const AgentSelection = z.strictObject({
  role: z.string().optional(),
  capabilities: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional(),
  region: z.string().optional(),
});
export type AgentSelection = z.infer<typeof AgentSelection>;

/** One way on: always, when a value of the stage equals a text, or when a condition holds. */
export const NextCase = z.strictObject({
  to: z.array(StageId),
  /** Value of the stage that is compared with `equals`. */
  value: z.string().optional(),
  equals: z.string().optional(),
  /** Condition in CEL over `values`, `inputs` and `stages`. */
  if: z.string().optional(),
});
export type NextCase = z.infer<typeof NextCase>;

/** When a stage that only waits for others is done. */
export const Join = z.strictObject({
  /** How many of its `needs` must succeed. */
  count: z.number().int().positive(),
  /** What else is under way then is ended. */
  endRest: z.boolean(),
});
export type Join = z.infer<typeof Join>;

/** How often a task is tried, and how long between two tries; milliseconds. */
export const Retry = z.strictObject({
  attempts: z.number().int().min(1).max(20),
  backoffMs: Milliseconds,
  factor: z.number().min(1).max(10),
  maxMs: Milliseconds,
  /** Part of the wait that chance takes away, from 0 to 1, so that not all come back at once. */
  jitter: z.number().min(0).max(1),
  /** Codes of failures that are tried again; absent: all but those that trying again cannot mend. */
  on: z.array(z.string()).optional(),
});
export type Retry = z.infer<typeof Retry>;

/** What follows when the work failed, or its gate did; tried in this order. */
export const OnFailure = z.strictObject({
  /** Times that the stage itself is done again, with what was wrong. */
  retry: z.number().int().min(0).max(20),
  /** The run goes back to that stage, so often, with what was wrong; what depends on it is done again. */
  back: z.strictObject({ to: StageId, atMost: z.number().int().min(1).max(20) }).optional(),
  /** `ask`: a person says whether it is tried again, left out, or fails. */
  last: z.enum(['fail', 'skip', 'ask']),
});
export type OnFailure = z.infer<typeof OnFailure>;

/** Who looks at the work before it counts: a person, an agent, or a program. */
export const Approver = z.strictObject({
  name: z.string().min(1),
  agent: z.string().optional(),
  select: AgentSelection.optional(),
  command: z.array(z.string()).min(1).optional(),
});
export type Approver = z.infer<typeof Approver>;

/** One of those who deliberate. */
export const Member = z.strictObject({
  name: z.string().min(1).max(50),
  agent: z.string().optional(),
  select: AgentSelection.optional(),
  /** Argv of a program; then `agent` is `command`. */
  command: z.array(z.string()).min(1).optional(),
});
export type Member = z.infer<typeof Member>;

/** Several agents propose, criticise and revise until they agree, or the rounds are over. How that is measured: `deliberation.ts`. */
export const Deliberation = z.strictObject({
  members: z.array(Member).min(2).max(10),
  /** The first is without votes. */
  rounds: z.number().int().min(2).max(10),
  required: z.number().min(0).max(1),
  /** Votes that must be cast. */
  quorum: z.number().int().min(1).max(10),
  /** Who has not answered by then has said nothing in this round. */
  roundMs: Milliseconds,
});
export type Deliberation = z.infer<typeof Deliberation>;

/** What must be there when work goes from one agent to another. */
export const Handoff = z.strictObject({
  id: z.string().min(1).max(100),
  /** Stages whose work is handed over. */
  from: z.array(StageId).min(1),
  artifacts: z.array(z.strictObject({ name: z.string(), criteria: z.array(Criterion) })),
  /** Values that must be known: inputs of the run, or reported by a stage before. */
  context: z.array(z.strictObject({ name: z.string(), type: z.enum(['any', 'boolean', 'list']) })),
  acknowledgeMs: Milliseconds.optional(),
  firstOutputMs: Milliseconds.optional(),
  /** Times that an incomplete one goes back. */
  atMost: z.number().int().min(0).max(20),
});
export type Handoff = z.infer<typeof Handoff>;

/** Who may start a workflow, and what starts it without a person. */
export const Trigger = z.discriminatedUnion('kind', [
  /** `authorized` names principals, or `human` for a person; empty: whoever may submit. */
  z.strictObject({ kind: z.literal('manual'), authorized: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('source'), source: z.string() }),
]);
export type Trigger = z.infer<typeof Trigger>;
