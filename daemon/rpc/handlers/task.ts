import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { MAX_FIELD_BYTES } from '../../../shared/events/envelope.ts';
import type { Connection, Handlers } from '../connection.ts';
import { isDeadLetter } from '../../../shared/state/task.ts';
import { listTasks } from './archived.ts';
import { returnTo } from './steer.ts';
import { found, originOf, submitOrThrow, type Core } from './core.ts';

type TaskHandlers = Pick<
  Handlers,
  'task/requeue' | 'task/submit' | 'task/list' | 'task/get' | 'task/cancel' | 'worker/attach' | 'worker/call' | 'worker/report'
>;

/** Throws SignalboxError when a value is too large to stand in a record. */
function refuseLarge(value: unknown, what: string): void {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (bytes <= MAX_FIELD_BYTES) return;
  throw new SignalboxError({
    code: 'commit_too_large',
    message: `${what} is ${bytes} bytes; ${MAX_FIELD_BYTES} is the most.`,
    facts: { bytes, limit: MAX_FIELD_BYTES },
  });
}

export function taskHandlers(core: Core): TaskHandlers {
  const { state } = core;
  return {
    async 'task/submit'({ id, agent, timeoutMs = 0, critical, ...rest }, connection) {
      refuseLarge(rest.payload, 'The payload');
      const about = { ...rest, timeoutMs, ...(critical ? {} : { critical }) };
      const command = { type: 'task/submit', task: id, wants: agent, artifacts: {}, ...about } as const;
      const { existing } = await submitOrThrow(core, command, connection).catch(recordRefusal(core, connection, id));
      return { task: id, existing };
    },
    'task/list': ({ run, active, dead, limit, cursor }) => listTasks(core, { run, active, dead, limit, cursor }),
    'task/get': async ({ task }) => ({ task: found(state.tasks.get(task) ?? (await core.archive.readTask(task))?.task, `task ${task}`) }),
    'task/requeue': ({ task }, connection) => requeueTask(core, task, connection),
    async 'task/cancel'({ task, reason }, connection) {
      await submitOrThrow(core, { type: 'task/cancel', task, reason }, connection);
      return { task };
    },
    ...workerHandlers(core),
  };
}

/** What workers say about the attempts that they do. */
function workerHandlers(core: Core): Pick<Handlers, 'worker/attach' | 'worker/call' | 'worker/report'> {
  const { state } = core;
  return {
    async 'worker/attach'({ id, region, ...about }, connection) {
      if (!core.workers.attach(id, connection)) {
        throw new SignalboxError({ code: 'id_taken', message: `Another worker works for ${id} already.`, facts: { agent: id } });
      }
      const leave = async () => {
        if (!core.workers.detach(id, connection)) return;
        const reason = 'The connection of its worker ended.';
        await core.submit({ type: 'agent/leave', agent: id, reason }, originOf(connection));
        await endAttempts(core, id, reason);
      };
      connection.onClose(() => void leave());
      await submitOrThrow(
        core,
        { type: 'agent/register', agent: id, adapter: 'remote', ...about, ...(region === undefined ? {} : { region }) },
        connection,
      );
      return { agent: id };
    },
    async 'worker/call'({ attempt, token, call }, connection) {
      if (!core.workers.isAttached(state.attempts.get(attempt)?.agent ?? '', connection))
        throw new SignalboxError({ code: 'stale_lease', message: 'This connection does not work for that agent.', facts: { attempt } });
      return core.callFrom(attempt, token, call);
    },
    async 'worker/report'({ reports }, connection) {
      const origin = originOf(connection);
      const results = await Promise.all(
        reports.map(async ({ attempt, token, status, code, message, values, usage }) => {
          refuseLarge(values, 'The values of a report');
          const agent = state.attempts.get(attempt)?.agent ?? '';
          if (!core.workers.isAttached(agent, connection))
            return { attempt, code: 'stale_lease', message: 'This connection does not work for that agent.' };
          const why = { ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) };
          const used = usage === undefined ? {} : { usage: { ...usage, source: 'worker' } };
          const result = await core.submit({ type: 'attempt/end', attempt, token, ending: { status, values, ...why, ...used } }, origin);
          return result.ok ? undefined : { attempt, code: result.refusal.code, message: result.refusal.message };
        }),
      );
      const refused = results.filter((r) => r !== undefined);
      return { accepted: results.length - refused.length, refused };
    },
  };
}

/** What the policy forbids leaves no task behind, but a trace. */
function recordRefusal(core: Core, connection: Connection, task: string): (error: unknown) => Promise<never> {
  return async (error) => {
    if (error instanceof SignalboxError && error.code === 'policy_denied') {
      const what = `submit the task ${task}: ${error.message}`.slice(0, 1_000);
      await core.submit({ type: 'principal/refuse', name: connection.principal.name, code: error.code, what }, originOf(connection));
    }
    throw error;
  };
}

/** A worker that is gone answers for nothing any more: its attempts are interrupted, and their tasks wait again. */
async function endAttempts({ state, submit }: Core, agent: string, message: string): Promise<void> {
  const mine = [...state.active].flatMap((id) => state.attempts.get(id) ?? []).filter((a) => a.agent === agent);
  const ending = { status: 'interrupted', code: 'worker_gone', message, values: {} } as const;
  await Promise.all(
    mine.map(({ id, token }) =>
      submit({ type: 'attempt/end', attempt: id, token, ending }, { principal: 'daemon', cause: `agent/${agent}` }),
    ),
  );
}

/** Takes a dead letter up again: by itself, or by doing its stage again. */
async function requeueTask(core: Core, id: string, connection: Connection): Promise<{ task: string; run?: string; stages?: string[] }> {
  const { state } = core;
  const task = found(state.tasks.get(id), `task ${id} in memory; submit it anew`);
  const { run, stage = '' } = task;
  if (run === undefined) {
    await submitOrThrow(core, { type: 'task/revive', task: id, by: connection.principal.name }, connection);
    return { task: id };
  }
  if (!isDeadLetter(task, state.runs.get(run), state.stages.get(run)?.get(stage)))
    throw new SignalboxError({
      code: 'invalid_transition',
      message: `The task is no dead letter (${task.status}). \`signalbox retry ${run} ${stage}\` does its stage again.`,
      facts: { task: id, status: task.status },
    });
  return { task: id, run, stages: await returnTo(core, { run, stage, feedback: task.message ?? '' }, connection) };
}
