/**
 * One conversation with an agent: initialize, a session in the worktree, the prompt, and prompts that say why something was
 * denied, a few at most. What the agent asks meanwhile is in asking.ts.
 */
import { client, RequestError, type ContentBlock } from '@agentclientprotocol/sdk';
import type { Outcome } from '../agent.ts';
import { answerPermission, answerWrite, type Denial, type SessionParts, type Talk } from './asking.ts';
import type { Profile } from './profiles.ts';
import { startUpdates } from './updates.ts';

/** Prompts that tell an agent about denials. */
const MAX_REMINDERS = 3;
const PROTOCOL_VERSION = 1;
/** JSON-RPC code of ACP for an agent that wants a login first. */
const AUTH_REQUIRED = -32_000;

export interface Session {
  /** How the agent's turn ended; rejects when the connection broke. */
  readonly done: Promise<Outcome>;
  /** Asks the agent to stop; what it waits for is answered with `cancelled`. */
  cancel(): void;
  /** To be called once, when the agent is gone. */
  end(): void;
}

/** Begins the conversation. */
export function startSession(parts: SessionParts): Session {
  const talk: Talk = {
    ...parts,
    updates: startUpdates(parts),
    about: { version: '', login: '', session: '', resumes: false },
    denials: [],
    denied: 0,
    allowed: new Map(),
    pending: new Set(),
    canceled: false,
  };
  const connection = client({ name: 'signalbox' })
    .onRequest('session/request_permission', ({ params }) => answerPermission(talk, params))
    .onRequest('fs/write_text_file', ({ params }) => answerWrite(talk, params.path, params.content))
    .onNotification('session/update', ({ params }) => talk.updates.take(params))
    .onNotification('*', ({ params }) => noteLogin(talk, params))
    .connect(parts.stream);
  const { agent } = connection;
  return {
    done: converse(talk, agent),
    end: () => talk.updates.end(),
    cancel() {
      talk.canceled = true;
      for (const settle of talk.pending) settle();
      if (talk.about.session !== '') void agent.notify('session/cancel', { sessionId: talk.about.session }).catch(() => {});
    },
  };
}

type AgentSide = ReturnType<ReturnType<typeof client>['connect']>['agent'];

async function converse(talk: Talk, agent: AgentSide): Promise<Outcome> {
  const { spec, profile } = talk;
  const opened = await open(talk, agent);
  if (opened) return opened;
  if (spec.prompt === undefined) return { status: 'succeeded', values: { ...talk.about } };
  talk.emit({ type: 'progress', text: `${profile.title} works`, activity: 'analyzing' });
  let words = spec.prompt ?? '';
  for (let reminders = 0; ; reminders += 1) {
    const prompt: ContentBlock[] = [{ type: 'text', text: words }];
    const response = await agent.request('session/prompt', { sessionId: talk.about.session, prompt });
    talk.updates.endTurn(response);
    const stopped = response.stopReason === 'end_turn' || response.stopReason === 'cancelled';
    if (talk.canceled || !stopped || talk.denials.length === 0 || reminders >= MAX_REMINDERS)
      return describeStop(talk, response.stopReason);
    words = describeDenials(talk.denials);
    talk.denials = [];
    talk.transcript.note(`[told the agent why] ${words}`);
  }
}

/** From the first message to a session in the mode that asks most; an outcome when that cannot be. */
async function open(talk: Talk, agent: AgentSide): Promise<Outcome | undefined> {
  const { spec, profile, about } = talk;
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
    about.version = hello.agentInfo?.version ?? '';
    about.resumes = hello.agentCapabilities?.loadSession ?? false;
    const cwd = spec.worktree?.path ?? spec.home;
    const { session: _meta } = profile;
    const session = await agent.request('session/new', { cwd, mcpServers: [], ...(Object.keys(_meta).length > 0 ? { _meta } : {}) });
    about.session = session.sessionId;
    return forceMode(talk, agent, session.modes?.availableModes.map(({ id }) => id) ?? []);
  };
  const first = await Promise.race([opening().catch((error: unknown) => describeRefusal(profile, error)), late]);
  if (first === 'late')
    return failed(
      'agent_start',
      `${profile.title} was not ready within ${profile.startSeconds} s. Try \`signalbox agents doctor ${profile.agent}\`.`,
    );
  return first;
}

async function forceMode({ profile, about }: Talk, agent: AgentSide, modes: readonly string[]): Promise<Outcome | undefined> {
  if (profile.mode === undefined) return undefined;
  // An agent that dropped the mode might do more without asking than the profile says.
  if (!modes.includes(profile.mode))
    return failed(
      'agent_mode',
      `${profile.title} has no mode \`${profile.mode}\`, the one that asks most; it has ${modes.join(', ') || 'none'}.`,
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

function describeDenials(denials: readonly Denial[]): string {
  const lines = denials.slice(0, 20).map(({ title, reason }) => `- ${title.slice(0, 200)}: ${reason.slice(0, 500)}`);
  return `Some of what you asked for was denied by the policy of this workspace:\n${lines.join('\n')}\nDo not try the same again. Reach the goal in another way, or say what you need and stop.`;
}

/** Agents that say how they are logged in do it with a notification of their own. */
function noteLogin({ about }: Talk, params: unknown): void {
  const status = typeof params === 'object' && params !== null && 'authStatus' in params ? params.authStatus : undefined;
  if (typeof status !== 'object' || status === null || !('label' in status) || typeof status.label !== 'string') return;
  about.login = status.label.slice(0, 200);
}

function describeStop({ profile, updates, denied, denials, transcript, about, canceled }: Talk, stopReason: string): Outcome {
  const { completed, failed: broken } = updates.counts();
  const values = {
    stopReason,
    message: transcript.lastMessage(2_000),
    toolsCompleted: completed,
    toolsFailed: broken,
    denied,
    session: about.session,
    version: about.version,
  };
  if (canceled) return { status: 'canceled', values };
  switch (stopReason) {
    case 'end_turn':
      return { status: 'succeeded', values };
    case 'cancelled': {
      const last = denials.at(-1);
      const why = last ? `after it was denied: ${last.title}: ${last.reason}` : 'without being asked to';
      return { ...failed(last ? 'denied' : 'agent_stopped', `${profile.title} stopped ${why}.`), values };
    }
    case 'refusal':
      return { ...failed('agent_refused', `${profile.title} refused the prompt. Its output says why.`), values };
    default:
      return { ...failed('agent_stopped', `${profile.title} stopped before it was done (${stopReason}).`), values };
  }
}

export function failed(code: string, message: string): Outcome {
  return { status: 'failed', error: { code, message: message.slice(0, 2_000) }, values: {} };
}
