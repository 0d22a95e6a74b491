// Long because: it is the one declaration of the wire.
import * as z from 'zod';
import { Action, type Effect } from '../state/action.ts';
import type { Agent } from '../state/agent.ts';
import type { Approval } from '../state/approval.ts';
import type { Decision } from '../state/action.ts';
import type { Recorded } from '../state/evolve.ts';
import type { Run } from '../state/run.ts';
import type { Task } from '../state/task.ts';
import { AgentCall, type CallAnswer } from './agent-tools.ts';
import { Scope } from './scopes.ts';
import type {
  AgentCheck,
  AgentFound,
  Assignment,
  RuleProposal,
  CanaryReport,
  ChangedFile,
  CloudEvent,
  FileText,
  HelloResult,
  MergeView,
  Patch,
  Pin,
  Progress,
  RunDetail,
  RunPlan,
  StatusResult,
  SubscribeResult,
  TriggerView,
  TrustView,
  UndoCommit,
  UndoDependent,
  WorktreeClash,
  WorktreeView,
} from './views.ts';

/** Ids are made by clients (UUIDv7 by convention), so that a retry is harmless. */
export const Id = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/,
    'an id has 1 to 100 letters, digits, dots, dashes or underscores, and starts with a letter or digit',
  );
/** `workflow.trigger`, with a few digits for its repository. */
const TriggerId = z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,149}$/, 'the id of a trigger, as `signalbox triggers` shows it');
/** Bytes of a patch in one answer. */
const MAX_PATCH_BYTES = 256 * 1024;
const Path = z.string().min(1).max(4_096);
const Digest = z.string().regex(/^[0-9a-f]{64}$/, 'a digest is 64 hex digits');
const ObjectId = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'an object id of git');
const Revision = z
  .string()
  .max(255)
  .regex(/^[^\s\0-][^\s\0]*$/, 'a branch, a tag or a commit, without blanks and without a dash before it');
const Values = z.record(z.string().max(200), z.json());

/** Which part of the record a subscription or a listing is about. */
export const EventScope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  /** Agents, runs and approvals, without tasks and attempts. */
  z.strictObject({ kind: z.literal('summary') }),
  z.strictObject({ kind: z.literal('repo'), repo: Path }),
  z.strictObject({ kind: z.literal('run'), run: Id }),
]);
export type EventScope = z.infer<typeof EventScope>;

const Hello = z.strictObject({
  protocol: z.strictObject({ min: z.int().min(1), max: z.int().min(1) }),
  client: z.strictObject({ name: z.string().max(100), version: z.string().max(50) }),
});

/** A file that the user named: its text, and where it lies for messages. */
const SourceText = z.strictObject({ file: Path, text: z.string().max(256 * 1024) });
const WorkflowChoice = z.union([
  z.strictObject({ name: z.string().max(100) }),
  /** `parts` stand beside it: a file of bindings, files of handoffs. */
  SourceText.extend({ parts: z.array(SourceText).max(100).optional() }),
]);

const RunStart = z.strictObject({
  id: Id,
  workflow: WorkflowChoice,
  repo: Path.optional(),
  into: z.string().min(1).max(255).optional(),
  /** What the work starts from: a branch, tag or commit; absent: what the workflow or the repository names, `into`, or what is checked out. */
  base: Revision.optional(),
  inputs: Values.default({}),
  /** A run whose agent's work it goes on from: in the same worktree and, where the agent can, in the same session of its own. */
  continues: Id.optional(),
  /** Start another one although the same is running. */
  again: z.boolean().default(false),
  /** What becomes of its questions: they wait for a person, all are a no, or the policies say (`headless`). */
  approve: z.enum(['ask', 'deny', 'policy']).default('ask'),
  /** Time until all of its questions that wait are a no. */
  deadlineMs: z.int().min(1_000).max(2_592_000_000).optional(),
});

const RunFork = z.strictObject({
  id: Id,
  /** The run to go on from, and the event before which it is taken as it was. */
  run: Id,
  event: z.string().min(1).max(100),
  approve: z.enum(['ask', 'deny']).default('ask'),
  /** Rules that count for the new run beside those in force; the stricter of both stands. */
  policy: SourceText.optional(),
});

const TaskSubmit = z.strictObject({
  id: Id,
  agent: Id,
  action: z.string().min(1).max(200),
  payload: Values.default({}),
  priority: z.int().min(-100).max(100).default(0),
  /** Without one, the policy's default holds, else the setting's. */
  timeoutMs: z.int().min(1).max(86_400_000).optional(),
  maxAttempts: z.int().min(1).max(100).default(3),
  /** Without it nobody has to look at its failure. */
  critical: z.boolean().default(true),
});

const AgentRegister = z.strictObject({
  id: Id,
  role: z.string().max(100).default(''),
  capabilities: z.array(z.string().max(100)).max(100).default([]),
  tags: z.array(z.string().max(100)).max(100).default([]),
  slots: z.int().min(1).max(10_000).default(1),
  /** Where it works, for stages that want it there. */
  region: z.string().min(1).max(100).optional(),
});

const WorkerReport = z.strictObject({
  task: Id,
  attempt: Id,
  token: z.int().min(1),
  status: z.enum(['succeeded', 'failed']),
  code: z.string().max(100).optional(),
  message: z.string().max(2_000).optional(),
  values: Values.default({}),
  /** Tokens of models and US dollars that the attempt used. */
  usage: z.strictObject({ tokens: z.number().min(0).max(1e12), cost: z.number().min(0).max(1e9) }).optional(),
});

const Page = { limit: z.int().min(1).max(1_000).default(200) };
const Onward = { ...Page, cursor: z.string().max(200).optional() };

/** An action as a client writes it: its kind, and the fields that matter; what is left out gets a neutral value. */
const Evaluation = z.strictObject({
  /** Comes back with the decision. */
  id: Id,
  action: z.record(z.string().max(100), z.json()),
});

const PolicyEvaluate = z.strictObject({
  actions: z.array(Evaluation).min(1).max(100),
  /** The repository whose policies count beside those of the host. */
  repo: Path.optional(),
  /** Writes each action and its decision into the record; needs the scope `submit`. */
  record: z.boolean().default(false),
});

/** A method of the daemon: the scope that it needs, the form of its parameters, and (as a type only) its result. */
export interface Method<Params extends z.ZodType, Result> {
  /** One of several, where a list stands. */
  scope: Scope | readonly Scope[] | undefined;
  params: Params;
  /** Never set: carries the type of the result. */
  result?: Result;
}

function method<Result>() {
  return <Params extends z.ZodType>(scope: Method<Params, Result>['scope'], params: Params): Method<Params, Result> => ({ scope, params });
}

const none = z.strictObject({}).default({});

/** Every method of the wire: the one declaration, from which both sides infer. */
export const METHODS = {
  'daemon/hello': method<HelloResult>()(undefined, Hello),
  'daemon/status': method<StatusResult>()('observe', none),
  'daemon/stop': method<{ stopping: true }>()('configure', z.strictObject({ reason: z.string().max(200).default('asked to stop') })),

  'run/start': method<{ run: string; existing: boolean; notices: string[] }>()('submit', RunStart),
  /** A new run that goes on from another one; `inherited` are the stages that had ended there. */
  'run/fork': method<{ run: string; existing: boolean; notices: string[]; inherited: string[] }>()('submit', RunFork),
  /** What a run would do and be asked, as things stand: inputs are bound and the policies asked, nothing is started or recorded. */
  'run/plan': method<RunPlan>()(
    'submit',
    z.strictObject({
      workflow: WorkflowChoice,
      repo: Path.optional(),
      into: z.string().min(1).max(255).optional(),
      inputs: Values.default({}),
    }),
  ),
  'run/get': method<RunDetail>()('observe', z.strictObject({ run: Id })),
  /** Newest first, then those of the archive; `cursor` is there when more follow. */
  'run/list': method<{ runs: Run[]; cursor?: string }>()(
    'observe',
    z.strictObject({ repo: Path.optional(), active: z.boolean().default(false), ...Onward }),
  ),
  'run/cancel': method<{ run: string }>()('submit', z.strictObject({ run: Id, reason: z.string().max(500).default('') })),
  /** Starts nothing new until the run is resumed; what is under way comes to its end. */
  'run/pause': method<{ run: string }>()('submit', z.strictObject({ run: Id, reason: z.string().max(500).default('') })),
  'run/resume': method<{ run: string }>()('submit', z.strictObject({ run: Id })),
  /** Does a stage again, and what depends on it; a run that failed goes on with it. `feedback` is told to whoever does it. */
  'run/retry': method<{ run: string; stages: string[] }>()(
    'submit',
    z.strictObject({ run: Id, stage: z.string().min(1).max(64), feedback: z.string().max(4_000).default('') }),
  ),
  /** Leaves out a stage that has not begun. */
  'run/skip': method<{ run: string }>()(
    'submit',
    z.strictObject({ run: Id, stage: z.string().min(1).max(64), reason: z.string().max(500).default('') }),
  ),
  /**
   * Adds the stages of a file (`stages:`) to a run that is under way. With `asked` somebody has to allow it first; the same call
   * again adds them then.
   */
  'run/extend': method<{ run: string; added: string[]; existing: boolean; asked?: string }>()('submit', SourceText.extend({ run: Id })),
  /**
   * Adds a commit that takes the run's merge back; the branch keeps its history. With `preview` it only says what touches the same
   * files since, and `commit` is empty.
   */
  'run/undo': method<{ run: string; branch: string; commit: string; dependents: UndoDependent[]; others: UndoCommit[] }>()(
    'approve',
    z.strictObject({ run: Id, preview: z.boolean().default(false) }),
  ),

  /**
   * The files that a commit of the run changes, against `from`, a commit that the run knows, or else its first parent. Without a
   * commit: what its merge changes, or would change; where none was proposed, all that its newest work changes. With `patchBytes`
   * the unified diff as well, secrets masked; one that is longer ends at a whole line, and says so.
   */
  'run/changes': method<{ base: string; head: string; files: ChangedFile[]; truncated: boolean; patch?: Patch }>()(
    'observe',
    z.strictObject({
      run: Id,
      commit: ObjectId.optional(),
      from: ObjectId.optional(),
      patchBytes: z.int().min(0).max(MAX_PATCH_BYTES).default(0),
    }),
  ),
  /** One of those files at `base` or `head`, as `run/changes` named them. */
  'run/file': method<FileText>()('observe', z.strictObject({ run: Id, revision: ObjectId, path: Path })),

  'trigger/list': method<{ triggers: TriggerView[] }>()('observe', none),
  /** Registers the triggers of a workflow as it is now; said again with another text, they fire as it says then. */
  'trigger/add': method<{ triggers: TriggerView[] }>()(
    'configure',
    z.strictObject({
      workflow: WorkflowChoice,
      repo: Path.optional(),
      into: z.string().min(1).max(255).optional(),
      inputs: Values.default({}),
    }),
  ),
  'trigger/remove': method<{ trigger: string }>()(
    'configure',
    z.strictObject({ trigger: TriggerId, reason: z.string().max(500).default('') }),
  ),
  /** Fires by hand; the run may wait for those before it. `id` is the client's, `inputs` stand in for what would come from outside. */
  'trigger/fire': method<{ run: string; waits: boolean; existing: boolean }>()(
    'submit',
    z.strictObject({ trigger: TriggerId, id: Id, inputs: Values.default({}) }),
  ),
  'trigger/pause': method<{ trigger: string }>()('submit', z.strictObject({ trigger: TriggerId, reason: z.string().max(500).default('') })),
  'trigger/resume': method<{ trigger: string }>()('submit', z.strictObject({ trigger: TriggerId })),

  'task/submit': method<{ task: string; existing: boolean }>()('submit', TaskSubmit),
  /** Newest first, then those of the archive; `cursor` is there when more follow. */
  'task/list': method<{ tasks: Task[]; cursor?: string }>()(
    'observe',
    /** `dead`: of those in memory only the ones that nothing more is tried for until a person says so. */
    z.strictObject({ run: Id.optional(), active: z.boolean().default(false), dead: z.boolean().default(false), ...Onward }),
  ),
  'task/get': method<{ task: Task }>()('observe', z.strictObject({ task: Id })),
  /** Takes a dead letter up again; of a run, its stage is done again (`run` is there), and what depends on it. */
  'task/requeue': method<{ task: string; run?: string; stages?: string[] }>()('submit', z.strictObject({ task: Id })),
  'task/cancel': method<{ task: string }>()('submit', z.strictObject({ task: Id, reason: z.string().max(500).default('') })),

  'agent/list': method<{ agents: Agent[] }>()('observe', none),
  /** Agents that there are profiles of, found on this machine or not. */
  'agent/detect': method<{ agents: AgentFound[] }>()('observe', none),
  /** Starts an agent up to a session, and ends it again. */
  'agent/examine': method<{ check: AgentCheck }>()('configure', z.strictObject({ agent: Id })),
  /** Leads an agent through decoys with a scripted model; takes minutes. */
  'agent/canary': method<{ report: CanaryReport }>()('configure', z.strictObject({ agent: Id })),
  /** Registers an agent by its profile; the policy decides, and the one who asks answers where it wants a person. */
  'agent/add': method<{ agent: Agent; existing: boolean }>()(
    'configure',
    z.strictObject({ agent: Id, slots: z.int().min(1).max(100).default(2) }),
  ),
  /** Closes the circuit breaker of an agent that works again. */
  'agent/reset': method<{ agent: string; existing: boolean }>()('configure', z.strictObject({ agent: Id })),
  'agent/remove': method<{ agent: string; existing: boolean }>()('configure', z.strictObject({ agent: Id })),

  /** Decides actions as things stand now. Nothing is asked of anybody, and nothing is recorded unless it is asked for. */
  'policy/evaluate': method<{ decisions: { id: string; decision: Decision }[]; recorded: boolean }>()('observe', PolicyEvaluate),

  'approval/list': method<{ approvals: Approval[] }>()(
    'observe',
    z.strictObject({ run: Id.optional(), pending: z.boolean().default(true), ...Page }),
  ),
  /** `remember` makes a yes a rule: for the rest of the run, or in the user's policies, as `approval/rule` showed it (scope `configure`). */
  'approval/answer': method<{ approval: Approval }>()(
    'approve',
    z.strictObject({
      approval: Id,
      answer: z.enum(['grant', 'deny']),
      reason: z.string().max(2_000).default(''),
      /** What a yes means, where the question offers several (`choices`); the first when left out. */
      choice: z.string().min(1).max(50).optional(),
      remember: z
        .discriminatedUnion('for', [z.strictObject({ for: z.literal('run') }), z.strictObject({ for: z.literal('always'), after: Digest })])
        .optional(),
    }),
  ),
  /** The rule that a yes would be made into, the file as it is and as it would be; nothing is changed. */
  'approval/rule': method<RuleProposal>()('approve', z.strictObject({ approval: Id, for: z.enum(['run', 'always']) })),
  'approval/revoke': method<{ approval: Approval }>()(
    'approve',
    z.strictObject({ approval: Id, reason: z.string().max(2_000).default('') }),
  ),

  /** For a person, the agent that asks, and the agents that the question has come to. */
  'approval/comment': method<{ approval: Approval }>()(
    ['approve', 'agent'],
    z.strictObject({ approval: Id, text: z.string().trim().min(1).max(2_000) }),
  ),
  /** Takes a question back that need not be answered any more. */
  'approval/withdraw': method<{ approval: Approval }>()(
    ['approve', 'agent'],
    z.strictObject({ approval: Id, reason: z.string().max(2_000).default('') }),
  ),
  /** Asks for another action of the same kind in place of the one that a running attempt asks for; `asked` is its question, if it needs one. */
  'approval/change': method<{ approval: Approval; effect: Effect; asked?: Approval }>()(
    ['approve', 'agent'],
    z.strictObject({ approval: Id, action: Action, reason: z.string().max(2_000).default('') }),
  ),

  /** Text artifacts come as UTF-8 in pieces of at most 1 MiB. */
  'artifact/read': method<{ text: string; next: number; size: number; mediaType: string }>()(
    'observe',
    z.strictObject({ digest: Digest, offset: z.int().min(0).default(0) }),
  ),
  /** Removes the content of an artifact for good; the record keeps its digest, and says who removed it and why. */
  'artifact/redact': method<{ digest: string; existing: boolean }>()(
    'configure',
    z.strictObject({ digest: Digest, reason: z.string().min(1).max(2_000) }),
  ),
  /** Keeps an artifact in the store, or no longer, whatever the record still names; `existing` says that it was so before. */
  'artifact/pin': method<{ digest: string; existing: boolean }>()(
    'configure',
    z.strictObject({ digest: Digest, pinned: z.boolean().default(true), reason: z.string().max(2_000).default('') }),
  ),
  'artifact/pins': method<{ pins: Pin[] }>()('observe', none),
  /** Removes, or only counts, artifacts and spools that neither record nor archive reach and that are older than an hour. */
  'store/gc': method<{ dryRun: boolean; artifacts: { count: number; bytes: number }; spools: { count: number; bytes: number } }>()(
    'configure',
    z.strictObject({ dryRun: z.boolean().default(false) }),
  ),
  /** Output of an attempt, from a byte offset; `ended` says that no more will come. */
  'spool/read': method<{ text: string; next: number; ended: boolean; dropped: number }>()(
    'observe',
    z.strictObject({ attempt: Id, offset: z.int().min(0).default(0) }),
  ),

  'events/read': method<{ events: CloudEvent[]; cursor: string; more: boolean }>()(
    'observe',
    z.strictObject({ scope: EventScope.default({ kind: 'all' }), cursor: z.string().max(200).optional(), ...Page }),
  ),
  'events/subscribe': method<SubscribeResult>()('observe', z.strictObject({ scope: EventScope, cursor: z.string().max(200).optional() })),
  'events/unsubscribe': method<{ subscription: string }>()('observe', z.strictObject({ subscription: Id })),

  /** Merges of the runs in memory, those that are under way first, by their turn. */
  'merge/list': method<{ merges: MergeView[] }>()('observe', z.strictObject({ repo: Path.optional(), ...Page })),
  /** Gives the conflicts of a run's merge to an agent: a run of its own, in a worktree that holds both sides. `id` is that of the new run. */
  'merge/resolve': method<{ run: string; existing: boolean; files: string[]; notices: string[] }>()(
    'submit',
    z.strictObject({ run: Id, id: Id, agent: Id, timeoutMs: z.int().min(1_000).max(86_400_000).default(3_600_000) }),
  ),

  /** With `weather`, also which of those that are used conflict as they stand now. */
  'worktree/list': method<{ worktrees: WorktreeView[]; clashes: WorktreeClash[] }>()(
    'observe',
    z.strictObject({ weather: z.boolean().default(false) }).default({ weather: false }),
  ),
  /** Removes a worktree that nobody uses; what is uncommitted or untracked in it goes to the trash. */
  'worktree/remove': method<{ worktree: WorktreeView }>()('configure', z.strictObject({ attempt: Id })),
  'worktree/restore': method<{ worktree: WorktreeView }>()('configure', z.strictObject({ attempt: Id })),
  /** Removes worktrees that hold nothing of their own, and empties the trash of what has lain there so many days. */
  'worktree/prune': method<{ removed: WorktreeView[]; emptied: WorktreeView[] }>()(
    'configure',
    z.strictObject({ dryRun: z.boolean().default(false), days: z.int().min(0).max(3_650).default(30) }),
  ),

  'trust/show': method<TrustView>()('observe', z.strictObject({ repo: Path })),
  'trust/grant': method<TrustView>()('configure', z.strictObject({ repo: Path, digest: Digest })),
  'trust/revoke': method<TrustView>()('configure', z.strictObject({ repo: Path })),

  /** Makes a token for another principal; it lives until the daemon stops or the time is over. */
  'token/issue': method<{ token: string; expiresAt: string }>()(
    'configure',
    z.strictObject({
      name: z.string().regex(/^[a-z][a-z0-9:_-]{0,39}$/),
      scopes: z.array(Scope).min(1).max(6),
      ttlMs: z.int().min(1_000).max(86_400_000).default(3_600_000),
    }),
  ),

  /** Registers an agent that this connection works for; it is offline again when the connection ends. */
  'worker/attach': method<{ agent: string }>()('worker', AgentRegister),
  /** Calls a tool of `agent-tools.ts` for an attempt that this connection works on; what waits for a person is answered as pending. */
  'worker/call': method<CallAnswer>()('worker', z.strictObject({ attempt: Id, token: z.int().min(1), call: AgentCall })),
  'worker/report': method<{ accepted: number; refused: { attempt: string; code: string; message: string }[] }>()(
    'worker',
    z.strictObject({ reports: z.array(WorkerReport).min(1).max(1_000) }),
  ),
} as const;

export type MethodName = keyof typeof METHODS;
/** Parameters as a client writes them (defaults may be left out). */
export type ParamsOf<M extends MethodName> = z.input<(typeof METHODS)[M]['params']>;
/** Parameters as a handler gets them. */
export type ValidParamsOf<M extends MethodName> = z.output<(typeof METHODS)[M]['params']>;
export type ResultOf<M extends MethodName> = NonNullable<(typeof METHODS)[M]['result']>;

/** What the daemon says unasked. Lists, so that one frame carries many. */
export interface Notifications {
  'events/recorded': { subscription: string; commits: Recorded[]; cursor: string };
  /** The subscriber was too slow, or its scope is gone: subscribe again with the last cursor. */
  'events/lost': { subscription: string; reason: string };
  'attempt/progress': { items: Progress[] };
  'worker/assign': { assignments: Assignment[] };
  'worker/cancel': { attempts: { attempt: string; reason: string }[] };
  'daemon/stopping': { reason: string };
}
export type NotificationName = keyof Notifications;
