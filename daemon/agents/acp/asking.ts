/**
 * What an agent asks while it works: permissions, and files that it wants us to write.
 *
 * 1. A permission is answered with allow_once or reject_once, never with an option that decides about later calls.
 * 2. Nothing is allowed after the attempt was canceled, and nothing that was not put to the policy.
 */
import { RequestError, type RequestPermissionRequest, type RequestPermissionResponse, type Stream } from '@agentclientprotocol/sdk';
import type { AttemptEvent, AttemptSpec, Permission, WantedAction } from '../agent.ts';
import type { OwnCalls } from './callbacks.ts';
import type { Deadline } from './deadline.ts';
import type { Entry } from './doors.ts';
import { diffText } from './diff-text.ts';
import type { PriceTable } from './prices.ts';
import type { Profile } from './profiles.ts';
import { wantsOf, writtenBy, type ToolCall } from './tools.ts';
import type { Transcript } from './transcript.ts';
import type { Updates } from './updates.ts';
import type { Described, Wanted } from './wanted.ts';
import { writeInside } from './write-file.ts';

/** Questions of one agent that may wait at once. */
const MAX_PENDING = 32;

/** What a conversation works with. */
export interface SessionParts {
  spec: AttemptSpec;
  profile: Profile;
  prices: PriceTable | undefined;
  stream: Stream;
  transcript: Transcript;
  /** Stands still while a person is asked. */
  deadline: Deadline;
  /** The tools with which the agent calls back, and where it finds them. */
  own?: { calls: OwnCalls; entry: Entry };
  /** What its models use is counted on the way; what it says of that itself counts for nothing. */
  metered: boolean;
  describe(spec: AttemptSpec, wanted: Wanted, title: string): Promise<Described>;
  /** What of its work was undone, and why, that it was not told yet. */
  notes: Denial[];
  emit(event: AttemptEvent): void;
}

/** What an agent says of itself. */
interface AgentAbout {
  version: string;
  login: string;
  session: string;
  /** It can go on with a session of an earlier process. */
  resumes: boolean;
}

/** What an agent was denied, and why. */
export interface Denial {
  title: string;
  reason: string;
}

/** A conversation under way. */
export interface Talk extends SessionParts {
  updates: Updates;
  about: AgentAbout;
  /** Denials that the agent was not told the reasons of. */
  denials: Denial[];
  denied: number;
  /** Edits that were allowed: exact texts by path. */
  allowed: Map<string, string>;
  pending: Set<() => void>;
  canceled: boolean;
  /** What stands before the first prompt. */
  before: string;
  /** It loads an earlier session, and was given no prompt since. */
  loading: boolean;
}

/** Answers an agent's question about a tool call. */
export async function answerPermission(talk: Talk, request: RequestPermissionRequest): Promise<RequestPermissionResponse> {
  const { updates, profile } = talk;
  // While it loads a session it tells what was; nothing of that is done now.
  if (talk.loading) return { outcome: { outcome: 'cancelled' } };
  const call = updates.asked(request.toolCall);
  const permission = await ask(talk, call, wantsOf(call, profile.reads));
  if (permission === undefined) return { outcome: { outcome: 'cancelled' } };
  const kind = permission.allowed ? 'allow_once' : 'reject_once';
  const option = request.options.find((each) => each.kind === kind);
  updates.noteDecision(call, permission.allowed && option !== undefined);
  if (permission.allowed && option) for (const [path, text] of writtenBy(call)) talk.allowed.set(path, text);
  else
    deny(
      talk,
      call,
      permission.allowed ? 'It can only be allowed for good, which is for a person and not for an agent to offer.' : permission.reason,
    );
  return { outcome: option ? { outcome: 'selected', optionId: option.optionId } : { outcome: 'cancelled' } };
}

/** An agent hands us the writing of a file: what was allowed as an edit is written, anything else is asked. */
export async function answerWrite(talk: Talk, path: string, content: string): Promise<Record<string, never>> {
  const root = talk.spec.worktree?.path;
  if (root === undefined) throw new RequestError(-32_602, 'There is no worktree to write to.');
  if (talk.loading) throw new RequestError(-32_603, 'Nothing is written while a session is loaded.');
  if (talk.allowed.get(path) !== content) {
    const call: ToolCall = {
      id: `write:${path}`,
      name: 'write',
      title: `Write ${path}`,
      status: 'pending',
      input: {},
      content: [],
      locations: [],
    };
    const diff = diffText(path, '', content);
    const permission = await ask(talk, call, [
      { kind: 'edit', paths: [path], change: JSON.stringify({ path, content }), text: content, diff },
    ]);
    if (permission?.allowed !== true) {
      const reason = permission?.reason ?? 'The attempt was canceled.';
      deny(talk, call, reason);
      throw new RequestError(-32_603, `Denied: ${reason}`);
    }
  }
  const problem = await writeInside(root, path, content);
  if (problem !== undefined) throw new RequestError(-32_602, problem);
  return {};
}

/** Asks for each of the things that a call would do, until one is denied; undefined once the attempt is canceled. */
async function ask(talk: Talk, call: ToolCall, wants: Wanted[]): Promise<Permission | undefined> {
  if (talk.pending.size >= MAX_PENDING) return { allowed: false, reason: `${MAX_PENDING} questions of this agent wait already.` };
  for (const [index, wanted] of wants.entries()) {
    const { action, show } = await talk.describe(talk.spec, wanted, call.title);
    const permission = await askOne(talk, { key: index === 0 ? call.id : `${call.id}#${index + 1}`, action, show });
    if (permission?.allowed !== true) return permission;
    if (wanted.kind === 'mcp') talk.own?.calls.expect(wanted.server, wanted.tool, wanted.input);
  }
  return { allowed: true };
}

async function askOne(talk: Talk, wanted: WantedAction): Promise<Permission | undefined> {
  if (talk.canceled) return undefined;
  talk.emit({ type: 'progress', text: `asks to ${wanted.action.summary}`, activity: 'blocked' });
  talk.deadline.pause();
  const permission = await new Promise<Permission | undefined>((resolve) => {
    const settle = (): void => resolve(undefined);
    talk.pending.add(settle);
    const answer = (given: Permission): void => {
      talk.pending.delete(settle);
      resolve(given);
    };
    talk.emit({ type: 'wants', wanted, answer });
  });
  talk.deadline.resume();
  // Canceled while the answer was on its way.
  return talk.canceled ? undefined : permission;
}

function deny(talk: Talk, call: ToolCall, reason: string): void {
  talk.denied += 1;
  talk.denials.push({ title: call.title || call.name || 'a tool call', reason });
  talk.transcript.note(`[denied] ${call.title || call.name}: ${reason}`);
}
