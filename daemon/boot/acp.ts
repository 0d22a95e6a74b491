/** The ACP agents of this machine: their profiles, where they are, how to start them, and whether they start. */
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AgentCheck, AgentFound } from '../../shared/protocol/views.ts';
import type { Action } from '../../shared/state/action.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Adapter, Outcome } from '../agents/agent.ts';
import { createAcpAdapter, EXAMINE } from '../agents/acp/index.ts';
import { loadProfiles } from '../agents/acp/profile-files.ts';
import type { Profile } from '../agents/acp/profiles.ts';
import { findProgram, folderOf } from '../agents/acp/program.ts';
import { describeWanted } from './wanted.ts';

export interface AcpAgents {
  adapter: Adapter;
  /** Every agent that there is a profile of, and where its program is. */
  detect(): Promise<AgentFound[]>;
  /** Starts an agent as an attempt would, up to a session, and ends it again; undefined when there is no profile of it. */
  examine(agent: string): Promise<AgentCheck | undefined>;
  /** What registering it means; undefined when there is no profile of it. */
  registration(agent: string): Promise<{ action: Action; title: string } | undefined>;
  notices(): string[];
}

interface Parts {
  home: string;
  config: string;
  state: State;
}

/** Opens the profiles; files that were changed count from the next look on. */
export async function openAcpAgents({ home, config, state }: Parts): Promise<AcpAgents> {
  const folder = join(config, 'agents');
  const installed = join(home, 'agents');
  let { profiles, problems } = await loadProfiles(folder);
  const reload = async (): Promise<void> => {
    ({ profiles, problems } = await loadProfiles(folder));
  };
  const adapter = createAcpAdapter({
    profileOf: (agent) => profiles.get(agent),
    installed,
    personHome: homedir(),
    personEnv: process.env,
    describe: describeWanted,
  });
  const look = async (profile: Profile): Promise<AgentFound> => {
    const found = await findProgram(profile, { path: process.env['PATH'] ?? '', installed });
    const { agent, title, program, package: name, uncovered } = profile;
    return {
      agent,
      title,
      program,
      from: found?.from ?? 'missing',
      argv: [...(found?.argv ?? [])],
      registered: state.agents.get(agent)?.adapter === 'acp' && state.agents.get(agent)?.status !== 'offline',
      uncovered,
      ...(name === undefined ? {} : { package: name, folder: folderOf(installed, profile) }),
    };
  };
  return {
    adapter,
    async detect() {
      await reload();
      return Promise.all([...profiles.values()].map(look));
    },
    async examine(agent) {
      await reload();
      const profile = profiles.get(agent);
      if (!profile) return undefined;
      const outcome = await examine(adapter, home, profile);
      return { ...(await look(profile)), ...describeCheck(outcome) };
    },
    async registration(agent) {
      await reload();
      const profile = profiles.get(agent);
      return profile && { title: profile.title, action: describeRegistration(profile, (await look(profile)).argv) };
    },
    notices: () => problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
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
