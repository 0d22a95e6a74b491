import fc from 'fast-check';
import type { Correlation, Event, NewEvent, UnchainedCommit } from '../../../shared/events/envelope.ts';
import { emptyState, evolve, type State } from '../../../shared/state/evolve.ts';

/** A step of a made-up daemon: which kind, and which of the things that are there it is about. */
type Step = readonly [kind: number, pick: number, size: number];

type Data<T extends NewEvent['type']> = Extract<NewEvent, { type: T }>['data'];

function event<T extends NewEvent['type']>(type: T, stream: string, of: Correlation, data: Data<T>): NewEvent {
  return { type, v: 1, stream, ...of, data } as unknown as NewEvent;
}

const choose = <T>(from: Iterable<T>, pick: number): T | undefined => {
  const all = [...from];
  return all[pick % Math.max(1, all.length)];
};

function submitRun(state: State, pick: number): NewEvent[] {
  const run = `run-${state.seq + 1}`;
  const of = { run, repo: `/repo/${pick % 3}` };
  return [
    event('run.submitted', `run/${run}`, of, {
      workflow: { name: 'w', version: 1, digest: 'd' },
      inputs: { n: pick, text: 'é \u2028 "' },
      base: 'b',
      into: 'main',
    }),
    event('run.started', `run/${run}`, of, {}),
    event('stage.started', `run/${run}`, { ...of, stage: 'scan' }, { round: 1 }),
    event('stage.admitted', `run/${run}`, { ...of, stage: 'scan' }, { results: [{ key: 'k', allowed: pick % 2 === 0, reason: '' }] }),
    ...deliberate(run, of),
  ];
}

function deliberate(run: string, about: { run: string; repo: string }): NewEvent[] {
  const of = { ...about, stage: 'talk' };
  const asked = [{ member: 'a', agent: 'agent-0', task: `${run}.1.say-1-0` }];
  return [
    event('stage.started', `run/${run}`, of, { round: 1 }),
    event('stage.admitted', `run/${run}`, of, { results: [] }),
    event('stage.deliberating', `run/${run}`, of, {
      round: 1,
      task: `${run}.1`,
      asked,
      absent: [{ member: 'b', reason: 'x' }],
      roundMs: 1,
    }),
    event('stage.voted', `run/${run}`, of, { round: 1, votes: [{ member: 'a', proposed: true }], transcript: 't' }),
  ];
}

function submitTask(state: State, pick: number, size: number): NewEvent[] {
  const run = choose(state.runs.values(), pick);
  const task = `task-${state.seq + 1}`;
  const of = { task, ...(run ? { run: run.id, stage: 'scan' } : {}) };
  const data = {
    wants: 'agent-0',
    action: 'scan',
    priority: pick % 5,
    timeoutMs: 1_000,
    maxAttempts: 3,
    payload: { size, list: [null, 1.5, 'x'] },
    artifacts: {},
  };
  return [event('task.submitted', `task/${task}`, of, data)];
}

function assignTask(state: State, pick: number): NewEvent[] {
  const task = choose(state.pending, pick);
  const agent = choose(state.agents.keys(), pick);
  if (!task || !agent) return [];
  const token = (state.tasks.get(task)?.token ?? 0) + 1;
  const of = { task, agent, attempt: `${task}.${token}` };
  return [
    event('task.assigned', `task/${task}`, of, { token, leaseMs: 30_000 }),
    event('attempt.starting', `attempt/${of.attempt}`, of, { token, host: 'h', bootId: 'b' }),
    event('workspace.created', `attempt/${of.attempt}`, of, { path: '/w', branch: 'signalbox/x', base: 'b' }),
  ];
}

function runTask(state: State, pick: number): NewEvent[] {
  const task = choose(
    [...state.tasks.values()].filter(({ status }) => status === 'assigned'),
    pick,
  );
  if (!task?.attempt || !task.agent) return [];
  const of = { task: task.id, attempt: task.attempt, agent: task.agent };
  return [
    event('attempt.running', `attempt/${of.attempt}`, of, pick % 2 ? { pid: pick } : {}),
    event('task.running', `task/${task.id}`, of, {}),
    event('attempt.committed', `attempt/${of.attempt}`, of, { key: 'k', commit: 'c', summary: 's' }),
  ];
}

function endTask(state: State, pick: number, size: number): NewEvent[] {
  const task = choose(
    [...state.tasks.values()].filter(({ status }) => status === 'running'),
    pick,
  );
  if (!task?.attempt || !task.agent) return [];
  const of = {
    task: task.id,
    attempt: task.attempt,
    agent: task.agent,
    ...(task.run === undefined ? {} : { run: task.run, stage: 'scan' }),
  };
  const ends: NewEvent[] = [
    event('task.completed', `task/${task.id}`, of, { values: { size } }),
    event('task.failed', `task/${task.id}`, of, { code: 'c', message: 'm', deadLetter: true }),
    event('task.timeout', `task/${task.id}`, of, { message: 'm', deadLetter: false }),
    event('task.requeued', `task/${task.id}`, of, { reason: 'lease', failures: pick }),
  ];
  return [
    event('attempt.ended', `attempt/${of.attempt}`, of, { status: 'succeeded', exitCode: 0, spoolBytes: size }),
    ...ends.slice(pick % 4, (pick % 4) + 1),
    event('artifact.recorded', `artifact/${size}`, of, {
      name: `out-${size % 3}.json`,
      digest: String(size),
      size,
      mediaType: 'application/json',
    }),
  ];
}

function useAgent(state: State, pick: number): NewEvent[] {
  const agent = `agent-${pick % 3}`;
  const stream = `agent/${agent}`;
  const known = state.agents.get(agent);
  if (!known) {
    const data = { role: 'r', capabilities: ['scan'], tags: [], adapter: 'builtin', slots: 2 } as const;
    return [
      event('agent.registered', stream, { agent }, { ...data, capabilities: ['scan'], tags: [] }),
      event('agent.starting', stream, { agent }, {}),
      event('agent.ready', stream, { agent }, {}),
    ];
  }
  return [pick % 2 ? event('agent.failed', stream, { agent }, { reason: 'x' }) : event('agent.ready', stream, { agent }, {})];
}

function useApproval(state: State, pick: number): NewEvent[] {
  const pending = choose(
    [...state.approvals.values()].filter(({ status }) => status === 'pending'),
    pick,
  );
  if (pending && pick % 2) return [event('approval.granted', `approval/${pending.id}`, {}, { approval: pending.id, by: 'me', reason: '' })];
  const run = choose(state.runs.values(), pick);
  if (!run) return [];
  const approval = `approval-${state.seq + 1}`;
  const of = { run: run.id, stage: 'scan' };
  const decision = { effect: 'require_approval' as const, reasons: [], obligations: {} };
  return [
    event('policy.decided', `run/${run.id}`, of, { key: 'k', kind: 'agent.execute', summary: 's', digest: 'd', decision }),
    event('approval.requested', `approval/${approval}`, of, {
      approval,
      key: 'k',
      kind: 'agent.execute',
      summary: 's',
      risk: 'low',
      digest: 'd',
      why: ['w'],
      expiresAt: 't',
      show: { diff: 'x' },
    }),
  ];
}

function mergeRun(state: State, pick: number): NewEvent[] {
  const run = choose(state.runs.values(), pick);
  if (!run) return [];
  const of = { run: run.id, stage: 'scan' };
  return [
    event('workspace.merge_started', `run/${run.id}`, of, {
      into: 'main',
      from: 'f',
      expected: 'e',
      tree: 't',
      approval: '',
      message: 'm',
    }),
    event('workspace.merged', `run/${run.id}`, of, { into: 'main', commit: 'c', previous: 'p' }),
    ...(pick % 2 ? [event('run.succeeded', `run/${run.id}`, of, { summary: 'done' })] : []),
  ];
}

function changeTrust(_state: State, pick: number): NewEvent[] {
  const repo = `/repo/${pick % 3}`;
  return [
    pick % 2
      ? event('trust.revoked', `trust/${repo}`, { repo }, { by: 'me' })
      : event('trust.granted', `trust/${repo}`, { repo }, { digest: 'd', files: [], by: 'me' }),
  ];
}

const STEPS = [
  useAgent,
  submitRun,
  submitTask,
  assignTask,
  runTask,
  endTask,
  useApproval,
  mergeRun,
  changeTrust,
  submitTask,
  assignTask,
  runTask,
  endTask,
];

/** The commits that these steps make, each valid after the ones before it, and the state at the end. */
export function playSteps(steps: readonly Step[]): { commits: UnchainedCommit[]; state: State } {
  const state = emptyState();
  const commits: UnchainedCommit[] = [];
  for (const [kind, pick, size] of steps) {
    const events = STEPS[kind % STEPS.length]?.(state, pick, size) ?? [];
    if (events.length === 0) continue;
    const seq = state.seq + 1;
    const recorded = events.map((one, index): Event => ({ ...one, id: `e-${seq}.${index}`, tenant: 'local' }));
    const commit = { seq, at: new Date(1_700_000_000_000 + seq * 7).toISOString(), principal: 'me', cause: `c-${seq}`, events: recorded };
    commits.push(commit);
    evolve(state, commit);
  }
  return { commits, state };
}

/** Histories of a made-up daemon. */
export const steps = fc.array(fc.tuple(fc.nat(STEPS.length - 1), fc.nat(50), fc.nat(1_000)), { minLength: 1, maxLength: 120 });
