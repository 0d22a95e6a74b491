import type { Correlation, EventOf, EventType, NewEvent } from '../../shared/events/envelope.ts';
import type { Refusal } from '../../shared/protocol/errors.ts';
import type { Action, ActionKind, Decision, Escalation } from '../../shared/state/action.ts';
import type { BreakerSettings } from '../../shared/state/breaker.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import type { Run } from '../../shared/state/run.ts';
import type { Task } from '../../shared/state/task.ts';

/** What `decide` may not find out by itself: time, ids, the policy, and where it runs. */
export interface Context {
  /** Milliseconds since 1970, never going back. */
  now: number;
  epoch: string;
  host: string;
  bootId: string;
  newId(): string;
  /** Who asks for what is decided: a principal's name, or `daemon`. */
  principal: string;
  /** From 0 to 1; a new one at each call. */
  random(): number;
  /** What the rules say about an action, as things stand. */
  judge(action: Action, standing: DecisionContext): Decision;
  /** Whether a policy that an answer was made into, given as its text, allows an action. */
  admits(text: string, action: Action, standing: DecisionContext): boolean;
  /** True when the rules allow every action of a kind in a repository (empty for none), so that there is nothing to work out. */
  permits(kind: ActionKind, repo: string): boolean;
  /** HMAC of the exact action and of the rules that decided it. */
  digest(action: Action, decision: Decision): string;
  /** How long an approval waits when no rule says, in milliseconds. */
  approvalMs: number;
  /** Who looks at a question before a person, when no rule says; absent: a person is asked at once. */
  escalation?: readonly Escalation[];
  /** When an agent gets no more work for a while; absent: never. */
  breaker?: BreakerSettings;
  /** The timeout of a task when neither who submits it nor a rule says, in milliseconds. */
  taskTimeoutMs: number;
}

/** Events to record (none when it was all done before), or a refusal. */
export type Verdict = NewEvent[] | Refusal;

/** True for the refusing kind of verdict. */
export function isRefusal(verdict: Verdict): verdict is Refusal {
  return !Array.isArray(verdict);
}

export function refuse(code: Refusal['code'], message: string, facts: Record<string, unknown> = {}): Refusal {
  return { code, message, facts };
}

type DataOf<T extends EventType> = Extract<NewEvent, { type: T }>['data'];

/** One event, with what it is about. */
export function event<T extends EventType>(type: T, stream: string, of: Correlation, data: DataOf<T>): Extract<NewEvent, { type: T }> {
  return { type, v: 1, stream, ...of, data } satisfies EventOf<T, DataOf<T>> as unknown as Extract<NewEvent, { type: T }>;
}

/** What every event of a run carries. */
export function ofRun(run: Run, stage?: string): Correlation {
  return { ...(run.repo === undefined ? {} : { repo: run.repo }), run: run.id, ...(stage === undefined ? {} : { stage }) };
}

/** What every event of a task carries. */
export function ofTask(task: Pick<Task, 'id' | 'run' | 'stage' | 'repo'>): Correlation {
  return {
    ...(task.repo === undefined ? {} : { repo: task.repo }),
    ...(task.run === undefined ? {} : { run: task.run }),
    ...(task.stage === undefined ? {} : { stage: task.stage }),
    task: task.id,
  };
}

/** The time `ms` milliseconds from now, as the record writes it. */
export function later(context: Context, ms: number): string {
  return new Date(context.now + ms).toISOString();
}
