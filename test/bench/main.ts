/**
 * What the daemon does in a second: producer, daemon and worker as three processes, over the WebSocket, on a real disk.
 * Beside it the bare disk: the same bytes appended and synced in the same batches, so that the ratio means something on any machine.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectTo } from '../../daemon/rpc/connect.ts';
import { readEndpoint } from '../../daemon/rpc/endpoint.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TASKS = Number(process.env['BENCH_TASKS'] ?? 20_000);
const IN_FLIGHT = 100;

interface Measured {
  tasks: number;
  ms: number;
  perSecond: number;
  ackP50: number;
  ackP99: number;
  endP50: number;
  endP99: number;
}

async function startDaemon(home: string): Promise<ChildProcess> {
  const daemon = spawn(process.execPath, [join(root, 'dist/daemon.cjs')], { env: { ...process.env, SIGNALBOX_HOME: home }, stdio: ['ignore', 'ignore', 'pipe'] });
  await waitFor(daemon.stderr, 'daemon.ready');
  return daemon;
}

function waitFor(stream: NodeJS.ReadableStream | null, text: string): Promise<void> {
  return new Promise((resolve) => stream?.on('data', (data: Buffer) => data.toString().includes(text) && resolve()));
}

function startScript(name: string, args: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', join(root, 'test/bench', name), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
}

async function measureTasks(home: string): Promise<Measured> {
  const found = await readEndpoint(home);
  if (found.kind !== 'running') throw new Error('The daemon is not there.');
  const client = await connectTo(found.endpoint, { name: 'bench', version: '0' });
  const { token } = await client.call('token/issue', { name: 'bench', scopes: ['worker'] });
  const port = String(found.endpoint.port);
  const worker = startScript('worker.ts', [port, token, String(IN_FLIGHT)]);
  await waitFor(worker.stdout, 'ready');
  const producer = startScript('producer.ts', [port, found.endpoint.token, String(TASKS), String(IN_FLIGHT)]);
  let said = '';
  producer.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  await new Promise((resolve) => producer.once('exit', resolve));
  worker.kill();
  client.close();
  return JSON.parse(said) as Measured;
}

/** Appends the journal's own bytes again, batch by batch, each with one fdatasync; milliseconds for all of it. */
async function measureDisk(home: string): Promise<{ ms: number; batches: number; bytes: number }> {
  const folder = join(home, 'journal');
  const text = (await Promise.all((await readdir(folder)).filter((f) => f.endsWith('.ndjson')).sort().map((f) => readFile(join(folder, f), 'utf8')))).join('');
  const batches = text.split(/^(?=\{"batch":)/m).slice(1);
  const file = await open(join(home, 'bare'), 'a');
  const begin = performance.now();
  for (const batch of batches) {
    await file.write(batch);
    await file.datasync();
  }
  const ms = performance.now() - begin;
  await file.close();
  return { ms, batches: batches.length, bytes: text.length };
}

const home = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
try {
  const daemon = await startDaemon(home);
  const tasks = await measureTasks(home);
  daemon.kill('SIGTERM');
  await new Promise((resolve) => daemon.once('exit', resolve));
  const disk = await measureDisk(home);
  const round = (n: number) => n.toFixed(2);
  process.stdout.write(
    [
      `submit to completed, ${IN_FLIGHT} in flight, ${tasks.tasks} tasks, producer, daemon and worker as three processes`,
      `  ${Math.round(tasks.perSecond)} tasks/s   submit acknowledged p50 ${round(tasks.ackP50)} ms, p99 ${round(tasks.ackP99)} ms   completed p50 ${round(tasks.endP50)} ms, p99 ${round(tasks.endP99)} ms`,
      `the bare disk, the same ${disk.bytes} bytes in the same ${disk.batches} batches, each synced`,
      `  ${Math.round(disk.ms)} ms; all of the daemon's work took ${round(tasks.ms / disk.ms)} x as long`,
      'Not measured here: a queue of another maker, history, snapshots, many subscribers.',
      '',
    ].join('\n'),
  );
} finally {
  await rm(home, { recursive: true, force: true });
}
