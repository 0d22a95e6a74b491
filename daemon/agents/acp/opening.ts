/**
 * From the first message to a session in the mode that asks most: a new one, or that of earlier work, where the agent can load it.
 *
 * 1. What the agent tells while it loads is told apart from what it does (replayed.ts).
 * 2. Whatever goes wrong while it loads, `talk.loading` is still set then: whoever follows the attempt begins anew, in another process.
 */
import {
  type client,
  type InitializeResponse,
  type NewSessionRequest,
  RequestError,
  type SessionModeState,
} from '@agentclientprotocol/sdk';
import type { Outcome } from '../agent.ts';
import type { Talk } from './asking.ts';
import { failed } from './failed.ts';
import type { Profile } from './profiles.ts';

export type AgentSide = ReturnType<ReturnType<typeof client>['connect']>['agent'];

const PROTOCOL_VERSION = 1;
/** JSON-RPC code of ACP for an agent that wants a login first. */
const AUTH_REQUIRED = -32_000;

/** Opens the session; an outcome when that cannot be. */
export async function openSession(talk: Talk, agent: AgentSide): Promise<Outcome | undefined> {
  const { profile } = talk;
  const timeout = AbortSignal.timeout(profile.startSeconds * 1_000);
  const late = new Promise<'late'>((resolve) => timeout.addEventListener('abort', () => resolve('late'), { once: true }));
  const opening = async (): Promise<Outcome | undefined> => {
    const hello = await agent.request('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: profile.writes }, terminal: false },
      clientInfo: { name: 'signalbox', version: '1' },
    });
    if (hello.protocolVersion !== PROTOCOL_VERSION)
      return failed(
        'agent_protocol',
        `${profile.title} speaks version ${hello.protocolVersion} of ACP; Signalbox speaks ${PROTOCOL_VERSION}.`,
      );
    return forceMode(talk, agent, await beginSession(talk, agent, hello));
  };
  const first = await Promise.race([opening().catch((error: unknown) => describeRefusal(profile, error)), late]);
  if (first === 'late')
    return failed(
      'agent_start',
      `${profile.title} was not ready within ${profile.startSeconds} s. Try \`signalbox agents doctor ${profile.agent}\`.`,
    );
  return first;
}

/** Loads the session of earlier work, or begins one; the modes that it has. */
async function beginSession(talk: Talk, agent: AgentSide, hello: InitializeResponse): Promise<SessionModeState | null | undefined> {
  const { spec, profile, about, updates } = talk;
  const { earlier } = spec;
  about.version = hello.agentInfo?.version ?? '';
  about.resumes = hello.agentCapabilities?.loadSession ?? false;
  const { session: _meta } = profile;
  const place: NewSessionRequest = {
    cwd: spec.worktree?.path ?? spec.home,
    mcpServers: talk.own ? [talk.own.entry(hello.agentCapabilities?.mcpCapabilities?.http ?? false)] : [],
    ...(Object.keys(_meta).length > 0 ? { _meta } : {}),
  };
  const resumes = about.resumes;
  if (earlier?.session !== undefined && resumes) {
    const sessionId = earlier.session;
    talk.loading = true;
    updates.loading();
    talk.transcript.note(`[goes on with its session ${sessionId}; it tells again what was:]`);
    const { modes } = await agent.request('session/load', { sessionId, ...place });
    about.session = sessionId;
    return modes;
  }
  const session = await agent.request('session/new', place);
  about.session = session.sessionId;
  const why = earlier?.why ?? (earlier?.session === undefined ? undefined : `${profile.title} cannot go on with a session.`);
  const from = earlier === undefined ? { how: 'new' as const } : { how: 'summary' as const, from: earlier.attempt };
  talk.before = earlier?.summary ?? '';
  tellSession(talk, { ...from, ...(why === undefined ? {} : { why: why.slice(0, 500) }) });
  return session.modes;
}

/** The agent is about to get its prompt: what was told again is over. */
export function endLoading(talk: Talk): void {
  const { earlier } = talk.spec;
  if (!talk.loading || !earlier) return;
  const replayed = talk.updates.live();
  talk.loading = false;
  // One that says that it loaded the session, and nothing of what was in it, may not remember.
  talk.before = replayed > 0 ? earlier.lead : earlier.summary;
  tellSession(talk, { how: 'loaded', from: earlier.attempt, replayed });
}

function tellSession(
  { about, emit }: Talk,
  how: { how: 'new' | 'summary' | 'loaded'; from?: string; why?: string; replayed?: number },
): void {
  emit({ type: 'session', session: { id: about.session.slice(0, 200), resumes: about.resumes, ...how } });
}

async function forceMode(talk: Talk, agent: AgentSide, modes: SessionModeState | null | undefined): Promise<Outcome | undefined> {
  const { profile, about } = talk;
  if (profile.mode === undefined) return undefined;
  // An answer to session/load need not name them; then it is tried.
  const unnamed = talk.loading && !modes;
  const offered = modes?.availableModes.map(({ id }) => id) ?? [];
  // An agent that dropped the mode might do more without asking than the profile says.
  if (!unnamed && !offered.includes(profile.mode))
    return failed(
      'agent_mode',
      `${profile.title} has no mode \`${profile.mode}\`, the one that asks most; it has ${offered.join(', ') || 'none'}.`,
    );
  await agent.request('session/set_mode', { sessionId: about.session, modeId: profile.mode });
  return undefined;
}

function describeRefusal(profile: Profile, error: unknown): Outcome {
  if (!(error instanceof RequestError)) throw error;
  if (error.code === AUTH_REQUIRED)
    return failed(
      'agent_login',
      `${profile.title} wants a login first: ${error.message}. Log in with it, or set one of ${profile.pass.join(', ') || 'its keys'}.`,
    );
  return failed('agent_refused', `${profile.title} would not begin: ${error.message}`);
}
