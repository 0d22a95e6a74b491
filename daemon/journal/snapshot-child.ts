// Entry point of dist/snapshot.cjs: `node snapshot.cjs <state folder> <seq>` makes one snapshot, prints what came of it as one line, and ends.
import { constants, setPriority } from 'node:os';
import { isAbsolute } from 'node:path';
import { indexSealed } from './run-index.ts';
import { makeSnapshot } from './snapshot.ts';
import type { SnapshotAnswer } from './snapshot-start.ts';

async function answer(dir = '', seq = ''): Promise<SnapshotAnswer> {
  if (!isAbsolute(dir) || !/^[1-9]\d{0,15}$/.test(seq)) {
    return { kind: 'failed', code: 'invalid_params', message: 'Give the absolute path of the state folder and the seq of a commit.' };
  }
  try {
    const made = await makeSnapshot(dir, Number(seq));
    // Whoever asks makes what is missing, so that this is worth no failed snapshot.
    await indexSealed(dir).catch(() => 0);
    return { kind: 'made', ...made };
  } catch (error) {
    const { code = 'snapshot_failed', message } = error as NodeJS.ErrnoException;
    return { kind: 'failed', code, message };
  }
}

try {
  // Whoever waits for an agent goes first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // Not every system lets a process do that; then it competes.
}
void answer(process.argv[2], process.argv[3]).then((result) => {
  process.exitCode = result.kind === 'made' ? 0 : 1;
  process.stdout.write(`${JSON.stringify(result)}\n`);
});
