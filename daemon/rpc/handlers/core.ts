import type { ResultOf, ValidParamsOf } from '../../../shared/protocol/methods.ts';
import type {
  AgentCheck,
  AgentFound,
  CanaryReport,
  ChangedFile,
  ChangeRange,
  CloudEvent,
  FileText,
  MergeView,
  RuleProposal,
  StatusResult,
  TriggerView,
  SubscribeResult,
  TrustView,
  Patch,
  UndoCommit,
  UndoDependent,
  WorktreeClash,
  WorktreeView,
} from '../../../shared/protocol/views.ts';
import type { AgentCall, CallAnswer } from '../../../shared/protocol/agent-tools.ts';
import type { EventScope } from '../../../shared/protocol/methods.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Scope } from '../../../shared/protocol/scopes.ts';
import type { Action } from '../../../shared/state/action.ts';
import type { Enforcement } from '../../../shared/state/agent.ts';
import type { State } from '../../../shared/state/evolve.ts';
import type { Approval } from '../../../shared/state/approval.ts';
import type { RunDocument, TaskDocument } from '../../../shared/state/document.ts';
import type { Run } from '../../../shared/state/run.ts';
import type { Task } from '../../../shared/state/task.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import type { Command, CommandResult, Origin } from '../../commands.ts';
import type { Connection } from '../connection.ts';

interface Page<Entry> {
  entries: Entry[];
  next: number | undefined;
}

/** Finished runs and tasks that left memory. */
export interface Archive {
  readRun(id: string): Promise<RunDocument | undefined>;
  readTask(id: string): Promise<TaskDocument | undefined>;
  readApproval(id: string): Promise<Approval | undefined>;
  listRuns(query: { before?: number; limit: number; wanted(line: { repo?: string }): boolean }): Promise<Page<Run>>;
  listTasks(query: { before?: number; limit: number }): Promise<Page<Task>>;
}

/** What the handlers need of the daemon; `main.ts` puts it together. */
export interface Core {
  readonly state: State;
  readonly epoch: string;
  readonly archive: Archive;
  submit(command: Command, origin: Origin): Promise<CommandResult>;
  /** Resolves when `settled` holds, looking after each batch; rejects after `timeoutMs`. */
  until(settled: () => boolean, timeoutMs: number): Promise<void>;
  status(): StatusResult;
  stop(reason: string): void;
  submitRun(params: ValidParamsOf<'run/start'>, origin: Origin): Promise<{ run: string; existing: boolean; notices: string[] }>;
  /** Each throws SignalboxError. */
  triggers: {
    list(): TriggerView[];
    add(params: ValidParamsOf<'trigger/add'>, origin: Origin): Promise<TriggerView[]>;
    fire(params: ValidParamsOf<'trigger/fire'>, origin: Origin): Promise<ResultOf<'trigger/fire'>>;
  };
  planRun(params: ValidParamsOf<'run/plan'>, origin: Origin): Promise<ResultOf<'run/plan'>>;
  extendRun(params: ValidParamsOf<'run/extend'>, origin: Origin): Promise<ResultOf<'run/extend'>>;
  forkRun(params: ValidParamsOf<'run/fork'>, origin: Origin): Promise<ResultOf<'run/fork'>>;
  definition(digest: string): Promise<WorkflowDefinition>;
  /** The stages that going back to one does again, and those that are told why; none when there is no such stage. */
  doneAgain(definition: WorkflowDefinition, stage: string): { stages: string[]; told?: string[] };
  /** The first parent of a commit of the run's repository. */
  findParent(run: Run, commit: string): Promise<string>;
  /** The files between two commits or trees of the run's repository. */
  listChanges(run: Run, range: ChangeRange): Promise<{ files: ChangedFile[]; truncated: boolean; patch?: Patch }>;
  /** Merged runs after this one, into the same branch, that touch the same files. */
  findLaterMerges(run: Run): Promise<UndoDependent[]>;
  /** Later commits on that branch which touch the same files, and are no merge of a run. */
  findLaterCommits(run: Run): Promise<UndoCommit[]>;
  /** Merges of the runs in memory, those under way first. */
  listMerges(): MergeView[];
  /** Starts the run of an agent that resolves the conflicts of another run's merge. */
  resolveConflicts(
    request: { document: RunDocument; id: string; agent: string; timeoutMs: number },
    origin: Origin,
  ): Promise<ResultOf<'merge/resolve'>>;
  /** A file of the run's repository at a commit or tree, bounded, with its secrets masked. */
  readFileAt(run: Run, revision: string, path: string): Promise<FileText>;
  readArtifact(digest: string, offset: number): Promise<{ text: string; next: number; size: number }>;
  /** The rule that a yes to an approval would be made into; throws SignalboxError when there is none. */
  proposeRule(approval: Approval, scope: 'run' | 'always', by: string): Promise<RuleProposal>;
  /** Writes what was proposed into the user's policies, and puts them into force. */
  writeRule(proposal: RuleProposal): Promise<void>;
  /** Throws SignalboxError not_found for a digest that the store does not have. */
  pinArtifact(
    request: { digest: string; pinned: boolean; by: string; reason: string },
    origin: Origin,
  ): Promise<{ digest: string; existing: boolean }>;
  redactArtifact(request: { digest: string; by: string; reason: string }, origin: Origin): Promise<{ digest: string; existing: boolean }>;
  collectGarbage(dryRun: boolean): Promise<{ artifacts: { count: number; bytes: number }; spools: { count: number; bytes: number } }>;
  readSpool(attempt: string, offset: number): Promise<{ text: string; next: number; ended: boolean; dropped: number }>;
  readEvents(
    scope: EventScope,
    cursor: string | undefined,
    limit: number,
  ): Promise<{ events: CloudEvent[]; cursor: string; more: boolean }>;
  subscribe(connection: Connection, id: string, scope: EventScope, cursor: string | undefined): Promise<SubscribeResult>;
  unsubscribe(id: string): void;
  showTrust(repo: string): Promise<TrustView>;
  /** Puts the repository's policies and triggers into force again after its trust changed. */
  applyTrust(repo: string, origin: Origin): Promise<void>;
  /** Decides actions; records them when the parameters say so. */
  evaluate(params: ValidParamsOf<'policy/evaluate'>, origin: Origin): Promise<ResultOf<'policy/evaluate'>>;
  issueToken(request: { name: string; scopes: Scope[]; ttlMs: number; by: readonly Scope[] }): { token: string; expiresAt: string };
  workers: {
    attach(agent: string, worker: Connection): boolean;
    detach(agent: string, worker: Connection): boolean;
    isAttached(agent: string, worker: Connection): boolean;
  };
  /** Answers a call of an attempt that a worker does; a refusal is an answer. */
  callFrom(attempt: string, token: number, call: AgentCall): Promise<CallAnswer>;
  /** The ACP agents that there are profiles of. */
  acp: {
    detect(): Promise<AgentFound[]>;
    examine(agent: string): Promise<AgentCheck | undefined>;
    /** Rejects with SignalboxError when it cannot be led to the scripted model, or another canary runs. */
    canary(agent: string): Promise<CanaryReport | undefined>;
    registration(agent: string): Promise<{ action: Action; title: string; enforcement: Enforcement } | undefined>;
  };
  /** The worktrees of attempts; throws SignalboxError. */
  worktrees: {
    list(): Promise<WorktreeView[]>;
    clashes(): Promise<WorktreeClash[]>;
    remove(attempt: string): Promise<WorktreeView>;
    restore(attempt: string): Promise<WorktreeView>;
    prune(request: { dryRun: boolean; days: number }): Promise<{ removed: WorktreeView[]; emptied: WorktreeView[] }>;
  };
  /** Stores a text; its digest. */
  keepText(text: string): Promise<string>;
  /** Which attempt's process is at the other end of the connection, if one is. */
  attemptBehind(connection: Connection): Promise<string | undefined>;
  newId(): string;
}

/** Who asks, for the record. */
export function originOf(connection: Connection): Origin {
  return { principal: connection.principal.name, cause: `rpc:${connection.id}` };
}

/** Puts a command on the queue; throws SignalboxError when it is refused. Says whether it was all done before. */
export async function submitOrThrow(core: Core, command: Command, connection: Connection): Promise<{ existing: boolean }> {
  const result = await core.submit(command, originOf(connection));
  if (!result.ok) throw new SignalboxError(result.refusal);
  return { existing: result.commit === undefined };
}

/** What the state must have by now; its absence is a refusal for the client. */
export function found<T>(entry: T | undefined, what: string): T {
  if (entry === undefined) throw new SignalboxError({ code: 'not_found', message: `There is no ${what}.` });
  return entry;
}
