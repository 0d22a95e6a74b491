/**
 * What the daemon does in a second: producer, daemon and worker as three processes, over the WebSocket, on a real disk.
 * Beside it, in the same run: BullMQ on Redis that syncs every write, with the same work in the same split; and the bare
 * disk, which appends and syncs the journal's own batches again. Ratios mean something on any machine, figures on this one.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectTo } from '../../daemon/rpc/connect.ts';
import { readEndpoint } from '../../daemon/rpc/endpoint.ts';
import { end, readMeasured, ROOT, startRedis, startScript, waitFor } from './run.ts';
import type { Dispatch, Measured, Work } from './times.ts';

const TASKS = Number(process.env['BENCH_TASKS'] ?? 20_000);
const WORKS: readonly Work[] = [
  { total: 300, inFlight: 1, gapMs: 10 },
  { total: Math.min(TASKS, 2_000), inFlight: 1, gapMs: 0 },
  { total: TASKS, inFlight: 10, gapMs: 0 },
  { total: TASKS, inFlight: 100, gapMs: 0 },
  { total: TASKS, inFlight: 1_000, gapMs: 0 },
];

async function startDaemon(home: string): Promise<ChildProcess> {
  const daemon = spawn(process.execPath, [join(ROOT, 'dist/daemon.cjs')], {
    env: { ...process.env, SIGNALBOX_HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await waitFor(daemon.stderr, 'daemon.ready');
  return daemon;
}

interface Row {
  measured: Measured;
  dispatch: Dispatch;
}

/** One producer and one worker against whatever `place` says; the worker prints its part when it is ended. */
async function measure(
  scripts: { producer: string; worker: string },
  place: { producer: string[]; worker: string[] },
  work: Work,
): Promise<Row> {
  const worker = startScript(scripts.worker, [...place.worker, String(work.inFlight)]);
  const dispatch = readMeasured<Dispatch>(worker);
  await waitFor(worker.stdout, 'ready');
  const measured = await readMeasured<Measured>(
    startScript(scripts.producer, [...place.producer, String(work.total), String(work.inFlight), String(work.gapMs)]),
  );
  await end(worker);
  return { measured, dispatch: await dispatch };
}

async function measureDaemon(home: string, work: Work): Promise<Row> {
  const found = await readEndpoint(home);
  if (found.kind !== 'running') throw new Error('The daemon is not there.');
  const client = await connectTo(found.endpoint, { name: 'bench', version: '0' });
  const { token } = await client.call('token/issue', { name: 'bench', scopes: ['worker'] });
  client.close();
  const port = String(found.endpoint.port);
  return measure({ producer: 'producer.ts', worker: 'worker.ts' }, { producer: [port, found.endpoint.token], worker: [port, token] }, work);
}

function measureQueue(port: number, work: Work): Promise<Row> {
  return measure({ producer: 'queue-producer.ts', worker: 'queue-worker.ts' }, { producer: [String(port)], worker: [String(port)] }, work);
}

/** Appends the journal's own bytes again, batch by batch, each with one fdatasync; milliseconds for all of it. */
async function measureDisk(home: string): Promise<{ ms: number; batches: number; bytes: number }> {
  const folder = join(home, 'journal');
  const names = (await readdir(folder)).filter((f) => f.endsWith('.ndjson')).sort();
  const text = (await Promise.all(names.map((f) => readFile(join(folder, f), 'utf8')))).join('');
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

const print = (line: string) => process.stdout.write(`${line}\n`);
const round = (n: number, digits = 2) => n.toFixed(digits);

function describe(name: string, { measured: m, dispatch }: Row, wanted: number): string {
  return `  ${name.padEnd(10)} ${String(Math.round(m.perSecond)).padStart(6)} tasks/s   acknowledged p50 ${round(m.ackP50)} p99 ${round(m.ackP99)} ms   at the worker p50 ${round(dispatch.p50)} p99 ${round(dispatch.p99)} ms   completed p50 ${round(m.endP50)} p99 ${round(m.endP99)} ms${m.tasks < wanted ? `   (${wanted - m.tasks} of ${wanted} ends were never told)` : ''}`;
}

const dir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
const home = join(dir, 'home');
await Promise.all([mkdir(home, { mode: 0o700 }), mkdir(join(dir, 'redis'))]);
const results: Record<string, unknown> = {};
const redis = await startRedis(join(dir, 'redis'));
const daemon = await startDaemon(home);
try {
  if (!redis) print('No redis-server is installed here, so there is no BullMQ to compare with.');
  for (const work of WORKS) {
    print(
      work.gapMs > 0
        ? `idle: one task every ${work.gapMs} ms, ${work.total} tasks`
        : `${work.inFlight} in flight, ${work.total} tasks, producer, daemon and worker as three processes`,
    );
    const ours = await measureDaemon(home, work);
    print(describe('signalbox', ours, work.total));
    const theirs = redis && (await measureQueue(redis.port, work));
    if (theirs) {
      print(describe('BullMQ', theirs, work.total));
      print(
        work.gapMs > 0
          ? `  ratio      ${round(theirs.dispatch.p50 / ours.dispatch.p50)} x sooner at the worker`
          : `  ratio      ${round(ours.measured.perSecond / theirs.measured.perSecond)} x`,
      );
    }
    results[work.gapMs > 0 ? 'idle' : `inFlight${work.inFlight}`] = { ours, theirs };
  }
  await end(daemon);
  const disk = await measureDisk(home);
  print(`the bare disk: the journal's ${disk.bytes} bytes again, in its ${disk.batches} batches, each synced: ${Math.round(disk.ms)} ms`);
  results['disk'] = disk;
  print('Not measured here: history, snapshots, many subscribers (history.ts, subscribers.ts), the timeline (timeline.ts).');
  const file = process.argv.indexOf('--json');
  if (file > 0) await writeFile(process.argv[file + 1] ?? 'bench.json', `${JSON.stringify(results, undefined, 2)}\n`);
} finally {
  await end(daemon);
  if (redis) await end(redis.child);
  await rm(dir, { recursive: true, force: true });
}
