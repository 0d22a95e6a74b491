/** Starts an agent where its attempt is to be: its HOME, its program, its sandbox. */
import { SpawnError, spawnTagged } from '../../platform/process.ts';
import type { Listening } from '../../platform/mcp/door.ts';
import type { Sandbox, SandboxRequest, Wrapped } from '../../platform/sandbox/sandbox.ts';
import type { AttemptSpec, Outcome } from '../agent.ts';
import { scrubEnvironment } from '../scrub.ts';
import { withoutSandbox } from '../without-sandbox.ts';
import type { OwnCalls } from './callbacks.ts';
import { describeEntry, type Entry, joinDoors, placeDoors, pointToMeter } from './doors.ts';
import { failed } from './failed.ts';
import { coverWorktree } from './cover.ts';
import { prepareHome } from './home.ts';
import type { Meter } from './meter.ts';
import { listModelPlaces, passModels } from './network.ts';
import { type AgentProcess, type Launch, startProcess } from './process.ts';
import type { Profile } from './profiles.ts';
import { findProgram, foldersOf } from './program.ts';

/** Where agents are looked for and started. */
export interface LaunchOptions {
  /** Below this folder lie the agents that were installed for Signalbox, and npx keeps its cache. */
  installed: string;
  personHome: string;
  personEnv: Readonly<Record<string, string | undefined>>;
  /** Where agents are started; without one they run with all rights of the daemon's user. */
  sandbox?: Sandbox;
  launch?: Launch;
}

/** An agent whose process runs. */
export interface Launched {
  process: AgentProcess;
  wrapped: Wrapped;
  /** What it is told of the tools with which it calls back, where it has any. */
  entry: Entry | undefined;
  /** Ends what was opened for it; after its processes are gone. */
  close(): Promise<void>;
}

interface Launching {
  spec: AttemptSpec;
  profile: Profile;
  calls: OwnCalls | undefined;
  meter: Meter | undefined;
  ask: SandboxRequest['decideFetch'];
}

/** Starts the agent; an outcome when that cannot be. */
export async function launchAgent(options: LaunchOptions, { spec, profile, calls, meter, ask }: Launching): Promise<Launched | Outcome> {
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
  const local = joinDoors(calls, meter);
  const place = local && (await placeDoors(local, around, models.loopbackPorts));
  const request = {
    argv: program.argv,
    env: { ...env, ...pointToMeter(profile, meter, place) },
    cwd,
    home,
    ...(worktree === undefined ? {} : { worktree: await coverWorktree(worktree, profile.covers) }),
    programs: [...(await foldersOf(program.argv[0])), ...profile.sees],
    files: logins,
    loopbackPorts: models.loopbackPorts,
    decideFetch: passModels(models, ask),
    ...(local ? { local } : {}),
  };
  return startIn(around, { options, profile, spec, request, calls, place });
}

interface Starting extends Pick<Launching, 'spec' | 'profile' | 'calls'> {
  options: LaunchOptions;
  request: SandboxRequest;
  place: Listening | undefined;
}

async function startIn(around: Sandbox, { options, profile, spec, request, calls, place }: Starting): Promise<Launched | Outcome> {
  const wrapped = await around.wrap(request).catch((error: unknown) => {
    place?.close();
    throw error;
  });
  const close = async (): Promise<void> => {
    place?.close();
    await wrapped.close();
  };
  const sandboxed = wrapped.enforcement.level === 'enforced';
  try {
    const { argv } = wrapped;
    const child = await startProcess(options.launch ?? spawnTagged, {
      argv,
      env: wrapped.env,
      cwd: request.cwd,
      attempt: spec.attempt,
      sandboxed,
    });
    return { process: child, wrapped, entry: calls && place && describeEntry(calls, wrapped, place), close };
  } catch (error) {
    await close();
    if (!(error instanceof SpawnError)) throw error;
    return failed('spawn_failed', `${profile.title} could not be started (${error.reason}).`);
  }
}
