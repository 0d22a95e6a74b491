/**
 * An agent that a person runs outside of Signalbox, as a worker: one task of its own, under which all that it says is recorded.
 *
 * 1. It connects when the first tool is called, with a token that may observe, submit and work, and nothing else.
 * 2. Tasks that it submits are runs of their own, on the person's repository, with the worktree and the policy of any other.
 */
import { randomUUID } from 'node:crypto';
import type { Client } from '../../shared/client/client.ts';
import { type Connection, openConnection } from '../../shared/client/connect.ts';
import { type AgentCall, ARTIFACT_PIECE, type CallAnswer } from '../../shared/protocol/agent-tools.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { Assignment } from '../../shared/protocol/views.ts';
import { writePromptWorkflow } from '../../shared/state/prompt-workflow.ts';
import { runEnded } from '../../shared/state/run.ts';
import { type Reach, reachDaemon } from './connect/reach.ts';

type CallOf<T extends AgentCall['tool']> = Extract<AgentCall, { tool: T }>;

export interface OutsideSession {
  /** Never rejects. */
  answer(call: AgentCall): Promise<CallAnswer>;
  end(): Promise<void>;
}

/** Sessions of one name at once. */
const MAX_SAME = 9;
const DAY_MS = 86_400_000;
/** So that what it does not take never stands in the way of its own task. */
const SLOTS = 100;
/** A call may wait for a person a little. */
const CALL_MS = 60_000;

interface Working {
  connection: Connection;
  task: string;
  attempt: string;
  token: number;
}

/** Begins a session; nothing is connected to yet. */
export function openOutsideSession(reach: Reach, who: { name: string; repo: string }): OutsideSession {
  let working: Promise<Working> | undefined;
  const runs = new Set<string>();
  const begin = (): Promise<Working> => {
    working ??= connect(reach, who.name).then((one) => {
      // A daemon that was restarted, or a task that was given up: the next call begins another.
      void one.connection.ended.then(() => (working = undefined));
      return one;
    });
    working.catch(() => (working = undefined));
    return working;
  };
  return {
    async answer(call) {
      try {
        const { connection, task, attempt, token } = await begin();
        const { client } = connection;
        if (call.tool === 'submit_task') return await submitRun(client, call, { id: `${task}-${call.input.id}`, repo: who.repo, runs });
        if (call.tool === 'read_artifact') return await readArtifact(client, call, runs);
        return await client.call('worker/call', { attempt, token, call }, { timeoutMs: CALL_MS });
      } catch (error) {
        const code = error instanceof SignalboxError ? error.code : 'failed';
        const message = error instanceof Error ? error.message : String(error);
        return { ok: false, text: message, data: { status: 'failed', code, message } };
      }
    },
    async end() {
      const one = await working?.catch(() => undefined);
      if (!one) return;
      const { connection, task, attempt, token } = one;
      const report = { task, attempt, token, status: 'succeeded' as const, values: {} };
      await connection.client.call('worker/report', { reports: [report] }).catch(() => undefined);
      connection.close();
    },
  };
}

/** Connects as a worker, and gives itself the task under which it works. */
async function connect(reach: Reach, name: string): Promise<Working> {
  const { connection: person } = await reachDaemon(reach);
  const { endpoint } = person;
  const { token } = await person.client
    .call('token/issue', { name: `mcp:${name}`, scopes: ['observe', 'submit', 'worker'], ttlMs: DAY_MS })
    .finally(() => person.close());
  const connection = await openConnection(endpoint, { name: 'signalbox-mcp', token });
  const { client } = connection;
  const task = randomUUID();
  const assigned = new Promise<Assignment>((resolve) =>
    client.on('worker/assign', ({ assignments }) => {
      for (const one of assignments)
        if (one.task === task) resolve(one);
        else void refuse(client, one);
    }),
  );
  const agent = await attach(client, name);
  await client.call('task/submit', { id: task, agent, action: 'session', timeoutMs: DAY_MS, maxAttempts: 1 });
  const { attempt, token: lease } = await assigned;
  return { connection, task, attempt, token: lease };
}

/** It takes nobody's tasks; one of an earlier session that was cut off is over. */
async function refuse(client: Client, { task, attempt, token }: Assignment): Promise<void> {
  const message = 'A person runs this agent outside of Signalbox; it takes no tasks.';
  const report = { task, attempt, token, status: 'failed' as const, code: 'takes_no_tasks', message };
  await client.call('worker/report', { reports: [report] }).catch(() => undefined);
}

async function attach(client: Client, name: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const id = count === 1 ? name : `${name}-${count}`;
    try {
      await client.call('worker/attach', { id, role: 'An agent that a person runs outside of Signalbox', tags: ['outside'], slots: SLOTS });
      return id;
    } catch (error) {
      if (count >= MAX_SAME || !(error instanceof SignalboxError) || error.code !== 'id_taken') throw error;
    }
  }
}

/** Starts a run of one prompt, once for an id, and says how it stands. */
async function submitRun(
  client: Client,
  { input }: CallOf<'submit_task'>,
  { id, repo, runs }: { id: string; repo: string; runs: Set<string> },
): Promise<CallAnswer> {
  if (!runs.has(id)) {
    const workflow = writePromptWorkflow(input.prompt, { agent: input.agent, timeout: `${input.timeout_seconds ?? 3_600}s` });
    await client.call('run/start', { id, workflow, repo, inputs: { prompt: input.prompt }, again: true });
    runs.add(id);
  }
  const { run, stages, attempts } = await client.call('run/get', { run: id });
  if (!runEnded(run)) {
    const text = `${run.status}: Go on with other work, and make the same call again to hear more. A person sees it with \`signalbox runs show ${id}\`.`;
    return { ok: true, text, data: { run: id, status: run.status } };
  }
  const said = stages.find((stage) => stage.id === 'work')?.values['message'];
  const message = typeof said === 'string' && said !== '' ? said : run.summary;
  const branch = attempts.findLast(({ commits }) => commits.length > 0)?.workspace?.branch;
  const where = branch === undefined ? '' : ` What it changed is on the branch ${branch}.`;
  const data = { run: id, status: run.status, message, ...(branch === undefined ? {} : { branch }) };
  return { ok: run.status === 'success', text: `${run.status}: ${message}${where}`, data };
}

/** Artifacts of the runs that this session started. */
async function readArtifact(client: Client, { input }: CallOf<'read_artifact'>, runs: ReadonlySet<string>): Promise<CallAnswer> {
  const details = await Promise.all([...runs].map((run) => client.call('run/get', { run })));
  const artifacts = details.flatMap(({ artifacts: made }) => made);
  const list = artifacts.map(({ name, size }) => ({ name, size }));
  const names = list.map(({ name }) => name).join(', ') || 'none';
  if (input.name === undefined) return { ok: true, text: `Artifacts of the runs that you started: ${names}.`, data: { artifacts: list } };
  const found = artifacts.findLast(({ name }) => name === input.name);
  if (!found)
    return { ok: false, text: `There is no artifact ${input.name}. There are: ${names}.`, data: { status: 'failed', code: 'not_found' } };
  const { text: whole } = await client.call('artifact/read', { digest: found.digest });
  const text = whole.slice(input.offset, input.offset + ARTIFACT_PIECE);
  const next = input.offset + text.length;
  return { ok: true, text, data: { name: found.name, characters: whole.length, ...(next < whole.length ? { next } : {}) } };
}
