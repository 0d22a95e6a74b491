/**
 * One conversation with an agent: a session (opening.ts), the prompt, and prompts that say why something was denied, a few at
 * most. What the agent asks meanwhile is in asking.ts.
 */
import { client, type ContentBlock } from '@agentclientprotocol/sdk';
import type { Outcome } from '../agent.ts';
import { answerPermission, answerWrite, type Denial, type SessionParts, type Talk } from './asking.ts';
import { nameTools } from './callbacks.ts';
import { failed } from './failed.ts';
import { type AgentSide, endLoading, openSession } from './opening.ts';
import { MAX_MESSAGE } from './transcript.ts';
import { startUpdates } from './updates.ts';

/** Prompts that tell an agent about denials. */
const MAX_REMINDERS = 3;

export interface Session {
  /** How the agent's turn ended; rejects when the connection broke. */
  readonly done: Promise<Outcome>;
  /** Asks the agent to stop; what it waits for is answered with `cancelled`. */
  cancel(): void;
  /** It loads the session of earlier work and has not come to the end of that. */
  isLoading(): boolean;
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
    before: '',
    loading: false,
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
    isLoading: () => talk.loading,
    end: () => talk.updates.end(),
    cancel() {
      talk.canceled = true;
      for (const settle of talk.pending) settle();
      if (talk.about.session !== '') void agent.notify('session/cancel', { sessionId: talk.about.session }).catch(() => {});
    },
  };
}

async function converse(talk: Talk, agent: AgentSide): Promise<Outcome> {
  const { spec, profile } = talk;
  const opened = await openSession(talk, agent);
  if (opened) return opened;
  endLoading(talk);
  if (spec.prompt === undefined) return { status: 'succeeded', values: { ...talk.about } };
  talk.emit({ type: 'progress', text: `${profile.title} works`, activity: 'analyzing' });
  const asked = `${talk.before}${spec.prompt}`;
  let words = talk.own ? nameTools(asked) : asked;
  for (let reminders = 0; ; reminders += 1) {
    const prompt: ContentBlock[] = [{ type: 'text', text: words }];
    const response = await agent.request('session/prompt', { sessionId: talk.about.session, prompt });
    talk.updates.endTurn(response);
    for (const { title, reason } of talk.notes.splice(0)) {
      talk.denials.push({ title, reason });
      talk.transcript.note(`[undone] ${title}: ${reason}`);
    }
    const stopped = response.stopReason === 'end_turn' || response.stopReason === 'cancelled';
    if (talk.canceled || !stopped || talk.denials.length === 0 || reminders >= MAX_REMINDERS)
      return describeStop(talk, response.stopReason);
    words = describeDenials(talk.denials);
    talk.denials = [];
    talk.transcript.note(`[told the agent why] ${words}`);
  }
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

function describeStop({ spec, emit, profile, updates, denied, denials, transcript, about, canceled }: Talk, stopReason: string): Outcome {
  if (spec.answerAs !== undefined)
    emit({ type: 'artifact', name: spec.answerAs, mediaType: 'application/json', content: transcript.lastMessage(MAX_MESSAGE) });
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
