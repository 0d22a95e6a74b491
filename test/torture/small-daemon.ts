/** The coordinator with its journal and scheduler, and a worker that answers, in this process: a daemon whose disk a test can break. */
import type { Event } from '../../shared/events/envelope.ts';
import { emptyState, evolve } from '../../shared/state/evolve.ts';
import { fromJson, toJson } from '../../shared/state/serialize.ts';
import type { Command, CommandResult } from '../../daemon/commands.ts';
import { createCoordinator, type Coordinator, type CoordinatorOptions } from '../../daemon/coordinator/coordinator.ts';
import type { Disk } from '../../daemon/journal/disk.ts';
import { openJournal } from '../../daemon/journal/file.ts';
import type { Journal } from '../../daemon/journal/port.ts';
import { reconcile } from '../../daemon/scheduler/reconcile.ts';
import { assignPending } from '../../daemon/scheduler/schedule.ts';

/** How to start one: its disk, the name of this start, and what the worker answers to an attempt (undefined: nothing). */
export interface SmallDaemonOptions {
  disk: Disk;
  epoch: string;
  segmentBytes?: number;
  work?(attempt: string): 'succeeded' | 'failed' | undefined;
  /** Told of a report of the worker that was answered. */
  onReport?(attempt: string, status: 'succeeded' | 'failed'): void;
  refuseNewWork?: NonNullable<CoordinatorOptions['refuseNewWork']>;
}

export interface SmallDaemon {
  coordinator: Coordinator;
  journal: Journal;
  /** Resolves with the error that stopped it. */
  died: Promise<unknown>;
  submit(command: Command): Promise<CommandResult>;
}

/** The state folder on the disk. */
export const SMALL_HOME = '/state';

/** Starts one; throws what openJournal throws. */
export async function startSmallDaemon(options: SmallDaemonOptions): Promise<SmallDaemon> {
  const { disk, epoch, segmentBytes = 4_000 } = options;
  const { journal } = await openJournal({ dir: SMALL_HOME, installation: 'torture', now: '2026-01-02T03:04:05.678Z', segmentBytes, disk });
  const state = emptyState();
  for await (const commit of journal.read(1)) evolve(state, commit);
  let die: (error: unknown) => void = () => undefined;
  const died = new Promise<unknown>((resolve) => (die = resolve));
  let ids = 0;
  // An hour between any two batches: nothing rests longer before it is tried again.
  let clock = Math.max(1_700_000_000_000, Date.parse(state.at));
  const newId = (): string => `${epoch}-${++ids}`;
  const coordinator = createCoordinator({
    journal,
    published: state,
    tentative: fromJson(toJson(state)),
    now: () => (clock += 3_600_000),
    onFatal: die,
    ...(options.refuseNewWork ? { refuseNewWork: options.refuseNewWork } : {}),
    context: {
      epoch,
      host: 'h',
      bootId: 'b',
      newId,
      judge: () => ({ effect: 'allow', reasons: [], obligations: {} }),
      digest: () => '0'.repeat(64),
      approvalMs: 60_000,
      taskTimeoutMs: 1_000,
      admits: () => false,
      permits: () => true,
      random: Math.random,
    },
  });
  const submit = (command: Command) => coordinator.submit(command, { principal: 'test', cause: 'test' });
  for (const command of reconcile(state)) void submit(command);
  for (const task of state.pending) void submit({ type: 'task/wake', task });
  void submit({ type: 'agent/register', agent: 'a', role: '', capabilities: [], tags: [], adapter: 'builtin', slots: 8 });
  coordinator.onRecorded((commits) => {
    for (const event of commits.flatMap((commit) => commit.events)) {
      if (event.type === 'task.assigned') void answerTask(event, submit, options);
      if (event.type === 'task.requeued') void submit({ type: 'task/wake', task: event.task ?? '' });
    }
    for (const command of assignPending(state, newId)) void submit(command);
  });
  return { coordinator, journal, died, submit };
}

/** What a worker does with an assignment; a token that is no longer valid is refused, and that is right. */
async function answerTask(event: Event, submit: SmallDaemon['submit'], { work, onReport }: SmallDaemonOptions): Promise<void> {
  const { attempt = '' } = event;
  const token = event.type === 'task.assigned' ? event.data.token : 0;
  const status = work ? work(attempt) : 'succeeded';
  if (status === undefined) return;
  await submit({ type: 'attempt/run', attempt, token });
  const result = await submit({ type: 'attempt/end', attempt, token, ending: { status, values: {} } });
  if (result.ok && result.commit) onReport?.(attempt, status);
}
