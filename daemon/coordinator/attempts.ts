/**
 * Drives the attempts of this machine's adapters: a place to work, the adapter, and what it says, turned into commands.
 *
 * 1. The intent (`task.assigned`) is durable before anything is started.
 * 2. What an adapter says is handled in its order, one after the other; `attempt/end` is the last.
 * 3. An attempt that cannot be started ends as failed, with the reason.
 */
import type { AdapterKind } from '../../shared/state/agent.ts';
import type { Run } from '../../shared/state/run.ts';
import type { Task } from '../../shared/state/task.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { AttemptEvent, AttemptSpec, Outcome, RunningAttempt } from '../agents/agent.ts';
import type { LentGit } from '../workspace/lend.ts';
import type { Worktree } from '../workspace/worktrees.ts';
import type { AttemptEnding } from '../commands.ts';
import { type Allowed, auditWork, noteAllowed } from './audit.ts';
import { committedBefore } from './base.ts';
import { collectWork, fillPrompt, layOutDesk, nameAnswer } from './desk.ts';
import { describeEarlier } from './earlier.ts';
import { assignRemote } from './assign-remote.ts';
import { gatherInputs } from './inputs.ts';
import { type Callbacks, openCallbacks } from './callbacks.ts';
import { explain } from './merges.ts';
import type { Spool } from './ports.ts';
import { setUpWorktree } from './setup.ts';
import type { Permissions } from './permissions.ts';
import { homeOf, keepDiff, keepWork, leavePlace, preparePlace, runsPrograms, takeWork, type WorkPlace } from './places.ts';
import type { EffectContext } from './reactor.ts';
import { recordReport, toEnding } from './reports.ts';
import { type EditWatch, watchEdits } from './edit-watch.ts';

export interface Attempts {
  start(task: string, attempt: string, cause: string): Promise<void>;
  cancel(attempt: string, reason: string): Promise<void>;
  /** The attempt has ended in the record: when its process still runs (given up by time), it is ended now. */
  forget(attempt: string, status: string): Promise<void>;
  /** An approval was answered, or is asked no more. */
  answered(approval: string): void;
  /** Waits for what runs, at most `graceMs`; then ends it as interrupted. */
  drain(graceMs: number): Promise<void>;
}

interface Live {
  task: Task;
  running?: RunningAttempt;
  done: Promise<void>;
  /** Why somebody wants it ended, from before its adapter was started. */
  ending?: string;
  interrupted?: string;
  allowed: Allowed;
  /** Looks at the worktree while an agent works in it. */
  watch?: EditWatch;
}

type Wish = Extract<AttemptEvent, { type: 'wants' }>;

/** What one attempt works with. */
interface Job {
  context: EffectContext;
  permissions: Permissions;
  live: Live;
  task: Task;
  attempt: string;
  cause: string;
  run: Run | undefined;
  def: StageDefinition | undefined;
  callbacks: Callbacks;
}

export function startAttempts(context: EffectContext, permissions: Permissions): Attempts {
  const { state, ports } = context;
  const live = new Map<string, Live>();

  return {
    async start(taskId, attempt, cause) {
      const task = state.tasks.get(taskId);
      const agent = state.agents.get(state.attempts.get(attempt)?.agent ?? '');
      if (!task || !agent) return;
      const run = state.runs.get(task.run ?? '');
      const def = run && ports.definitionOf(run.workflow.digest)?.stages.find((s) => s.id === task.stage);
      if (agent.adapter === 'remote') return assignRemote(context, agent.id, { run, def, task, attempt });
      let finish: () => void = () => undefined;
      const entry: Live = { task, allowed: { paths: new Set(), commands: false }, done: new Promise((resolve) => (finish = resolve)) };
      live.set(attempt, entry);
      const callbacks = openCallbacks(context, permissions, { task, attempt, cause, run, def });
      await drive({ context, permissions, live: entry, task, attempt, cause, run, def, callbacks });
      permissions.leave(attempt);
      live.delete(attempt);
      finish();
    },
    async cancel(attempt, reason) {
      const agent = state.attempts.get(attempt)?.agent ?? '';
      if (state.agents.get(agent)?.adapter === 'remote') ports.remote.cancel(agent, attempt, reason);
      await endLive(live.get(attempt), reason);
    },
    async forget(attempt, status) {
      const agent = state.attempts.get(attempt)?.agent ?? '';
      if (status === 'timeout' && state.agents.get(agent)?.adapter === 'remote') ports.remote.cancel(agent, attempt, 'timeout');
      if (status === 'timeout') await endLive(live.get(attempt), 'timeout');
    },
    answered: permissions.note,
    async drain(graceMs) {
      const all = Promise.all([...live.values()].map((l) => l.done)).then(() => true);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), graceMs)));
      const ended = await Promise.race([all, late]);
      clearTimeout(timer);
      if (ended) return;
      for (const entry of live.values()) entry.interrupted = 'The daemon was stopped while it was under way.';
      await Promise.all([...live.values()].map((entry) => endLive(entry, 'the daemon stops')));
      await all;
    },
  };
}

/** Ends an attempt; one that is still being prepared ends as soon as it is started. */
async function endLive(entry: Live | undefined, reason: string): Promise<void> {
  if (!entry) return;
  entry.ending ??= reason;
  await entry.running?.cancel(reason);
}

async function drive(job: Job): Promise<void> {
  const { context, attempt, task, cause } = job;
  const token = task.token;
  let place: WorkPlace = {};
  let spool: Spool | undefined;
  let ending: AttemptEnding;
  try {
    place = await preparePlace(context, { run: job.run, def: job.def, task, attempt }, cause);
    // What lies there from before was put to the policy then, or is now, as what commands change is.
    if (place.earlier) job.live.allowed.commands = true;
    spool = await context.ports.spools.open(attempt);
    const spec = await describeAttempt(job, place);
    const work = { run: job.run, def: job.def, task, attempt };
    job.live.watch = watchEdits({ ...job, work, place, allowed: job.live.allowed, ...speakTo(job.live) });
    const said = (await setUp(job, spec, spool)) ?? (await gatherWork(job, spec, await runAdapter(job, spec, spool)));
    const seen = await job.live.watch.end(said);
    const outcome = await auditWork(context, job.permissions, { work, place, outcome: seen, allowed: job.live.allowed, cause });
    await takeWork(context, work, { place, succeeded: outcome.status === 'succeeded' }, cause);
    if (outcome.status === 'succeeded') await keepWork(context, work, place, cause);
    if (outcome.status === 'succeeded' && task.part === 'child') await keepDiff(context, work, place, cause);
    ending = {
      ...toEnding(outcome),
      ...(job.live.interrupted === undefined ? {} : { status: 'interrupted', message: job.live.interrupted }),
    };
  } catch (error) {
    ending = { status: 'failed', ...explain(error), values: {} };
  }
  const written = await spool?.close().catch(() => undefined);
  const sizes = written ? { spoolBytes: written.bytes, droppedBytes: written.dropped } : {};
  await context.tell({ type: 'attempt/end', attempt, token, ending: { ...ending, ...sizes } }, cause);
  await leavePlace(context, { run: job.run, attempt }, place, cause);
}

function speakTo(live: Live): Pick<Parameters<typeof watchEdits>[0], 'stop' | 'tell'> {
  return { stop: (reason) => void endLive(live, reason), tell: (title, reason) => live.running?.tell?.(title, reason) };
}

/** What a program left: its outputs when it came to a good end, and in any case what it reported. */
async function gatherWork(job: Job, { home, worktree }: AttemptSpec, outcome: Outcome): Promise<Outcome> {
  const { context, task, attempt, run, def, cause } = job;
  const kind = context.state.agents.get(task.agent ?? '')?.adapter;
  if (task.run === undefined || kind === 'builtin' || outcome.status === 'canceled') return outcome;
  const places = { home, worktree: worktree?.path };
  const work = { run, def: outcome.status === 'succeeded' ? def : undefined, task, attempt };
  const { feedback, ...values } = await collectWork(context, work, places, cause);
  const error = outcome.error && typeof feedback === 'string' ? { ...outcome.error, message: feedback } : outcome.error;
  return { ...outcome, values: { ...(values as Outcome['values']), ...outcome.values }, ...(error === undefined ? {} : { error }) };
}

async function describeAttempt({ context, task, attempt, run, def }: Job, place: WorkPlace): Promise<AttemptSpec> {
  const { payload } = task;
  const inputs = await gatherInputs(context, task, run);
  const home = await context.ports.homeFor(homeOf(place, task) ?? attempt);
  const work = { run, def, task, attempt };
  const prompt = await fillPrompt(context, work);
  const { worktree, earlier: from, lost } = place;
  const earlier =
    from && worktree && (await describeEarlier(context, work, { earlier: from, worktree, ...(lost === undefined ? {} : { lost }) }));
  const isCommand = run !== undefined && context.state.agents.get(task.agent ?? '')?.adapter === 'command';
  const desk = isCommand ? await layOutDesk(context, work, home, prompt) : undefined;
  const env = payload['env'] === undefined ? desk : { ...desk, ...(payload['env'] as Record<string, string>) };
  const argv = payload['argv'];
  const { stdin } = payload;
  return {
    attempt,
    task: task.id,
    run: task.run ?? '',
    stage: task.stage ?? '',
    agent: task.agent ?? '',
    action: task.action,
    ...(Array.isArray(argv) ? { argv: argv.map(String) } : {}),
    ...(typeof stdin === 'string' ? { stdin } : {}),
    ...(env === undefined ? {} : { env }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(earlier === undefined ? {} : { earlier }),
    ...(run?.repo !== undefined && run.gitDir !== undefined ? { repo: { path: run.repo, gitDir: run.gitDir } } : {}),
    ...(place.worktree === undefined ? {} : { worktree: describeWorktree(place.worktree, place.lent) }),
    ...(place.commit === undefined ? {} : { commit: place.commit }),
    inputs: { ...inputs, done: committedBefore(context.state, task.id).map((c) => c.key) },
    timeoutMs: task.timeoutMs || (def?.timeoutMs ?? context.settings.taskTimeoutMs),
    ...(task.part === 'deliberate' ? { answerAs: nameAnswer(task) } : {}),
    home,
  };
}

function describeWorktree({ path, gitDir, branch }: Worktree, lent: LentGit | undefined): NonNullable<AttemptSpec['worktree']> {
  return { path, gitDir, branch, ...(lent === undefined ? {} : { lent }) };
}

/** What the repository wants done before programs that are not ours work in its worktree. */
async function setUp(job: Job, spec: AttemptSpec, spool: Spool): Promise<Outcome | undefined> {
  const { context, permissions, task, cause, live } = job;
  const agent = context.state.agents.get(task.agent ?? '');
  if (!agent || !runsPrograms(agent)) return undefined;
  const say = (text: string): void => spool.write('stdout', text);
  // What the command changes was allowed with it.
  const run = (ready: AttemptSpec): Promise<Outcome> => {
    live.allowed.commands = true;
    return runAdapter(job, ready, spool, 'command');
  };
  return setUpWorktree(context, { permissions, spec, token: task.token, cause, say, run });
}

function runAdapter(job: Job, spec: AttemptSpec, spool: Spool, as?: AdapterKind): Promise<Outcome> {
  const { context, live, task } = job;
  const kind = as ?? context.state.agents.get(task.agent ?? '')?.adapter ?? 'command';
  const adapter = context.ports.adapters[kind];
  if (!adapter) throw Object.assign(new Error(`This daemon has no ${kind} adapter.`), { code: 'adapter_missing' });
  return new Promise((resolve, reject) => {
    let before: Promise<unknown> = Promise.resolve();
    const inOrder = (work: () => Promise<unknown>): void => {
      before = before.then(work);
      before.catch(reject);
    };
    live.running = adapter.start(spec, (event) => {
      if (event.type === 'output') spool.write(event.stream, event.text);
      else if (event.type === 'ended') inOrder(async () => resolve(event.outcome));
      else inOrder(() => handle(job, event));
    });
    if (live.ending !== undefined) void live.running.cancel(live.ending);
  });
}

async function settleWish({ permissions, live, attempt, task, cause }: Job, { wanted, answer }: Wish): Promise<void> {
  const permission = await permissions.ask({ attempt, task: task.id, token: task.token, cause }, wanted);
  if (permission.allowed) noteAllowed(live.allowed, wanted.action);
  answer(permission);
}

async function handle(job: Job, event: Exclude<AttemptEvent, { type: 'output' | 'ended' }>): Promise<void> {
  const { context, attempt, task, cause } = job;
  const { tell, ports } = context;
  switch (event.type) {
    case 'started': {
      const { pid, startTime } = event.process ?? {};
      const { enforcement } = event;
      await tell(
        {
          type: 'attempt/run',
          attempt,
          token: task.token,
          ...(pid === undefined ? {} : { pid }),
          ...(startTime === undefined ? {} : { startTime }),
          ...(enforcement === undefined ? {} : { enforcement }),
        },
        cause,
      );
      return;
    }
    case 'progress': {
      const { text, activity = 'executing', fraction } = event;
      const of = { attempt, run: task.run ?? '', stage: task.stage ?? '', at: new Date().toISOString() };
      ports.progress({ ...of, activity, text: text.slice(0, 500), ...(fraction === undefined ? {} : { fraction }) });
      return;
    }
    case 'artifact': {
      const { digest, size } = await ports.artifacts.putText(event.content);
      if (task.run === undefined) return;
      const of = { run: task.run, task: task.id, attempt, ...(task.stage === undefined ? {} : { stage: task.stage }) };
      await tell({ type: 'artifact/record', ...of, name: event.name, digest, size, mediaType: event.mediaType }, cause);
      return;
    }
    case 'wants':
      // Not waited for: whatever else the adapter says goes on while a person thinks.
      void settleWish(job, event);
      return;
    case 'calls':
      void job.callbacks.answer(event.call, event.allowed).then(event.answer);
      return;
    default:
      if (event.type === 'called' && event.call.kind !== 'read' && event.call.kind !== 'fetch') job.live.watch?.note();
      await recordReport(context, { attempt, token: task.token }, event, cause);
  }
}
