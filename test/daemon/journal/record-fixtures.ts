/**
 * Records the fixtures of test/fixtures/journals: `npm run record:journals v2`. For a NEW version only; what is
 * recorded once is never changed. The real daemon does the work, below a fixed folder, so that no path of a machine gets in.
 */
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { finishRun, PLANTED } from '../../support/checkup.ts';
import { type DaemonProcess, startDaemon } from '../../support/daemon.ts';
import { commitFiles, type Files, git } from '../../support/repos.ts';
import { replayFixture } from './replay-fixture.ts';

const BASE = '/tmp/signalbox-fixture';
const FIXTURES = fileURLToPath(new URL('../../fixtures/journals/', import.meta.url));
const pause = (ms = 25): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Stage {
  home: string;
  start(): Promise<{ daemon: DaemonProcess; client: Connected }>;
  makeRepo(files?: Files): Promise<string>;
}

async function checkup({ start, makeRepo }: Stage): Promise<void> {
  const { daemon, client } = await start();
  const repo = await makeRepo(PLANTED);
  await client.call('run/start', { id: 'the-run', workflow: { name: 'checkup' }, repo, into: 'main' });
  await finishRun(client, 'the-run');
  await client.call('run/undo', { run: 'the-run' });
  await daemon.end();
}

async function deniedMerge({ start, makeRepo }: Stage): Promise<void> {
  const { daemon, client } = await start();
  const repo = await makeRepo(PLANTED);
  await client.call('run/start', { id: 'the-run', workflow: { name: 'checkup' }, repo, into: 'main' });
  await finishRun(client, 'the-run', {
    answer: ({ kind, key }) => (kind === 'workspace.merge' || key === 'untrack-logs' ? 'deny' : 'grant'),
  });
  await daemon.end();
}

async function cancelledRun({ start, makeRepo }: Stage): Promise<void> {
  const { daemon, client } = await start();
  const repo = await makeRepo();
  const text =
    'workflow: waits\nversion: 1\nstages:\n  - { id: wait, agent: command, command: [sleep, "30"] }\n  - { id: behind, agent: command, command: ["true"], needs: [wait] }\n';
  for (const [id, until] of [
    ['asked', 'pending'],
    ['running', 'running'],
  ] as const) {
    await client.call('run/start', { id, workflow: { file: 'waits.yaml', text }, repo, again: true });
    for (;;) {
      const { approvals, attempts } = await client.call('run/get', { run: id });
      if (until === 'pending' ? approvals.some((one) => one.status === 'pending') : attempts.some((one) => one.status === 'running')) break;
      if (until === 'running')
        for (const { id: approval, status } of approvals)
          if (status === 'pending') await client.call('approval/answer', { approval, answer: 'grant' });
      await pause();
    }
    await client.call('run/cancel', { run: id, reason: 'no longer needed' });
    await finishRun(client, id);
  }
  await daemon.end();
}

/** Tasks that are done, that fail, that are canceled, and one whose daemon and worker are killed while it is under way. */
async function remoteTasks({ start }: Stage): Promise<void> {
  let killed = false;
  for (;;) {
    const { daemon, client } = await start();
    const { token } = await client.call('token/issue', { name: 'worker', scopes: ['worker'] });
    const worker = await daemon.connect(token);
    worker.on('worker/assign', ({ assignments }) => {
      for (const { task, attempt, token: lease } of assignments) {
        if (task === 'slow' && !killed) continue;
        const failed = { status: 'failed' as const, code: 'broken', message: 'It cannot be done.' };
        const report = { task, attempt, token: lease, values: { n: 1 }, ...(task === 'fails' ? failed : { status: 'succeeded' as const }) };
        void worker.call('worker/report', { reports: [report] }).catch(() => undefined);
      }
    });
    await worker.call('worker/attach', { id: 'remote', slots: 2, capabilities: ['work'], tags: ['test'] });
    const submit = (id: string, more = {}) =>
      client.call('task/submit', { id, agent: 'remote', action: 'work', payload: { id, text: 'é "\n' }, ...more });
    if (!killed) {
      for (const id of ['slow', 'one', 'two', 'fails']) await submit(id, id === 'fails' ? { maxAttempts: 2 } : { priority: 1 });
      await pause(300);
      await daemon.end('SIGKILL');
      killed = true;
      continue;
    }
    await submit('three');
    const ended = async () => (await client.call('task/list', { active: true })).tasks.length === 0;
    while (!(await ended())) await pause();
    worker.close();
    await pause(200);
    await submit('canceled');
    await client.call('task/cancel', { task: 'canceled', reason: 'nobody works for it' });
    await daemon.end();
    return;
  }
}

const SCENARIOS = { checkup, 'denied-merge': deniedMerge, 'cancelled-run': cancelledRun, 'remote-tasks': remoteTasks };

async function record(version: string, name: string, scenario: (stage: Stage) => Promise<void>): Promise<void> {
  const base = join(BASE, name);
  await rm(base, { recursive: true, force: true });
  const home = join(base, 'home');
  await mkdir(home, { recursive: true, mode: 0o700 });
  await scenario({
    home,
    async start() {
      const daemon = await startDaemon({ home, env: { SIGNALBOX_DRAIN_TIMEOUT: '1' } });
      return { daemon, client: await daemon.connect() };
    },
    async makeRepo(files = { 'README.md': 'hello\n' }) {
      const repo = join(base, 'repo');
      await mkdir(repo);
      git(repo, 'init', '--quiet');
      commitFiles(repo, files, 'first');
      return repo;
    },
  });
  const to = join(FIXTURES, version, name);
  await mkdir(join(to, 'journal'), { recursive: true });
  for (const file of await readdir(join(home, 'journal')))
    if (file.endsWith('.ndjson')) await copyFile(join(home, 'journal', file), join(to, 'journal', file));
  const replayed = await replayFixture(to);
  await writeFile(join(to, 'expected.json'), `${JSON.stringify(replayed, undefined, 2)}\n`);
  process.stdout.write(`${name}: ${replayed.head.seq} commits\n`);
  await rm(base, { recursive: true, force: true });
}

const [version = ''] = process.argv.slice(2);
if (!/^v\d+$/.test(version)) throw new Error('Name the version, for instance v2.');
if ((await readdir(FIXTURES).catch(() => [] as string[])).includes(version))
  throw new Error(`${version} is recorded already; it is never changed.`);
for (const [name, scenario] of Object.entries(SCENARIOS)) await record(version, name, scenario);
