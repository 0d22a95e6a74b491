// Drives the scripted agent (test/support/scripted-agent.mjs) through the adapter.
import { fileURLToPath } from 'node:url';
import { createAcpAdapter, type AcpOptions } from '../../../../daemon/agents/acp/index.ts';
import { Profile } from '../../../../daemon/agents/acp/profiles.ts';
import type { AttemptEvent, AttemptSpec, Permission, WantedAction } from '../../../../daemon/agents/agent.ts';
import { describeWanted } from '../../../../daemon/boot/wanted.ts';
import { tempFolder } from '../../../support/repos.ts';
import { watch, type Watched } from '../support/attempts.ts';

const AGENT = fileURLToPath(new URL('../../../support/scripted-agent.mjs', import.meta.url));

/** The profile of the scripted agent. */
export const scripted = (over: Partial<Profile> = {}): Profile =>
  Profile.parse({
    agent: 'scripted',
    title: 'Scripted',
    program: process.execPath,
    args: [AGENT],
    ...('program' in over ? {} : { mode: 'default' }),
    ...over,
  });

export interface Driven extends Watched {
  root: string;
  wanted: WantedAction[];
}

interface Drive {
  setup?: Record<string, unknown>;
  answer?: (wanted: WantedAction) => Permission | undefined;
  options?: Partial<AcpOptions>;
  profile?: Partial<Profile>;
  spec?: Partial<AttemptSpec>;
  root?: string;
}

/** Starts an attempt with this script; actions are allowed unless `answer` says otherwise, or says nothing for ever. */
export function drive(
  script: readonly unknown[],
  { setup = {}, answer = () => ({ allowed: true }), options = {}, profile = {}, spec = {}, root = tempFolder('tree') }: Drive = {},
): Driven {
  const wanted: WantedAction[] = [];
  const adapter = createAcpAdapter({
    profileOf: (agent) => (agent === 'scripted' ? scripted(profile) : undefined),
    installed: tempFolder('installed'),
    personHome: tempFolder('person'),
    personEnv: {},
    describe: describeWanted,
    cancelMs: 1_000,
    graceMs: 300,
    ...options,
  });
  const answering = {
    start: (given: AttemptSpec, emit: (event: AttemptEvent) => void) =>
      adapter.start(given, (event) => {
        emit(event);
        if (event.type !== 'wants') return;
        wanted.push(event.wanted);
        const permission = answer(event.wanted);
        if (permission) event.answer(permission);
      }),
  };
  const attempt = watch(answering, {
    agent: 'scripted',
    prompt: `Do this: [[${JSON.stringify(script)}]]`,
    env: { SCRIPTED_AGENT: JSON.stringify(setup) },
    worktree: { path: root, gitDir: root, branch: 'b' },
    ...spec,
  });
  return { ...attempt, root, wanted };
}
