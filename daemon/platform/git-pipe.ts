// Two git processes, the output of one into the other, so that a pack of any size needs bounded memory.
import { once } from 'node:events';
import type { GitWhere } from './git-environment.ts';
import { failedCommand, GitError, keepStderr, killGit, spawnGit } from './git-process.ts';

/** One end of the pipe: the command, and for the first one what it reads and the folder of objects that it sees besides. */
export interface PipeEnd {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly objects?: string;
}

/** Runs both until they end; throws GitError of the first that fails, or git_timeout (milliseconds). */
export async function pipeGit(where: GitWhere, [source, sink]: readonly [PipeEnd, PipeEnd], timeoutMs: number): Promise<void> {
  // The list is separated by colons; a quoted entry may hold any character.
  const env = source.objects === undefined ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${source.objects.replaceAll(/["\\]/g, '\\$&')}"` };
  const children = [await spawnGit(where, source.args, { env }), await spawnGit(where, sink.args)] as const;
  const [from, to] = children;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    children.forEach(killGit);
  }, timeoutMs);
  const ended = Promise.all(
    [from, to].map(async (child) => {
      const readStderr = keepStderr(child);
      child.stdin.on('error', () => {});
      const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null];
      return { exitCode, signal, stderr: readStderr() };
    }),
  );
  from.stdin.end(source.stdin ?? '');
  from.stdout.pipe(to.stdin);
  to.stdout.resume();
  const [first, second] = await ended.finally(() => clearTimeout(timer));
  if (late) throw new GitError('git_timeout', `git ${source.args[0]} took longer than ${timeoutMs} ms.`, { args: source.args });
  if (first && first.exitCode !== 0) throw failedCommand(source.args, first.exitCode, first.signal, first.stderr);
  if (second && second.exitCode !== 0) throw failedCommand(sink.args, second.exitCode, second.signal, second.stderr);
}
