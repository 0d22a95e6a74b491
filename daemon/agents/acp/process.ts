/**
 * The process of an agent: started through whatever puts it in its place, and ended with everything that it started.
 *
 * 1. `ended` resolves once, when the program itself is gone; `end` resolves when nobody of the attempt is left.
 */
import type { Readable, Writable } from 'node:stream';
import {
  ATTEMPT_TAG,
  endTree,
  identifyProcess,
  type ProcessIdentity,
  SpawnError,
  type SpawnRequest,
  type TaggedProcess,
} from '../../platform/process.ts';

/** Starts a process; tests listen to its pipes here. */
export type Launch = (request: SpawnRequest) => Promise<TaggedProcess>;

interface StartRequest extends Omit<SpawnRequest, 'tag' | 'stdio'> {
  attempt: string;
  /** `argv` starts a sandbox: ending its outer process would take everything inside with it at once. */
  sandboxed: boolean;
}

export interface AgentProcess {
  readonly identity: ProcessIdentity;
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
  readonly ended: Promise<{ exitCode?: number; signal?: string }>;
  /** Ends all of it; how many could not be ended. */
  end(graceMs: number): Promise<number>;
}

/** Starts the agent; throws SpawnError. */
export async function startProcess(launch: Launch, { attempt, sandboxed, ...request }: StartRequest): Promise<AgentProcess> {
  // What identifies this machine is read now, so that nothing is waited for between the spawn and the listeners.
  await identifyProcess(process.pid);
  const tag = { name: ATTEMPT_TAG, value: attempt } as const;
  const { child, identity } = await launch({ ...request, tag, stdio: 'pipe' });
  const { stdin, stdout, stderr } = child;
  if (!stdin || !stdout || !stderr) throw new SpawnError(request.argv[0], Object.assign(new Error('no pipes'), { code: 'EPIPE' }));
  // It may end without reading; how it ended tells the story.
  stdin.on('error', () => {});
  const ended = new Promise<{ exitCode?: number; signal?: string }>((resolve) => {
    const tell = (code: number | null, signal: string | null): void =>
      resolve({ ...(code === null ? {} : { exitCode: code }), ...(signal === null ? {} : { signal }) });
    if (child.exitCode !== null || child.signalCode !== null) tell(child.exitCode, child.signalCode);
    else child.once('exit', tell);
  });
  return {
    identity,
    input: stdin,
    output: stdout,
    errors: stderr,
    ended,
    async end(graceMs) {
      stdin.destroy();
      const survivors = await endTree({ pid: identity.pid, tag, ...(sandboxed ? { spare: identity.pid } : {}) }, { graceMs });
      stdout.destroy();
      stderr.destroy();
      return survivors;
    },
  };
}
