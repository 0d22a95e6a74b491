// Those who use the daemon while it is tortured. Each notes in the ledger what it was answered, and only that.
import assert from 'node:assert/strict';
import type { Connected } from '../../daemon/rpc/connect.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { Assignment } from '../../shared/protocol/views.ts';
import type { Ledger } from './ledger.ts';
import type { MergeLedger } from './merges.ts';
import type { Random } from './random.ts';

export type Client = Connected;

/** What outlives the daemon. */
export interface World {
  readonly random: Random;
  readonly ledger: Ledger;
  readonly merges: MergeLedger;
  /** Every task that was ever asked for, answered or not. */
  readonly tasks: string[];
  readonly runs: string[];
  readonly repo: string;
  /** What went wrong where nobody waits. */
  readonly problems: unknown[];
  /** From now on the worker only does its work. */
  calm: boolean;
  /** The settings of the daemon. */
  readonly env: Readonly<Record<string, string>>;
}

/** The stage that merges, and the branch that it merges into. */
const MERGING = 'c';
export const BRANCH = 'main';
const IN_FLIGHT = 8;
/** Tasks that one client submits before it waits for the end: what is left over has to be done once nobody kills any more. */
const MOST = 60;
const WORKFLOW = {
  file: 'torture.yaml',
  text: [
    'workflow: torture',
    'version: 1',
    'stages:',
    '  - { id: a, agent: command, command: ["mktemp", "made-XXXXXXXXXX"] }',
    '  - { id: b, agent: command, command: ["true"], needs: [a] }',
    `  - { id: ${MERGING}, needs: [b], merge: { from: a } }`,
    '',
  ].join('\n'),
};
/** One of so many runs leaves what it made on its branch; the others merge it. */
const LEFT = 3;

/** The answer, or undefined when the connection ended first; every refusal that is not expected is thrown. */
async function answerOf<T>(call: Promise<T>, ...expected: string[]): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof SignalboxError && ['disconnected', ...expected].includes(error.code)) return undefined;
    // A call that waits when the connection ends is rejected with this sentence.
    if (error instanceof SignalboxError && error.message.startsWith('The connection to the daemon ended')) return undefined;
    throw error;
  }
}

/** Submits tasks, asks again for old ones, and cancels some. */
export async function produce(client: Client, world: World, alive: () => boolean): Promise<void> {
  let left = MOST;
  const one = async (): Promise<void> => {
    while (alive() && left-- > 0) await submitOne(client, world);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
}

async function submitOne(client: Client, { random, ledger, tasks }: World): Promise<void> {
  const again = tasks.length > 0 && random.chance(0.2);
  const id = again ? random.pick(tasks) : `task-${tasks.length}`;
  if (!again) tasks.push(id);
  const known = ledger.wasAnswered('task submitted', id);
  const answer = await answerOf(
    client.call('task/submit', { id, agent: 'worker', action: 'work', payload: { id }, timeoutMs: 2_000, maxAttempts: 100 }),
  );
  if (!answer) return;
  if (known) assert.equal(answer.existing, true, `${id} was taken twice`);
  ledger.answered('task submitted', id);
  if (random.chance(0.05) && (await answerOf(client.call('task/cancel', { task: id, reason: 'torture' }), 'invalid_transition')))
    ledger.answered('task cancel', id);
}

/** A remote worker: does what it is given, fails some, reports some twice, and never answers for a few. */
export async function work(client: Client, world: World): Promise<void> {
  const { random, ledger, problems } = world;
  const report = async ({ task, attempt, token }: Assignment): Promise<void> => {
    if (!world.calm && random.chance(0.01)) return;
    const status = world.calm || random.chance(0.9) ? 'succeeded' : 'failed';
    const said = { reports: [{ task, attempt, token, status, values: { task } }] } as const;
    const times = random.chance(0.05) ? 2 : 1;
    const answers = await Promise.all(
      Array.from({ length: times }, () => answerOf(client.call('worker/report', { reports: [...said.reports] }))),
    );
    const refused = answers[0]?.refused ?? [];
    if (answers[0] && refused.length === 0) ledger.answered(status === 'succeeded' ? 'attempt succeeded' : 'attempt failed', attempt);
    for (const { code } of refused) assert.equal(code, 'stale_lease');
  };
  client.on('worker/assign', ({ assignments }) => {
    for (const assignment of assignments)
      setTimeout(() => void report(assignment).catch((error: unknown) => problems.push(error)), random.below(15));
  });
  await answerOf(client.call('worker/attach', { id: 'worker', slots: 32 }), 'id_taken');
}

/** Starts a small workflow now and then. */
export async function startRuns(client: Client, world: World, alive: () => boolean): Promise<void> {
  const { random, ledger, runs, repo } = world;
  while (alive()) {
    const again = runs.length > 0 && random.chance(0.3);
    const id = again ? random.pick(runs) : `run-${runs.length}`;
    if (!again) runs.push(id);
    const into = Number(id.slice('run-'.length)) % LEFT !== LEFT - 1 ? { into: BRANCH } : {};
    if (await answerOf(client.call('run/start', { id, workflow: WORKFLOW, repo, again: true, ...into })))
      ledger.answered('run submitted', id);
    await new Promise((resolve) => setTimeout(resolve, 20 + random.below(150)));
  }
}

/** A person who answers every question, some with no. */
export async function approveRuns(client: Client, { random, ledger, problems }: World, onMerge: () => void): Promise<void> {
  const answerQuestion = (approval: string): void => void answerIt(approval).catch((error: unknown) => problems.push(error));
  const answerIt = async (approval: string): Promise<void> => {
    const answer = random.chance(0.85) ? 'grant' : 'deny';
    const done = await answerOf(client.call('approval/answer', { approval, answer, reason: 'torture' }), 'approval_settled', 'not_found');
    if (done) ledger.answered(answer === 'grant' ? 'approval granted' : 'approval denied', approval);
  };
  client.on('events/recorded', ({ commits }) => {
    for (const event of commits.flatMap((commit) => commit.events))
      if (event.type === 'approval.requested') answerQuestion(event.data.approval);
      // The grant of a merge is used by the commit that begins it.
      else if (event.type === 'approval.used' && event.stage === MERGING) onMerge();
  });
  if (!(await answerOf(client.call('events/subscribe', { scope: { kind: 'summary' } })))) return;
  const open = await answerOf(client.call('approval/list', { limit: 1_000 }));
  for (const { id } of open?.approvals ?? []) answerQuestion(id);
}
