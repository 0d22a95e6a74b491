// What each tool does with which an agent calls back, once it may.
import { type AgentCall, ARTIFACT_PIECE, type CallAnswer } from '../../shared/protocol/agent-tools.ts';
import type { Agent } from '../../shared/state/agent.ts';
import { taskEnded, type Task } from '../../shared/state/task.ts';
import type { Permission } from '../agents/agent.ts';
import { findContext } from '../workflow/submit.ts';
import type { Caller } from './callbacks.ts';
import type { EffectContext } from './reactor.ts';

/** A call that is done, or cannot be; what is answered may change as time goes on. */
export interface Settled {
  ok: boolean;
  present(): CallAnswer;
}

type CallOf<T extends AgentCall['tool']> = Extract<AgentCall, { tool: T }>;

/** An answer that says what to do otherwise. */
export function refuseCall(code: string, message: string): CallAnswer {
  return { ok: false, text: message, data: { status: 'failed', code, message } };
}

/** Does what a call asks for. */
export async function performCall(context: EffectContext, caller: Caller, call: AgentCall, permission: Permission): Promise<Settled> {
  switch (call.tool) {
    case 'report_progress':
      return reportProgress(context, caller, call);
    case 'report_metrics': {
      const problem = await report(context, caller, call.input.values);
      const names = Object.keys(call.input.values);
      return problem ?? done(`Recorded ${names.join(', ') || 'nothing'}.`, { recorded: names });
    }
    case 'hand_off':
      return handOff(context, caller, call);
    case 'request_approval':
      return permission.allowed
        ? done('granted: A person said yes. It holds for this once.', { status: 'granted' })
        : done(`denied: ${permission.reason} Do not do it.`, { status: 'denied', reason: permission.reason });
    case 'submit_task':
      return submitChild(context, caller, call);
    case 'read_artifact':
      return readArtifact(context, caller, call);
    default:
      return call satisfies never;
  }
}

function done(text: string, data: Record<string, unknown>): Settled {
  return { ok: true, present: () => ({ ok: true, text, data }) };
}

function fail(code: string, message: string): Settled {
  return { ok: false, present: () => refuseCall(code, message) };
}

function reportProgress({ ports }: EffectContext, { task, attempt }: Caller, { input }: CallOf<'report_progress'>): Settled {
  const { text, percent } = input;
  const of = { attempt, run: task.run ?? '', stage: task.stage ?? '', at: new Date().toISOString() };
  ports.progress({ ...of, activity: 'executing', text, ...(percent === undefined ? {} : { fraction: percent / 100 }) });
  return done('Told.', { told: true });
}

/** Records values of the attempt; what went wrong, or nothing. */
async function report(
  { tell }: EffectContext,
  { task, attempt, cause }: Caller,
  values: Record<string, unknown>,
): Promise<Settled | undefined> {
  const result = await tell({ type: 'attempt/report', attempt, token: task.token, values }, cause);
  return result.ok ? undefined : fail(result.refusal.code, result.refusal.message);
}

/** Records outputs and context of the caller's stage, and says what the handoffs that begin there still lack. */
async function handOff(context: EffectContext, caller: Caller, { input }: CallOf<'hand_off'>): Promise<Settled> {
  const { ports, tell } = context;
  const { task, attempt, cause, run, def } = caller;
  if (!run || !def || task.part !== undefined)
    return fail('no_handoff', 'Your task is no stage of a workflow, so nobody takes a handoff. Your last message is its result.');
  const stranger = input.artifacts.find(({ name }) => !def.outputs.includes(name));
  if (stranger) {
    const known = def.outputs.length === 0 ? 'It has none.' : `Its outputs: ${def.outputs.join(', ')}.`;
    return fail('output_unknown', `${stranger.name} is no output of the stage ${def.id}. ${known}`);
  }
  const broken = input.artifacts.flatMap(({ name, content }) => describeBroken(name, content) ?? [])[0];
  if (broken !== undefined) return fail('output_unreadable', broken);
  const problem = await report(context, caller, input.context);
  if (problem) return problem;
  for (const { name, content } of input.artifacts) {
    const { digest, size } = await ports.artifacts.putText(content);
    const of = { run: run.id, stage: def.id, task: task.id, attempt };
    await tell({ type: 'artifact/record', ...of, name, digest, size, mediaType: mediaTypeOf(name) }, cause);
  }
  const missing = listMissing(context, caller);
  const rest = missing.length === 0 ? 'Nothing is missing.' : `Still missing: ${missing.join(', ')}.`;
  return done(`Handed over. ${rest}`, { missing });
}

function describeBroken(name: string, content: string): string | undefined {
  if (name.endsWith('/')) return `${name} is a folder. Leave it in your worktree under that name.`;
  if (!/\.json$|\[\]$/.test(name)) return undefined;
  try {
    const value: unknown = JSON.parse(content);
    return name.endsWith('[]') && !Array.isArray(value) ? `${name} is to be a JSON list.` : undefined;
  } catch {
    return `${name} is to be JSON, and what you gave is none.`;
  }
}

function mediaTypeOf(name: string): string {
  if (/\.json$|\[\]$/.test(name)) return 'application/json';
  return name.endsWith('.md') ? 'text/markdown' : 'text/plain';
}

/** What is required of the stage and not there yet; files that lie in the worktree are found when the attempt ends. */
function listMissing({ state, ports }: EffectContext, { run, def, attempt }: Caller): string[] {
  if (!run || !def) return [];
  const made = state.artifacts.get(run.id);
  const reported = state.attempts.get(attempt)?.reported ?? {};
  const handoffs = (ports.definitionOf(run.workflow.digest)?.stages ?? [])
    .flatMap((stage) => stage.handoffs ?? [])
    .filter(({ from }) => from.includes(def.id));
  const wanted = new Set([...def.outputs, ...handoffs.flatMap(({ artifacts }) => artifacts.map(({ name }) => name))]);
  const artifacts = [...wanted].filter((name) => {
    const known = made?.get(name);
    const value = Object.hasOwn(reported, name);
    return !value && (known === undefined || known.stale === true) && def.outputs.includes(name);
  });
  const values = handoffs
    .flatMap(({ context }) => context.map(({ name }) => name))
    .filter((name) => !Object.hasOwn(reported, name) && findContext(state, run, name) === undefined);
  return [...new Set([...artifacts, ...values])];
}

/** Makes a task that is a part of the caller's own. */
async function submitChild(context: EffectContext, caller: Caller, { input }: CallOf<'submit_task'>): Promise<Settled> {
  const { state, tell } = context;
  const { task, cause, run } = caller;
  if (!run || task.stage === undefined) return fail('no_run', 'Your task belongs to no run, so it can have no parts. Do it yourself.');
  const agents = [...state.agents.values()].filter(takesPrompts);
  if (!agents.some(({ id }) => id === input.agent)) {
    const known =
      agents
        .map(({ id }) => id)
        .sort()
        .join(', ') || 'none';
    return fail('agent_unknown', `No agent ${input.agent} takes prompts here. Those that do: ${known}.`);
  }
  const id = `${task.id}.sub-${input.id}`;
  const command = {
    ...({ type: 'task/submit', task: id, run: run.id, stage: task.stage, wants: input.agent, action: 'prompt' } as const),
    ...{ priority: task.priority, timeoutMs: (input.timeout_seconds ?? 0) * 1_000, maxAttempts: 1 },
    ...{ payload: { prompt: input.prompt }, artifacts: {}, part: 'child' as const, parent: task.id },
  };
  const result = await tell(command, cause, `agent:${task.agent ?? ''}`);
  if (!result.ok) return fail(result.refusal.code, result.refusal.message);
  return { ok: true, present: () => describeChild(context, id) };
}

function takesPrompts({ capabilities, status }: Agent): boolean {
  return status !== 'offline' && status !== 'failed' && capabilities.includes('prompt');
}

/** Name of the artifact with what a task of a task changed. */
export function diffNameOf(task: Pick<Task, 'id'>): string {
  return `${task.id}.diff`;
}

function describeChild({ state }: EffectContext, id: string): CallAnswer {
  const task = state.tasks.get(id);
  if (!task) return refuseCall('not_found', `There is no task ${id} any more.`);
  const { status, values, message = '', waitsFor } = task;
  if (!taskEnded(task)) {
    const why = waitsFor === undefined ? '' : `, waiting for ${waitsFor}`;
    return {
      ok: true,
      text: `${status}${why}: Go on with other work, and make the same call again to hear more.`,
      data: { task: id, status },
    };
  }
  const said = typeof values['message'] === 'string' ? values['message'] : message;
  const diff = state.artifacts.get(task.run ?? '')?.get(diffNameOf(task));
  const changed = diff ? { artifact: diffNameOf(task) } : {};
  const where = diff ? ` What it changed is the artifact ${diffNameOf(task)}.` : '';
  return {
    ok: status === 'completed',
    text: `${status}: ${said || 'It said nothing.'}${where}`,
    data: { task: id, status, message: said, ...changed },
  };
}

async function readArtifact({ state, ports }: EffectContext, { run }: Caller, { input }: CallOf<'read_artifact'>): Promise<Settled> {
  if (!run) return fail('no_run', 'Your task belongs to no run, so there are no artifacts.');
  const artifacts = state.artifacts.get(run.id);
  const list = [...(artifacts ?? [])].slice(-200).map(([name, { size, mediaType, stage }]) => ({ name, size, mediaType, stage }));
  if (input.name === undefined) {
    const lines = list.map(({ name, size }) => `${name} (${size} bytes)`);
    return done(lines.join('\n') || 'This run has no artifacts yet.', { artifacts: list });
  }
  const artifact = artifacts?.get(input.name);
  if (!artifact)
    return fail('not_found', `There is no artifact ${input.name}. There are: ${list.map(({ name }) => name).join(', ') || 'none'}.`);
  const text = await ports.artifacts.readText(artifact.digest);
  const piece = text.slice(input.offset, input.offset + ARTIFACT_PIECE);
  const next = input.offset + piece.length;
  const more = next < text.length ? { next } : {};
  const note = next < text.length ? `\n[${text.length - next} more characters; read on with offset ${next}]` : '';
  return done(`${piece}${note}`, { name: input.name, characters: text.length, offset: input.offset, ...more });
}
