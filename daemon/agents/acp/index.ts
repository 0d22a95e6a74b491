/**
 * The acp adapter: an agent that speaks the Agent Client Protocol on its pipes, in the attempt's worktree.
 *
 * 1. Whatever the agent does ends this attempt and nothing else: it is bounded in size, number and time (see wire.ts).
 * 2. `ended` comes once, after every process of the attempt is gone, also those that left its session.
 * 3. The raw lines are kept beside the transcript, so that what an agent did can be told from what we understood.
 */
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import { SpawnError, spawnTagged } from '../../platform/process.ts';
import type { Sandbox, SandboxRequest, Wrapped } from '../../platform/sandbox/sandbox.ts';
import type { Adapter, AttemptEvent, AttemptSpec, Outcome, RunningAttempt } from '../agent.ts';
import { askForHosts } from '../fetches.ts';
import { scrubEnvironment } from '../scrub.ts';
import { withoutSandbox } from '../without-sandbox.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { prepareHome } from './home.ts';
import { type AgentProcess, type Launch, startProcess } from './process.ts';
import type { PriceTable } from './prices.ts';
import type { Profile } from './profiles.ts';
import { listModelPlaces, passModels } from './network.ts';
import { findProgram, foldersOf } from './program.ts';
import type { SessionParts } from './asking.ts';
import { failed, type Session, startSession } from './session.ts';
import { keepRawLines, type RawLog, writeTranscript } from './transcript.ts';
import { openWire, type WireBounds, WIRE_BOUNDS, type WireFault } from './wire.ts';

export interface AcpOptions {
  /** What is known of an agent; undefined when there is no such agent. */
  profileOf(agent: string): Profile | undefined;
  /** Below this folder lie the agents that were installed for Signalbox, and npx keeps its cache. */
  installed: string;
  /** What tokens cost, looked at as each attempt starts. */
  prices?(): Promise<PriceTable | undefined>;
  personHome: string;
  personEnv: Readonly<Record<string, string | undefined>>;
  describe: SessionParts['describe'];
  /** Where agents are started; without one they run with all rights of the daemon's user. */
  sandbox?: Sandbox;
  launch?: Launch;
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
/** Characters of what an agent wrote to its standard error that go into the reason of a failure, and bytes that are kept. */
const STDERR_TAIL = 600;
const MAX_STDERR = 4 * 1024 * 1024;
const LAST_WORDS_MS = 1_000;

/** Makes the adapter that drives ACP agents. */
export function createAcpAdapter(options: AcpOptions): Adapter {
  return {
    start(spec, emit): RunningAttempt {
      let end: (ending: Ending) => void = () => {};
      const asked = new Promise<Ending>((resolve) => {
        end = resolve;
      });
      let reason = '';
      const done = drive(options, spec, emit, asked)
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
      };
    },
  };
}

function withReason(outcome: Outcome, reason: string): Outcome {
  if (outcome.status !== 'canceled') return outcome;
  return { ...outcome, error: { code: 'canceled', message: `Canceled: ${reason || 'no reason was given'}.` } };
}

async function drive(options: AcpOptions, spec: AttemptSpec, emit: Emit, asked: Promise<Ending>): Promise<Outcome> {
  const profile = options.profileOf(spec.agent);
  if (!profile)
    return failed('agent_unknown', `There is no profile for the agent ${spec.agent}. \`signalbox agents detect\` lists those there are.`);
  if (spec.action !== EXAMINE && (spec.prompt ?? '').trim() === '')
    return failed('prompt_missing', 'There is nothing to ask the agent. Give the stage a `prompt`.');
  const prices = await options.prices?.();
  const deadline = startDeadline(spec.timeoutMs);
  const started = await launchAgent(options, { spec, profile, ask: askForHosts(spec, pauseWhileAsked(emit, deadline)) });
  if ('status' in started) return started;
  const { process: child, wrapped } = started;
  emit({ type: 'started', process: child.identity, enforcement: wrapped.enforcement });
  const raw = keepRawLines();
  try {
    return await follow({ options, spec, profile, prices, emit, asked, deadline, process: child, wrapped, raw });
  } finally {
    deadline.stop();
    await wrapped.close();
    emit({ type: 'artifact', name: `acp-${spec.attempt}.log`, mediaType: 'text/plain', content: raw.text() });
  }
}

/** Lets a deadline stand still while a person is asked. */
function pauseWhileAsked(emit: Emit, deadline: Deadline): Emit {
  return (event) => {
    if (event.type !== 'wants') return emit(event);
    deadline.pause();
    emit({
      ...event,
      answer(permission) {
        deadline.resume();
        event.answer(permission);
      },
    });
  };
}

interface Launching {
  spec: AttemptSpec;
  profile: Profile;
  ask: SandboxRequest['decideFetch'];
}

async function launchAgent(
  options: AcpOptions,
  { spec, profile, ask }: Launching,
): Promise<{ process: AgentProcess; wrapped: Wrapped } | Outcome> {
  const { home, worktree } = spec;
  const { personHome, personEnv, installed, sandbox = withoutSandbox('No sandbox was asked for.') } = options;
  const { env: added, logins } = await prepareHome(profile, { home, worktree: worktree?.path ?? home, personHome, personEnv });
  const env = scrubEnvironment(home, { npm_config_cache: `${installed}/npm`, ...added, ...spec.env });
  const program = await findProgram(profile, { path: env['PATH'] ?? '', installed });
  if (!program)
    return failed(
      'agent_missing',
      `${profile.title} (${profile.program}) was not found. Install it, or see \`signalbox agents doctor ${profile.agent}\`.`,
    );
  if (program.from === 'npx' && profile.sandbox && sandbox.enforcement.level === 'enforced')
    return failed(
      'agent_missing',
      `${profile.title} is not installed, and a sandbox is no place to fetch it: signalbox agents add ${profile.agent} --install`,
    );
  const models = listModelPlaces(profile.hosts, [...Object.values(added), ...Object.values(profile.files)]);
  const cwd = worktree?.path ?? home;
  const around = profile.sandbox ? sandbox : withoutSandbox(`${profile.title} does not start in a sandbox.`);
  const wrapped = await around.wrap({
    argv: program.argv,
    env,
    cwd,
    home,
    ...(worktree === undefined ? {} : { worktree }),
    programs: [...(await foldersOf(program.argv[0])), ...profile.sees],
    files: logins,
    loopbackPorts: models.loopbackPorts,
    decideFetch: passModels(models, ask),
  });
  const sandboxed = wrapped.enforcement.level === 'enforced';
  try {
    const { argv } = wrapped;
    const child = await startProcess(options.launch ?? spawnTagged, { argv, env: wrapped.env, cwd, attempt: spec.attempt, sandboxed });
    return { process: child, wrapped };
  } catch (error) {
    await wrapped.close();
    if (!(error instanceof SpawnError)) throw error;
    return failed('spawn_failed', `${profile.title} could not be started (${error.reason}).`);
  }
}

interface Following {
  options: AcpOptions;
  spec: AttemptSpec;
  profile: Profile;
  prices: PriceTable | undefined;
  emit: Emit;
  asked: Promise<Ending>;
  deadline: Deadline;
  process: AgentProcess;
  wrapped: Wrapped;
  raw: RawLog;
}

async function follow({
  options,
  spec,
  profile,
  prices,
  emit,
  asked,
  deadline,
  process: child,
  wrapped,
  raw,
}: Following): Promise<Outcome> {
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
  const session = startSession({ spec, profile, prices, stream, transcript, deadline, describe: options.describe, emit });
  const over = Promise.race([
    session.done.catch((error: unknown) => explainBreak(error, { fault, child, profile, errors })),
    fault.then(({ code, message }) => failed(code, `${profile.title}: ${message}`)),
    child.ended.then(async (how) => explainExit(profile, how, await errors.lastWords())),
  ]);
  const first = await Promise.race([over, Promise.race([asked, deadline.passed.then((): Ending => ({ kind: 'timeout' }))])]);
  const outcome = 'kind' in first ? await stopGently(session, over, { ending: first, cancelMs, spec, profile }) : first;
  const survivors = await child.end(graceMs);
  session.end();
  if (survivors > 0) return failed('processes_left', `${survivors} processes of ${profile.title} could not be ended. End them by hand.`);
  const reason = wrapped.notStarted();
  return reason === undefined ? outcome : failed('spawn_failed', `${profile.title} could not be started (${reason}).`);
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

/** The connection is closed when the agent is gone or has done what no agent may; then that is the reason, and not the connection. */
async function explainBreak(
  error: unknown,
  { fault, child, profile, errors }: { fault: Promise<WireFault>; child: AgentProcess; profile: Profile; errors: StderrTail },
): Promise<Outcome> {
  const soon = delay(500, undefined, { ref: false });
  const reason = await Promise.race([fault, child.ended, soon]);
  if (reason instanceof Error) return failed(reason.code, `${profile.title}: ${reason.message}`);
  if (reason) return explainExit(profile, reason, await errors.lastWords());
  return failed('agent_error', `${profile.title} answered with an error: ${error instanceof Error ? error.message : String(error)}`);
}

function explainExit(profile: Profile, { exitCode, signal }: { exitCode?: number; signal?: string }, tail: string): Outcome {
  const how = exitCode === undefined ? `was ended by ${signal ?? 'a signal'}` : `ended with exit code ${exitCode}`;
  const last = tail === '' ? '' : ` Its last words: ${tail}`;
  return {
    ...failed('agent_exited', `${profile.title} ${how} before it was done.${last}`),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
  };
}

interface StderrTail {
  /** The end of what it wrote, once it can write no more, or soon. */
  lastWords(): Promise<string>;
}

function passErrors({ errors }: AgentProcess, emit: Emit): StderrTail {
  const decoder = new StringDecoder('utf8');
  let left = MAX_STDERR;
  let tail = '';
  errors.on('data', (chunk: Buffer) => {
    const text = decoder.write(chunk);
    tail = (tail + text).slice(-STDERR_TAIL);
    const kept = text.slice(0, left);
    left -= kept.length;
    if (kept !== '') emit({ type: 'output', stream: 'stderr', text: kept });
  });
  errors.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    errors.once('close', () => resolve());
  });
  return {
    async lastWords() {
      await Promise.race([closed, delay(LAST_WORDS_MS, undefined, { ref: false })]);
      return tail.trim().replace(/\s+/g, ' ');
    },
  };
}
