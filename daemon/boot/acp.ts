/** The ACP agents of this machine: their profiles, where they are, how to start them, and whether they start. */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ENDPOINT_FILE } from '../../shared/protocol/endpoint.ts';
import type { AgentCheck, AgentFound, CanaryReport } from '../../shared/protocol/views.ts';
import type { Action } from '../../shared/state/action.ts';
import type { Problem } from '../../shared/yaml/source.ts';
import type { Agent, Enforcement } from '../../shared/state/agent.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Adapter, Outcome } from '../agents/agent.ts';
import type { CallbackParts } from '../agents/acp/callbacks.ts';
import { createAcpAdapter, EXAMINE } from '../agents/acp/index.ts';
import { loadProfiles } from '../agents/acp/profile-files.ts';
import { loadPrices, type PriceTable } from '../agents/acp/prices.ts';
import type { Profile } from '../agents/acp/profiles.ts';
import { findProgram, folderOf } from '../agents/acp/program.ts';
import type { Command, CommandResult } from '../commands.ts';
import type { ToolServerModule } from '../platform/mcp/door.ts';
import type { Sandbox } from '../platform/sandbox/sandbox.ts';
import { type Canaries, keepCanaries } from './canaries.ts';
import { describeWanted } from './wanted.ts';

export interface AcpAgents {
  adapter: Adapter;
  /** Every agent that there is a profile of, and where its program is. */
  detect(): Promise<AgentFound[]>;
  /** Starts an agent as an attempt would, up to a session, and ends it again; undefined when there is no profile of it. */
  examine(agent: string): Promise<AgentCheck | undefined>;
  /** Leads an agent through decoys; undefined when there is no profile of it. Throws SignalboxError. */
  canary(agent: string): Promise<CanaryReport | undefined>;
  /** What registering it means; undefined when there is no profile of it. */
  registration(agent: string): Promise<Registration | undefined>;
  /** Registers again, as this machine is now, those that were registered before. */
  restore(tell: (command: Command) => Promise<CommandResult>): Promise<void>;
  notices(): string[];
}

/** What registering an agent means. */
interface Registration {
  action: Action;
  title: string;
  enforcement: Enforcement;
}

export interface AcpParts {
  /** Folder of the bundles. */
  here: string;
  home: string;
  config: string;
  state: State;
  sandbox: Sandbox;
}

interface Opened extends AcpParts {
  installed: string;
  profiles: ReadonlyMap<string, Profile>;
  canaries: Canaries;
}

/** Opens the profiles; files that were changed count from the next look on. */
export async function openAcpAgents(parts: AcpParts): Promise<AcpAgents> {
  const { here, home, config, state, sandbox } = parts;
  const folder = join(config, 'agents');
  const installed = join(home, 'agents');
  let { profiles, problems } = await loadProfiles(folder);
  const reload = async (): Promise<Opened> => {
    [{ profiles, problems }] = await Promise.all([loadProfiles(folder), prices.look()]);
    return { ...parts, installed, profiles, canaries };
  };
  const prices = await keepPrices(folder);
  const common = { installed, prices: prices.look, describe: describeWanted, sandbox };
  const person = { personHome: homedir(), personEnv: process.env };
  const adapter = createAcpAdapter({ ...common, ...person, callbacks: callbacksIn(here), profileOf: (agent) => profiles.get(agent) });
  const canaries = keepCanaries({
    folder: join(installed, 'canary'),
    endpoint: join(home, ENDPOINT_FILE),
    adapterFor: (profile) =>
      createAcpAdapter({ ...common, profileOf: () => profile, personHome: join(installed, 'nobody'), personEnv: {} }),
  });
  return {
    adapter,
    async detect() {
      const opened = await reload();
      return Promise.all([...opened.profiles.values()].map((profile) => lookFor(opened, profile)));
    },
    async examine(agent) {
      const opened = await reload();
      const profile = opened.profiles.get(agent);
      if (!profile) return undefined;
      const outcome = await examine(adapter, home, profile);
      return { ...(await lookFor(opened, profile)), ...describeCheck(outcome) };
    },
    async canary(agent) {
      const profile = (await reload()).profiles.get(agent);
      return profile && canaries.run(profile);
    },
    async registration(agent) {
      const opened = await reload();
      const profile = opened.profiles.get(agent);
      if (!profile) return undefined;
      const { argv, enforcement } = await lookFor(opened, profile);
      return { title: profile.title, enforcement, action: describeRegistration(profile, argv) };
    },
    async restore(tell) {
      const mine = [...state.agents.values()].filter(({ adapter: kind, status }) => kind === 'acp' && status !== 'offline');
      await Promise.all(mine.map((agent) => tell(restoreAgent(agent, profiles.get(agent.id), sandbox))));
    },
    notices: () => [...problems, ...prices.problems()].map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
  };
}

/** What agents call back through: bundles beside this one. */
function callbacksIn(here: string): CallbackParts {
  return {
    // Not `import`: code that V8 kept from an earlier start cannot import.
    load: () => Promise.resolve(createRequire(here)(join(here, 'mcp.cjs')) as ToolServerModule),
    bridgePath: join(here, 'bridge.cjs'),
  };
}

/** The person's prices, looked at now and anew at each look, and what was wrong with them at the last one. */
async function keepPrices(folder: string): Promise<{ look(): Promise<PriceTable | undefined>; problems(): Problem[] }> {
  let problems: Problem[] = [];
  const look = async (): Promise<PriceTable | undefined> => {
    const read = await loadPrices(folder);
    ({ problems } = read);
    return read.table;
  };
  await look();
  return { look, problems: () => problems };
}

function restoreAgent({ id, role, capabilities, tags, slots }: Agent, profile: Profile | undefined, sandbox: Sandbox): Command {
  if (!profile) return { type: 'agent/leave', agent: id, reason: 'Its profile is gone.' };
  const about = { role, capabilities: [...capabilities], tags: [...tags], slots, adapter: 'acp' as const };
  return { type: 'agent/register', agent: id, ...about, enforcement: enforcementOf(profile, sandbox) };
}

function enforcementOf({ title, sandbox: starts }: Profile, { enforcement }: Sandbox): Enforcement {
  if (starts || enforcement.level === 'advisory') return enforcement;
  return { level: 'advisory', why: `${title} does not start in a sandbox.` };
}

async function lookFor({ state, sandbox, installed, canaries }: Opened, profile: Profile): Promise<AgentFound> {
  const found = await findProgram(profile, { path: process.env['PATH'] ?? '', installed });
  const { agent, title, program, package: name, uncovered } = profile;
  const registered = state.agents.get(agent);
  const canary = await canaries.last(agent);
  return {
    agent,
    title,
    program,
    from: found?.from ?? 'missing',
    argv: [...(found?.argv ?? [])],
    registered: registered?.adapter === 'acp' && registered.status !== 'offline',
    enforcement: enforcementOf(profile, sandbox),
    uncovered,
    ...(canary === undefined ? {} : { canary }),
    ...(name === undefined ? {} : { package: name, folder: folderOf(installed, profile) }),
  };
}

async function examine(adapter: Adapter, home: string, { agent, startSeconds }: Profile): Promise<Outcome> {
  const attempt = `examine-${randomUUID()}`;
  const place = join(home, 'homes', attempt);
  await mkdir(place, { recursive: true, mode: 0o700 });
  const none = { task: '', run: '', stage: '', inputs: {} };
  try {
    return await new Promise<Outcome>((resolve) => {
      const spec = { ...none, attempt, agent, action: EXAMINE, timeoutMs: (startSeconds + 10) * 1_000, home: place };
      adapter.start(spec, (event) => {
        if (event.type === 'ended') resolve(event.outcome);
        // Nothing is done for a look.
        if (event.type === 'wants') event.answer({ allowed: false, reason: 'It is only being looked at.' });
      });
    });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

function describeCheck({ status, error, values }: Outcome): Pick<AgentCheck, 'starts' | 'problem' | 'version' | 'login' | 'resumes'> {
  const text = (name: string): string => (typeof values[name] === 'string' ? values[name] : '');
  const about = { version: text('version'), login: text('login'), resumes: values['resumes'] === true };
  if (status === 'succeeded') return { starts: true, problem: '', ...about };
  return { starts: false, problem: error?.message ?? `It ended as ${status}.`, ...about };
}

function describeRegistration({ agent, title }: Profile, argv: string[]): Action {
  return {
    kind: 'agent.register',
    summary: `register ${title}: ${argv.join(' ') || 'not found on this machine'}`.slice(0, 500),
    agent,
    run: '',
    stage: '',
    task: '',
    repo: '',
    risk: 'medium',
    adapter: 'acp',
    argv,
    capabilities: ['prompt'],
  };
}
