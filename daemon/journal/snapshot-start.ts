import { spawn, type ChildProcess } from 'node:child_process';
import * as z from 'zod';

/** What the child prints: one line of JSON. */
export const SnapshotAnswer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('made'), seq: z.number().int(), file: z.string(), replayed: z.number().int() }),
  z.strictObject({ kind: z.literal('failed'), code: z.string(), message: z.string() }),
]);

/** What came of a snapshot; a failed one changed nothing, and the journal still has everything. */
export type SnapshotAnswer = z.infer<typeof SnapshotAnswer>;

/** How a snapshot is made: the child's script, the state folder, the durable commit to include last, and milliseconds to wait (60,000). */
export interface StartSnapshot {
  childPath: string;
  dir: string;
  upTo: number;
  timeoutMs?: number;
  /** Arguments of node before the script. */
  execArgv?: readonly string[];
}

const MAX_OUTPUT = 64 * 1024;
/** What node itself needs; the child reads files and talks to nobody. */
const PASSED = ['ELECTRON_RUN_AS_NODE', 'SystemRoot', 'TMPDIR', 'TEMP', 'NODE_V8_COVERAGE'];

/** Makes a snapshot in a process of its own, so that nothing is serialised in this one; never throws. */
export function startSnapshot({ childPath, dir, upTo, timeoutMs = 60_000, execArgv = [] }: StartSnapshot): Promise<SnapshotAnswer> {
  return new Promise((resolve) => {
    const failed = (code: string, message: string): void => resolve({ kind: 'failed', code, message });
    let child: ChildProcess;
    try {
      const env = Object.fromEntries(PASSED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
      child = spawn(process.execPath, [...execArgv, childPath, dir, String(upTo)], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        windowsHide: true,
      });
    } catch (error) {
      failed('snapshot_spawn', `The snapshot process did not start: ${String(error)}`);
      return;
    }
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      failed('snapshot_timeout', `The snapshot took over ${timeoutMs} ms and was ended.`);
    }, timeoutMs);
    // The daemon may stop while one is made: the half-written file has a temporary name.
    timer.unref();
    const output = collectOutput(child);
    child.on('error', (error) => {
      clearTimeout(timer);
      failed('snapshot_spawn', `The snapshot process did not start: ${error.message}`);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(parseAnswer(output.stdout(), `exit ${code ?? signal ?? '?'}: ${output.stderr().trim()}`));
    });
  });
}

function collectOutput(child: ChildProcess): { stdout: () => string; stderr: () => string } {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] = (texts[name] + text).slice(0, MAX_OUTPUT);
    });
  }
  return { stdout: () => texts.stdout, stderr: () => texts.stderr.slice(-2_000) };
}

function parseAnswer(stdout: string, otherwise: string): SnapshotAnswer {
  try {
    return SnapshotAnswer.parse(JSON.parse(stdout));
  } catch {
    return { kind: 'failed', code: 'snapshot_crashed', message: `The snapshot process ended without an answer (${otherwise}).` };
  }
}
