// States made of recorded events, by the one fold: nothing here knows what a timeline is.
import type { Correlation, Event, EventNamed, EventType } from '../../shared/events/envelope.ts';
import { emptyState, evolve, type State } from '../../shared/state/evolve.ts';
import { StageDefinition, type WorkflowDefinition } from '../../shared/state/workflow.ts';

export const BEGIN = Date.parse('2026-03-01T10:00:00.000Z');

/** The moment so many seconds after the begin, as it is recorded. */
export const at = (seconds: number): string => new Date(BEGIN + seconds * 1_000).toISOString();

/** An event as it is recorded; the data is checked against its type. */
export function event<Type extends EventType>(type: Type, of: Correlation, data: EventNamed<Type>['data']): Event {
  return { type, v: 1, stream: 'test/1', id: '1-1.0', tenant: 'local', ...of, data } as unknown as Event;
}

/** Folds events that were recorded so many seconds after the begin. */
export function record(state: State, seconds: number, ...events: Event[]): void {
  evolve(state, { seq: state.seq + 1, at: at(seconds), principal: 'ada', events });
}

/** A stage with all defaults. */
export function stageOf(id: string, more: Partial<StageDefinition> = {}): StageDefinition {
  const defaults = {
    id,
    name: id,
    needs: [],
    inputs: [],
    outputs: [],
    when: [],
    worktree: 'none',
    always: false,
    optional: false,
    onDenied: 'fail',
  } as const;
  return StageDefinition.parse({ ...defaults, ...(more.merge ? {} : { agent: 'worker', action: 'work' }), ...more });
}

export const RUN = 'run-1';
export const of = (stage?: string, more: Correlation = {}): Correlation => ({
  run: RUN,
  ...(stage === undefined ? {} : { stage }),
  ...more,
});

export const CHECKUP: WorkflowDefinition = {
  workflow: 'checkup',
  version: 1,
  inputs: {},
  stages: [
    stageOf('scan', { name: 'Look at the repository', outputs: ['findings.json'] }),
    stageOf('plan', { name: 'Plan the repairs', needs: ['scan'], outputs: ['plan.json'] }),
    stageOf('repair', { name: 'Repair', needs: ['plan'], worktree: 'own' }),
    stageOf('test', { name: "Run the repository's own tests", needs: ['repair'], onDenied: 'skip' }),
    stageOf('verify', { name: 'Look again', needs: ['repair'] }),
    stageOf('merge', { name: 'Merge the repairs', needs: ['test', 'verify'], merge: { from: 'repair' } }),
    stageOf('report', { name: 'Report', needs: ['scan', 'merge'], always: true }),
  ],
};

/** A state in which the run was submitted and nothing has begun. */
export function submitted(definition = CHECKUP): State {
  const state = emptyState();
  const workflow = { name: definition.workflow, version: definition.version, digest: 'd'.repeat(64) };
  record(state, 0, event('run.submitted', of(), { workflow, inputs: {}, into: 'main' }));
  record(state, 0.1, event('run.started', of(), {}));
  return state;
}

/** Starts a stage and its first attempt. */
export function begin(state: State, stage: string, seconds: number): void {
  record(state, seconds, event('stage.started', of(stage), { round: 1 }));
  const data = { wants: 'worker', action: 'work', priority: 0, timeoutMs: 1_000, maxAttempts: 3, payload: {}, artifacts: {} };
  record(state, seconds + 0.1, event('task.submitted', of(stage, { task: `task-${stage}` }), data));
  attempt(state, stage, 1, seconds + 0.3);
}

export function attempt(state: State, stage: string, number: number, seconds: number): void {
  const who = of(stage, { task: `task-${stage}`, attempt: `${stage}-${number}`, agent: 'worker' });
  record(
    state,
    seconds,
    event('task.assigned', who, { token: number, leaseMs: 1_000 }),
    event('attempt.starting', who, { token: number, host: 'h', bootId: 'b' }),
  );
  record(state, seconds + 0.05, event('attempt.running', who, {}));
}

export function endAttempt(
  state: State,
  stage: string,
  number: number,
  seconds: number,
  status: 'succeeded' | 'failed' = 'succeeded',
): void {
  const message = status === 'failed' ? { message: 'The process ended with 1.' } : {};
  record(
    state,
    seconds,
    event('attempt.ended', of(stage, { task: `task-${stage}`, attempt: `${stage}-${number}`, agent: 'worker' }), { status, ...message }),
  );
}

export function complete(state: State, stage: string, seconds: number): void {
  endAttempt(state, stage, 1, seconds);
  record(state, seconds + 0.1, event('stage.completed', of(stage), { values: {} }));
}

export function ask(state: State, stage: string, approval: string, seconds: number): void {
  record(
    state,
    seconds,
    event('approval.requested', of(stage), {
      approval,
      key: approval,
      kind: 'workspace.merge',
      summary: 'Merge 3 files into main',
      risk: 'medium',
      digest: 'x',
      why: ['A merge into main is asked.'],
      expiresAt: at(seconds + 600),
      show: { diff: 'diff-digest', 'plan.json': 'plan-digest' },
    }),
  );
}

/** A check-up: scan and plan done, repair committed after a failed attempt, tests denied, merge waiting for an answer since 34 s. */
export function waitingCheckup(): State {
  const state = submitted();
  begin(state, 'scan', 0.2);
  record(
    state,
    5,
    event('artifact.recorded', of('scan'), { name: 'findings.json', digest: 'f-digest', size: 10, mediaType: 'application/json' }),
  );
  complete(state, 'scan', 5.5);
  begin(state, 'plan', 6);
  complete(state, 'plan', 9);
  begin(state, 'repair', 9.5);
  endAttempt(state, 'repair', 1, 13, 'failed');
  attempt(state, 'repair', 2, 14);
  const second = of('repair', { task: 'task-repair', attempt: 'repair-2', agent: 'worker' });
  record(state, 19, event('attempt.committed', second, { key: 'k', commit: 'abcdef0123456789', summary: 'Add a .gitignore' }));
  endAttempt(state, 'repair', 2, 20);
  record(state, 20.1, event('stage.completed', of('repair'), { values: {}, commit: 'abcdef0123456789' }));
  record(state, 20.5, event('stage.started', of('test'), { round: 1 }));
  ask(state, 'test', 'ask-test', 21);
  begin(state, 'verify', 20.5);
  complete(state, 'verify', 26);
  record(state, 32, event('approval.denied', of('test'), { approval: 'ask-test', by: 'ada', reason: 'not now' }));
  record(state, 32.1, event('stage.skipped', of('test'), { reason: 'Somebody said no.', cause: 'denied' }));
  record(state, 33, event('stage.started', of('merge'), { round: 1 }));
  ask(state, 'merge', 'ask-merge', 34);
  record(state, 34.1, event('run.waiting', of(), { approvals: ['ask-merge'] }));
  return state;
}

/** Grants the merge of a waiting check-up and lets the run end, by 62 s. */
export function finish(state: State): void {
  record(
    state,
    50,
    event('approval.granted', of('merge'), { approval: 'ask-merge', by: 'ada', reason: '' }),
    event('run.continued', of(), {}),
  );
  const merge = { into: 'main', from: 'abcdef0123456789', expected: 'b', tree: 't', approval: 'ask-merge', message: 'Merge the repairs' };
  record(state, 50.5, event('workspace.merge_started', of('merge'), merge));
  record(state, 51, event('workspace.merged', of('merge'), { into: 'main', commit: '1234567890abcdef', previous: 'b' }));
  record(state, 51.1, event('stage.completed', of('merge'), { values: {} }));
  begin(state, 'report', 52);
  complete(state, 'report', 61);
  record(state, 62, event('run.succeeded', of(), { summary: 'Repaired 3 of 3.' }));
}
