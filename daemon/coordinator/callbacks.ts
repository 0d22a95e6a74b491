/**
 * What an attempt's agent calls back: decided by the policy like any other action, done, and on the record as a tool call.
 *
 * 1. A call is answered within `waitMs`; one whose question still waits for a person is `pending`, and the same call again hears on.
 * 2. The same id with the same input does nothing twice; with another input it is refused.
 * 3. Nothing is done for an attempt that has lost its lease: every command carries its token.
 */
import { type AgentCall, type CallAnswer, MCP_SERVER } from '../../shared/protocol/agent-tools.ts';
import type { Action } from '../../shared/state/action.ts';
import type { Run } from '../../shared/state/run.ts';
import type { Task } from '../../shared/state/task.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Permission } from '../agents/agent.ts';
import { performCall, refuseCall, type Settled } from './callback-tools.ts';
import { explain } from './merges.ts';
import type { Permissions } from './permissions.ts';
import type { EffectContext } from './reactor.ts';

/** Whose calls are answered. */
export interface Caller {
  task: Task;
  attempt: string;
  cause: string;
  run: Run | undefined;
  def: StageDefinition | undefined;
}

export interface Callbacks {
  /** `allowed`: the policy has decided this very call already, when the agent asked about it. Never rejects. */
  answer(call: AgentCall, allowed: boolean): Promise<CallAnswer>;
}

/** How long a call may wait for its answer, in milliseconds: MCP clients give up after a minute, some sooner. */
const WAIT_MS = 20_000;
/** Calls of one attempt; each is a decision on the record. */
const MAX_CALLS = 500;
const MAX_SUMMARY = 200;

interface Entry {
  input: string;
  settled: Promise<Settled>;
}

/** Opens the calls of one attempt. */
export function openCallbacks(context: EffectContext, permissions: Permissions, caller: Caller, waitMs = WAIT_MS): Callbacks {
  const { ports } = context;
  const entries = new Map<string, Entry>();
  let made = 0;
  return {
    async answer(call, allowed) {
      const input = ports.hash(JSON.stringify(call.input));
      const key = `${call.tool}:${'id' in call.input ? call.input.id : input.slice(0, 16)}`;
      const known = entries.get(key);
      if (known && known.input !== input)
        return refuseCall('id_taken', 'You used that id for something else. Make a new one, or say the same again to hear how it stands.');
      if (!known && made >= MAX_CALLS)
        return refuseCall('too_many', `An attempt may call ${MAX_CALLS} times at most. Go on without, and say what is left at the end.`);
      if (!known) made += 1;
      const entry = known ?? { input, settled: settle({ context, permissions, caller }, { call, key, input, allowed }) };
      entries.set(key, entry);
      const settled = await waitFor(entry.settled, waitMs);
      if (!settled) return describePending(call);
      // What has no id of its own is another call the next time.
      if (!('id' in call.input)) entries.delete(key);
      return settled.present();
    },
  };
}

/** What it settles with; undefined when that takes longer. */
function waitFor<T>(settled: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    void settled.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}

interface Parts {
  context: EffectContext;
  permissions: Permissions;
  caller: Caller;
}

interface Asked {
  call: AgentCall;
  key: string;
  input: string;
  allowed: boolean;
}

async function settle(parts: Parts, asked: Asked): Promise<Settled> {
  const { context, caller } = parts;
  const { call } = asked;
  try {
    const summary = (await context.ports.mask(summarize(call))).replace(/\s+/g, ' ').slice(0, MAX_SUMMARY);
    const permission: Permission = asked.allowed ? { allowed: true } : await ask(parts, asked, summary);
    const settled =
      permission.allowed || call.tool === 'request_approval' ? await performCall(context, caller, call, permission) : deny(permission);
    const answer = permission.allowed ? ('allowed' as const) : ('denied' as const);
    const told = {
      call: asked.key,
      tool: call.tool,
      kind: 'mcp' as const,
      status: settled.ok ? ('completed' as const) : ('failed' as const),
      answer,
      summary,
    };
    await context.tell({ type: 'attempt/call', attempt: caller.attempt, token: caller.task.token, call: told }, caller.cause);
    return settled;
  } catch (error) {
    const { code, message } = explain(error);
    return { ok: false, present: () => refuseCall(code, message) };
  }
}

function ask({ permissions, caller }: Parts, { call, key, input }: Asked, summary: string): Promise<Permission> {
  const { task, attempt, cause, run } = caller;
  const of = { agent: task.agent ?? '', run: task.run ?? '', stage: task.stage ?? '', task: task.id, repo: run?.repo ?? '' };
  const question = call.tool === 'request_approval' ? call.input.question : undefined;
  const action: Action = {
    kind: 'agent.mcp',
    ...{ summary: question ?? `call ${summary}`, ...of, risk: 'low' },
    ...{ server: MCP_SERVER, tool: call.tool, input },
  };
  const show =
    call.tool === 'request_approval'
      ? { details: call.input.details || call.input.question }
      : { input: JSON.stringify(call.input, null, 2) };
  const asks = question === undefined ? {} : { ask: `${task.agent ?? 'The agent'} asks for a yes.` };
  return permissions.ask({ attempt, task: task.id, token: task.token, cause }, { key, action, show, ...asks });
}

function deny({ reason }: { reason: string }): Settled {
  return { ok: false, present: () => refuseCall('denied', `Denied: ${reason} Do not try the same again; reach the goal in another way.`) };
}

function describePending(call: AgentCall): CallAnswer {
  const id = 'id' in call.input ? { id: call.input.id } : {};
  const text = 'A person has not answered yet. Go on with other work if you can, then make the same call again to hear the answer.';
  return { ok: true, text: `pending: ${text}`, data: { status: 'pending', ...id } };
}

/** What a call is about, in a few words. */
function summarize(call: AgentCall): string {
  switch (call.tool) {
    case 'report_progress':
      return `report_progress: ${call.input.text}`;
    case 'report_metrics':
      return `report_metrics: ${Object.keys(call.input.values).join(', ')}`;
    case 'hand_off':
      return `hand_off: ${[...call.input.artifacts.map(({ name }) => name), ...Object.keys(call.input.context)].join(', ')}`;
    case 'request_approval':
      return `request_approval: ${call.input.question}`;
    case 'submit_task':
      return `submit_task to ${call.input.agent}: ${call.input.prompt}`;
    case 'read_artifact':
      return `read_artifact: ${call.input.name ?? 'the list'}`;
    default:
      return call satisfies never;
  }
}
