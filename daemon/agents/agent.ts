/**
 * The port through which an attempt is driven. An adapter starts what does the work, says what it sees through `emit`,
 * and touches no state: the coordinator turns what it says into commands.
 *
 * 1. `ended` is emitted exactly once, and nothing after it.
 * 2. When `ended` is emitted, every process of the attempt is gone.
 * 3. `cancel` may be called at any time, more than once.
 */

import type { AgentCall, CallAnswer } from '../../shared/protocol/agent-tools.ts';
import type { Action } from '../../shared/state/action.ts';
import type { Enforcement } from '../../shared/state/agent.ts';
import type { AgentSession } from '../../shared/state/agent-session.ts';
import type { AgentPlan } from '../../shared/state/plan.ts';
import type { ToolCalled } from '../../shared/state/tool-call.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Enough to find a process again after a restart, and to know that it is not another one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Start time as the platform tells it (clock ticks since boot on Linux). */
  startTime: string;
  host: string;
  bootId: string;
}

/** A git directory of the attempt's own, to be shown in a sandbox instead of the repository's: see daemon/workspace/lend.ts. */
export interface LentGit {
  gitDir: string;
  link: string;
  objects: readonly string[];
}

/** Earlier work that an agent goes on from, in the same worktree and HOME. */
export interface EarlierWork {
  attempt: string;
  /** The agent's own id of its session then, where it said that it can go on with it. */
  session?: string;
  /** Why there is none to go on with. */
  why?: string;
  /** What stands before the prompt for an agent that remembers. */
  lead: string;
  /** What stands before it for one that does not: what the record says. */
  summary: string;
}

export interface AttemptSpec {
  attempt: string;
  task: string;
  run: string;
  stage: string;
  agent: string;
  /** What the agent is to do, for instance `scan`. */
  action: string;
  /** Program and arguments, for the command adapter. */
  argv?: string[];
  /** Text for the process's standard input. */
  stdin?: string;
  /** What an agent is asked to do, in words. */
  prompt?: string;
  earlier?: EarlierWork;
  /** Its last message is kept as an artifact with this name, at most 64 KiB of it. */
  answerAs?: string;
  /** Added to the scrubbed environment. */
  env?: Record<string, string>;
  /** The repository, when the task has one. */
  repo?: { path: string; gitDir: string };
  /** The attempt's own worktree; absent for work that only reads objects. */
  worktree?: { path: string; gitDir: string; branch: string; lent?: LentGit };
  /** Commit that the work starts from. */
  commit?: string;
  /** Values and parsed JSON artifacts by name. */
  inputs: Record<string, Json>;
  timeoutMs: number;
  /** Folder of its own, to be HOME and TMPDIR of what is started. */
  home: string;
}

export type Activity = 'analyzing' | 'executing' | 'blocked' | 'handoff' | 'idle';

export interface Outcome {
  status: 'succeeded' | 'failed' | 'timeout' | 'canceled';
  exitCode?: number;
  signal?: string;
  /** Stable code and a sentence that says what to do. */
  error?: { code: string; message: string };
  /** Small outputs that later stages refer to. */
  values: Record<string, Json>;
}

/**
 * What came of an action that was asked for. `reason` is a sentence that may be handed to the agent; with `unasked`, files that were
 * changed already are to be put back.
 */
export type Permission = { allowed: true } | { allowed: false; reason: string; unasked?: 'revert' };

/**
 * An action that is done only when the policy allows it, or a person does. `action` is normalised by the adapter, exact, and
 * the same each time that the agent wants the same. `show` holds texts for the person who answers, by name (`diff`).
 */
export interface WantedAction {
  /** Names the request within its attempt, for instance the id of a tool call. */
  key: string;
  action: Action;
  show?: Readonly<Record<string, string>>;
  /** Asked of a person whatever the policy says, with this sentence. */
  ask?: string;
}

export type AttemptEvent =
  /** `enforcement` says how the processes are kept to what they may do, where the adapter starts programs that are not ours. */
  | { type: 'started'; process?: ProcessIdentity; enforcement?: Enforcement }
  | { type: 'progress'; text: string; activity?: Activity; fraction?: number }
  /**
   * `answer` is called once, when it is known: at once, or when a person has answered, or the deadline passed, or the attempt
   * ended. An adapter that speaks ACP emits this for `session/request_permission` (and for a file or terminal method that the
   * agent calls), and answers the agent from within `answer`. It goes on reading the agent meanwhile: other events pass, other
   * actions may be asked for, and the attempt may be canceled. The time until the answer is not the attempt's: an adapter
   * with a timer of its own stops it until then. What is allowed is allowed once: the grant is used when `answer` is called.
   */
  | { type: 'wants'; wanted: WantedAction; answer(permission: Permission): void }
  /**
   * The agent calls one of our tools. `allowed`: it asked about this very call before, and was told yes. `answer` is called once,
   * soon: what waits for a person is answered as pending.
   */
  | { type: 'calls'; call: AgentCall; allowed: boolean; answer(answer: CallAnswer): void }
  | { type: 'output'; stream: 'stdout' | 'stderr'; text: string }
  | { type: 'artifact'; name: string; mediaType: string; content: string }
  /** A commit on the attempt's branch that later attempts need not make again. */
  | { type: 'committed'; key: string; commit: string; summary: string }
  /** Tokens and US dollars used since this was last said; `source` is who counted them. */
  | { type: 'used'; tokens: number; cost: number; source: string }
  /** A tool call is over. At most some hundred of an attempt are told; of the others their number is, once. */
  | { type: 'called'; call: ToolCalled }
  /** An agent of its own kind has a session: with which it can be gone on with later, and how it was begun. */
  | { type: 'session'; session: AgentSession }
  /** What it means to do, whole, each time that this changes; at most some hundred times. */
  | { type: 'planned'; plan: AgentPlan }
  | { type: 'calls_omitted'; calls: number }
  | { type: 'ended'; outcome: Outcome };

export interface RunningAttempt {
  /** Ends the attempt and everything that it started; resolves when `ended` was emitted. */
  cancel(reason: string): Promise<void>;
  /** Says to the agent, when its turn is over, what was undone of its work and why; absent where it cannot be told anything. */
  tell?(title: string, reason: string): void;
}

export interface Adapter {
  start(spec: AttemptSpec, emit: (event: AttemptEvent) => void): RunningAttempt;
}
