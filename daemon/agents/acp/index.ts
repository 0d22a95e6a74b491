/**
 * The acp adapter: an agent that speaks the Agent Client Protocol on its pipes, in the attempt's worktree.
 *
 * 1. Whatever the agent does ends this attempt and nothing else: it is bounded in size, number and time (see wire.ts).
 * 2. `ended` comes once, after every process of the attempt is gone, also those that left its session.
 * 3. The raw lines are kept beside the transcript, so that what an agent did can be told from what we understood.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Adapter, AttemptEvent, AttemptSpec, Outcome, RunningAttempt } from '../agent.ts';
import { askForHosts } from '../fetches.ts';
import type { Denial, SessionParts } from './asking.ts';
import { type CallbackParts, openOwnCalls, type OwnCalls } from './callbacks.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { explainBreak, explainExit, passErrors } from './ending.ts';
import { failed } from './failed.ts';
import { launchAgent, type Launched, type LaunchOptions } from './launch.ts';
import { type Meter, openMeter } from './meter.ts';
import type { PriceTable } from './prices.ts';
import type { Profile } from './profiles.ts';
import { type Session, startSession } from './session.ts';
import { keepRawLines, type RawLog, writeTranscript } from './transcript.ts';
import { openWire, type WireBounds, WIRE_BOUNDS, type WireFault } from './wire.ts';

export interface AcpOptions extends LaunchOptions {
  /** What is known of an agent; undefined when there is no such agent. */
  profileOf(agent: string): Profile | undefined;
  /** The tools with which agents call back; without it they get none. */
  callbacks?: CallbackParts;
  /** What tokens cost, looked at as each attempt starts. */
  prices?(): Promise<PriceTable | undefined>;
  describe: SessionParts['describe'];
  bounds?: Partial<WireBounds>;
  /** Milliseconds that an agent gets to stop when asked to, and its processes after SIGTERM. */
  cancelMs?: number;
  graceMs?: number;
}

/** An attempt with this action ends once the agent has opened a session. */
export const EXAMINE = 'examine';

type Emit = (event: AttemptEvent) => void;
type Ending = { kind: 'canceled' } | { kind: 'timeout' };

const CANCEL_MS = 5_000;
const GRACE_MS = 3_000;

/** Makes the adapter that drives ACP agents. */
export function createAcpAdapter(options: AcpOptions): Adapter {
  return {
    start(spec, emit): RunningAttempt {
      let end: (ending: Ending) => void = () => {};
      const asked = new Promise<Ending>((resolve) => {
        end = resolve;
      });
      let reason = '';
      const notes: Denial[] = [];
      const done = drive(options, spec, emit, { asked, notes })
        .catch((error: unknown) =>
          failed('adapter_failed', `The agent could not be followed: ${error instanceof Error ? error.message : String(error)}`),
        )
        .then((outcome) => emit({ type: 'ended', outcome: withReason(outcome, reason) }));
      return {
        async cancel(why) {
          reason ||= why;
          end({ kind: 'canceled' });
          await done;
        },
        tell: (title, why) => void notes.push({ title, reason: why }),
      };
    },
  };
}

function withReason(outcome: Outcome, reason: string): Outcome {
  if (outcome.status !== 'canceled') return outcome;
  return { ...outcome, error: { code: 'canceled', message: `Canceled: ${reason || 'no reason was given'}.` } };
}

async function drive(options: AcpOptions, spec: AttemptSpec, emit: Emit, said: Pick<Work, 'asked' | 'notes'>): Promise<Outcome> {
  const profile = options.profileOf(spec.agent);
  if (!profile)
    return failed('agent_unknown', `There is no profile for the agent ${spec.agent}. \`signalbox agents detect\` lists those there are.`);
  if (spec.action !== EXAMINE && (spec.prompt ?? '').trim() === '')
    return failed('prompt_missing', 'There is nothing to ask the agent. Give the stage a `prompt`.');
  const deadline = startDeadline(spec.timeoutMs);
  const asking = pauseWhileAsked(emit, deadline);
  // Whoever is only looked at does no work, so it has nobody to call.
  const calls = options.callbacks && profile.mcp && spec.run !== '' ? openOwnCalls(options.callbacks, asking) : undefined;
  const prices = await options.prices?.();
  const meter = profile.meter && openMeter({ meter: profile.meter, prices, emit });
  const raw = keepRawLines(calls?.door.token);
  const work: Work = { options, spec, profile, prices, emit, asking, ...said, deadline, raw, calls, meter };
  try {
    const first = await runOnce(work);
    const { earlier } = spec;
    if (!first.notLoaded || !earlier) return first.outcome;
    // What is wrong with a session of before is no reason not to do the work: a new process begins with what the record says.
    const { session, ...known } = earlier;
    const why = `Its session ${session ?? ''} could not be loaded. ${first.outcome.error?.message ?? ''}`;
    emit({ type: 'output', stream: 'stdout', text: `[begins a new session] ${why}\n` });
    return (await runOnce({ ...work, spec: { ...spec, earlier: { ...known, why } } })).outcome;
  } finally {
    deadline.stop();
    calls?.close();
    meter?.close();
    const text = raw.text();
    if (text !== '') emit({ type: 'artifact', name: `acp-${spec.attempt}.log`, mediaType: 'text/plain', content: text });
  }
}

/** One process of the agent; `notLoaded` when it failed while it loaded the session of earlier work. */
async function runOnce(work: Work): Promise<{ outcome: Outcome; notLoaded: boolean }> {
  const { options, spec, profile, emit, asking, calls, meter } = work;
  const started = await launchAgent(options, { spec, profile, calls, meter, ask: askForHosts(spec, asking) });
  if ('status' in started) return { outcome: started, notLoaded: false };
  emit({ type: 'started', process: started.process.identity, enforcement: started.wrapped.enforcement });
  try {
    return await follow(work, started);
  } finally {
    await started.close();
  }
}

/** Lets a deadline stand still while a person is asked. */
function pauseWhileAsked(emit: Emit, deadline: Deadline): Emit {
  const then =
    <T>(answer: (given: T) => void) =>
    (given: T): void => {
      deadline.resume();
      answer(given);
    };
  return (event) => {
    if (event.type !== 'wants' && event.type !== 'calls') return emit(event);
    deadline.pause();
    if (event.type === 'wants') emit({ ...event, answer: then(event.answer) });
    else emit({ ...event, answer: then(event.answer) });
  };
}

/** What the processes of one attempt have in common. */
interface Work {
  options: AcpOptions;
  spec: AttemptSpec;
  profile: Profile;
  prices: PriceTable | undefined;
  emit: Emit;
  /** Tells, and lets the deadline stand still while an answer is waited for. */
  asking: Emit;
  asked: Promise<Ending>;
  /** What of its work was undone, and why, that it was not told yet. */
  notes: Denial[];
  deadline: Deadline;
  raw: RawLog;
  calls: OwnCalls | undefined;
  meter: Meter | undefined;
}

async function follow(
  { options, spec, profile, prices, emit, asked, notes, deadline, raw, calls, meter }: Work,
  { process: child, wrapped, entry }: Launched,
): Promise<{ outcome: Outcome; notLoaded: boolean }> {
  const { cancelMs = CANCEL_MS, graceMs = GRACE_MS } = options;
  const transcript = writeTranscript((text) => emit({ type: 'output', stream: 'stdout', text }));
  const errors = passErrors(child, emit);
  let tellFault: (fault: WireFault) => void = () => {};
  const fault = new Promise<WireFault>((resolve) => {
    tellFault = resolve;
  });
  const stream = openWire({
    input: child.output,
    output: child.input,
    bounds: { ...WIRE_BOUNDS, ...options.bounds },
    now: () => performance.now(),
    onLine({ from, text }) {
      raw.add({ agent: '<', client: '>', noise: '!' }[from], text);
      if (from === 'noise') emit({ type: 'output', stream: 'stderr', text: `${text.slice(0, 4_000)}\n` });
    },
    onFault: tellFault,
  });
  const own = { metered: meter !== undefined, ...(calls && entry ? { own: { calls, entry } } : {}) };
  const session = startSession({ spec, profile, prices, stream, transcript, deadline, describe: options.describe, emit, notes, ...own });
  const over = Promise.race([
    session.done.catch((error: unknown) => explainBreak(error, { fault, child, profile, errors })),
    fault.then(({ code, message }) => failed(code, `${profile.title}: ${message}`)),
    child.ended.then(async (how) => explainExit(profile, how, await errors.lastWords())),
  ]);
  const first = await Promise.race([over, Promise.race([asked, deadline.passed.then((): Ending => ({ kind: 'timeout' }))])]);
  const outcome = 'kind' in first ? await stopGently(session, over, { ending: first, cancelMs, spec, profile }) : first;
  const survivors = await child.end(graceMs);
  session.end();
  const broken = (code: string, message: string) => ({ outcome: failed(code, message), notLoaded: false });
  if (survivors > 0) return broken('processes_left', `${survivors} processes of ${profile.title} could not be ended. End them by hand.`);
  const reason = wrapped.notStarted();
  if (reason !== undefined) return broken('spawn_failed', `${profile.title} could not be started (${reason}).`);
  return { outcome, notLoaded: session.isLoading() && outcome.status === 'failed' };
}

/** Asks the agent to stop and waits a little for it to say so; however it then ends, it was stopped. */
async function stopGently(
  session: Session,
  over: Promise<Outcome>,
  { ending, cancelMs, spec, profile }: { ending: Ending; cancelMs: number; spec: AttemptSpec; profile: Profile },
): Promise<Outcome> {
  session.cancel();
  const said = await Promise.race([over, delay(cancelMs, undefined, { ref: false })]);
  const values = said?.values ?? {};
  if (ending.kind === 'canceled') return { status: 'canceled', values };
  const message = `${profile.title} was not done within ${spec.timeoutMs / 1_000} s and was ended. Give it a longer \`timeout\`.`;
  return { status: 'timeout', error: { code: 'task_timeout', message }, values };
}
