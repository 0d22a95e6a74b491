import type { Event } from '../events/envelope.ts';
import type { GivenUp, TaskEvent, TaskPart, TaskRetry } from '../events/task.ts';
import { isFinal, type StateTable } from './table.ts';

export type TaskStatus = 'pending' | 'assigned' | 'running' | 'completed' | 'failed' | 'canceled' | 'timeout' | 'skipped';

/** What a pending task waits for. */
export type WaitsFor = 'dependencies' | 'approval' | 'agent' | 'retry' | 'quota' | 'paused';

export const TASK_TABLE: StateTable<TaskStatus> = {
  pending: ['assigned', 'canceled', 'failed', 'skipped'],
  assigned: ['running', 'pending', 'failed', 'canceled', 'timeout'],
  running: ['completed', 'failed', 'canceled', 'timeout', 'pending'],
  completed: [],
  failed: [],
  canceled: [],
  timeout: [],
  skipped: [],
};

export interface Task {
  id: string;
  run?: string;
  stage?: string;
  repo?: string;
  wants: string;
  action: string;
  /** Higher goes first. */
  priority: number;
  timeoutMs: number;
  maxAttempts: number;
  payload: Readonly<Record<string, unknown>>;
  /** Digests of the artifacts that it reads, by name. */
  artifacts: Readonly<Record<string, string>>;
  /** What it does for its stage, where that is not the stage's work itself. */
  part?: TaskPart;
  /** The task whose agent submitted it. */
  parent?: string;
  /** Tasks that its agent submitted. */
  children?: readonly string[];
  retry?: TaskRetry;
  /** Given to nobody until then. */
  notBefore?: string;
  /** The newest commit of its attempts. */
  commit?: string;
  status: TaskStatus;
  waitsFor?: WaitsFor;
  /** Since when a quota, or a question, holds it. */
  heldAt?: string;
  /** Token of the newest lease; counts attempts from 1. */
  token: number;
  /** Attempts that failed; interrupted ones do not count. */
  failures: number;
  attempt?: string;
  agent?: string;
  /** Why somebody wants it ended, while its attempt is still ending. */
  cancelReason?: string;
  values: Readonly<Record<string, unknown>>;
  code?: string;
  message?: string;
  deadLetter: boolean;
  /** Why nothing more is tried. */
  answer?: GivenUp;
  critical?: false;
  submittedAt: string;
  endedAt?: string;
}

/** True when nothing can change the task any more. */
export function taskEnded(task: Task): boolean {
  return isFinal(TASK_TABLE, task.status);
}

/** Folds one event about tasks into their table; `pending` holds the ids that wait for an agent, oldest first. */
export function evolveTasks(tasks: Map<string, Task>, pending: Set<string>, event: Event & TaskEvent, at: string): void {
  const id = event.task ?? '';
  if (event.type === 'task.submitted') {
    const of = {
      ...(event.run === undefined ? {} : { run: event.run }),
      ...(event.stage === undefined ? {} : { stage: event.stage }),
      ...(event.repo === undefined ? {} : { repo: event.repo }),
    };
    tasks.set(id, {
      id,
      ...of,
      ...event.data,
      status: 'pending',
      waitsFor: 'agent',
      token: 0,
      failures: 0,
      values: {},
      deadLetter: false,
      submittedAt: at,
    });
    pending.add(id);
    const parent = tasks.get(event.data.parent ?? '');
    if (parent) tasks.set(parent.id, { ...parent, children: [...(parent.children ?? []), id] });
    return;
  }
  const task = tasks.get(id);
  if (!task) return;
  tasks.set(id, applyToTask(task, event, at));
  if (event.type === 'task.requeued' || event.type === 'task.revived') pending.add(id);
  else if (event.type !== 'task.cancel_requested' && event.type !== 'task.held' && event.type !== 'task.due') pending.delete(id);
}

/** The task without why it was held. */
function heldNoMore(task: Task): Task {
  if (task.heldAt === undefined) return task;
  const { heldAt: _, message: __, ...rest } = task;
  return rest;
}

function applyToTask(task: Task, event: Event & Exclude<TaskEvent, { type: 'task.submitted' }>, at: string): Task {
  switch (event.type) {
    case 'task.assigned': {
      const { waitsFor: _, ...rest } = heldNoMore(task);
      return { ...rest, status: 'assigned', token: event.data.token, attempt: event.attempt ?? '', agent: event.agent ?? '' };
    }
    case 'task.held':
      return { ...task, waitsFor: event.data.waitsFor, message: event.data.reason, heldAt: at };
    case 'task.running':
      return { ...task, status: 'running' };
    case 'task.requeued': {
      const { notBefore: _, ...rest } = task;
      const { reason, failures, notBefore } = event.data;
      const waits = notBefore === undefined ? ({ waitsFor: 'agent' } as const) : ({ waitsFor: 'retry', notBefore } as const);
      return { ...rest, status: 'pending', ...waits, message: reason, failures };
    }
    case 'task.due': {
      const { notBefore: _, ...rest } = task;
      return { ...rest, waitsFor: 'agent' };
    }
    case 'task.revived': {
      const { answer: _, code: __, message: ___, endedAt: ____, ...rest } = task;
      return { ...rest, status: 'pending', waitsFor: 'agent', failures: 0, deadLetter: false };
    }
    case 'task.cancel_requested':
      return { ...task, cancelReason: event.data.reason };
    case 'task.completed':
      return { ...task, status: 'completed', values: event.data.values, endedAt: at };
    case 'task.failed':
      return { ...task, ...event.data, status: 'failed', endedAt: at };
    case 'task.timeout':
      return { ...task, ...event.data, code: 'task_timeout', status: 'timeout', endedAt: at };
    case 'task.canceled':
      return { ...task, status: 'canceled', message: event.data.reason, endedAt: at };
    default:
      return event satisfies never;
  }
}

/**
 * Whether nothing more is tried for a task until a person says so. Of a run it is the work of a stage that failed, and with it the
 * run; what the workflow tried again, left out or passed by is none.
 */
export function isDeadLetter(
  task: Task,
  run: { status: string } | undefined,
  stage: { task?: string; status: string } | undefined,
): boolean {
  if (task.status !== 'failed' && task.status !== 'timeout') return false;
  if (task.run === undefined) return task.deadLetter;
  return run?.status === 'failure' && task.critical !== false && stage?.status === 'failed' && stage.task === task.id;
}
