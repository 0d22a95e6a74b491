import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { CloudEvent } from '../../../shared/protocol/views.ts';
import { finishRun, makePlantedRepo } from '../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { removeTempFolders } from '../../support/repos.ts';

/** What the rows share: the same values in both rounds, as a client has them that asks again. */
interface Scene {
  worker: Connected;
  repo: string;
  trusted: string;
  revoked: string;
  digests: Map<string, string>;
  reports: { task: string; attempt: string; token: number; status: 'succeeded' }[];
  approvals: string[];
}

interface Row {
  /** The method that is called twice. */
  name: string;
  /** Makes the call; what it needs beforehand is made in the first round only. */
  call(client: Connected, scene: Scene, first: boolean): Promise<unknown>;
  /** Code of the refusal that the second call may get; it must change nothing either way. */
  refusal?: string;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 25));
}

const ROWS: readonly Row[] = [
  {
    name: 'task/submit',
    async call(client) {
      await client.call('task/submit', { id: 'done', agent: 'command', action: 'run', payload: { argv: ['true'] } });
      await until(async () => (await client.call('task/get', { task: 'done' })).task.status === 'completed');
    },
  },
  {
    name: 'run/start',
    async call(client, { repo }) {
      await client.call('run/start', { id: 'merged', workflow: { name: 'checkup' }, repo, into: 'main' });
    },
  },
  {
    name: 'approval/answer',
    async call(client, scene, first) {
      if (first) scene.approvals = (await finishRun(client, 'merged')).approvals.map((a) => a.id);
      for (const approval of scene.approvals)
        assert.equal((await client.call('approval/answer', { approval, answer: 'grant' })).approval.status, 'used');
    },
  },
  { name: 'run/undo', refusal: 'nothing_to_undo', call: (client) => client.call('run/undo', { run: 'merged' }) },
  {
    name: 'run/cancel',
    refusal: 'run_ended',
    async call(client, { repo }, first) {
      if (first) await client.call('run/start', { id: 'canceled', workflow: { name: 'checkup' }, repo, into: 'main' });
      await client.call('run/cancel', { run: 'canceled' });
      await until(async () => (await client.call('run/get', { run: 'canceled' })).run.status === 'canceled');
    },
  },
  {
    name: 'trust/grant',
    async call(client, { trusted, digests }) {
      const digest = digests.get(trusted) ?? (await client.call('trust/show', { repo: trusted })).digest;
      digests.set(trusted, digest);
      await client.call('trust/grant', { repo: trusted, digest });
    },
  },
  {
    name: 'trust/revoke',
    async call(client, { revoked }, first) {
      const { digest } = await client.call('trust/show', { repo: revoked });
      if (first) await client.call('trust/grant', { repo: revoked, digest });
      await client.call('trust/revoke', { repo: revoked });
    },
  },
  {
    name: 'task/cancel',
    async call(client, scene, first) {
      const assigned = new Promise<Scene['reports']>((resolve) =>
        scene.worker.on('worker/assign', ({ assignments }) =>
          resolve(assignments.map(({ task, attempt, token }) => ({ task, attempt, token, status: 'succeeded' }))),
        ),
      );
      await scene.worker.call('worker/attach', { id: 'far' });
      // The only slot is taken, so that the other task waits.
      await client.call('task/submit', { id: 'reported', agent: 'far', action: 'do' });
      if (first) scene.reports = await assigned;
      await client.call('task/submit', { id: 'waiting', agent: 'far', action: 'do' });
      await client.call('task/cancel', { task: 'waiting' });
      assert.equal((await client.call('task/get', { task: 'waiting' })).task.status, 'canceled');
    },
  },
  {
    name: 'worker/report',
    async call(_client, { worker, reports }, first) {
      const { accepted, refused } = await worker.call('worker/report', { reports });
      assert.deepEqual([accepted, refused.map((r) => r.code)], first ? [1, []] : [0, ['stale_lease']]);
    },
  },
];

/** What is recorded about anything but the daemon itself and its agents, which say hello at each start. */
async function readRecord(client: Connected): Promise<string[]> {
  const events: CloudEvent[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await client.call('events/read', { limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    events.push(...page.events);
    cursor = page.cursor;
    if (!page.more)
      return events.filter((e) => !/\.(agent|daemon|principal)\./.test(e.type)).map((e) => `${e.id} ${e.type} ${JSON.stringify(e.data)}`);
  }
}

function makeConfigured(): string {
  const repo = makePlantedRepo();
  mkdirSync(join(repo, '.signalbox/workflows'), { recursive: true });
  writeFileSync(
    join(repo, '.signalbox/workflows/w.yaml'),
    'workflow: w\nversion: 1\nstages:\n  - id: one\n    agent: far\n    action: do\n',
  );
  return repo;
}

describe('a call that is made twice, with a kill -9 and a restart between', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let scene: Scene;
  let recorded: string[];

  const connectWorker = async (): Promise<Connected> => {
    const { token } = await client.call('token/issue', { name: 'worker', scopes: ['worker'] });
    return daemon.connect(token);
  };

  before(async () => {
    home = await makeHome();
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    scene = {
      worker: await connectWorker(),
      repo: makePlantedRepo(),
      trusted: makeConfigured(),
      revoked: makeConfigured(),
      digests: new Map(),
      reports: [],
      approvals: [],
    };
    for (const row of ROWS) await row.call(client, scene, true);
    await until(async () => (await client.call('daemon/status', {})).tasks.running === 0);
    recorded = await readRecord(client);
    await daemon.end('SIGKILL');
    daemon = await startDaemon({ home });
    client = await daemon.connect();
    scene.worker = await connectWorker();
  });
  after(async () => {
    await daemon.end('SIGKILL');
    await removeHome(home);
    removeTempFolders();
  });

  for (const row of ROWS) {
    it(`${row.name} records nothing the second time`, async () => {
      const code = await row.call(client, scene, false).then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof SignalboxError) return error.code;
          throw error;
        },
      );
      assert.ok(code === undefined || code === row.refusal, String(code));
      assert.deepEqual(await readRecord(client), recorded);
    });
  }
});
