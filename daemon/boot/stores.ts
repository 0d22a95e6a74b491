// Bridging version until daemon/store is there.
import { appendFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactPort, SpoolPort } from '../coordinator/ports.ts';
import { writeFileAtomic } from '../platform/atomic.ts';
import { sha256 } from '../platform/digest.ts';
import { redact } from '../platform/redact.ts';

export interface Stores {
  artifacts: ArtifactPort & { readPiece(digest: string, offset: number, limit: number): Promise<{ text: string; next: number; size: number }> };
  spools: SpoolPort & { readPiece(attempt: string, offset: number, limit: number): Promise<{ text: string; next: number; ended: boolean; dropped: number }> };
  definitions: { put(text: string): Promise<{ digest: string }>; read(digest: string): Promise<string> };
}

export async function openStores(home: string): Promise<Stores> {
  const dir = join(home, 'artifacts');
  const spoolDir = join(home, 'spools');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await mkdir(spoolDir, { recursive: true, mode: 0o700 });
  const put = async (text: string) => {
    const digest = sha256(text);
    await writeFileAtomic(join(dir, digest), text);
    return { digest, size: Buffer.byteLength(text) };
  };
  const read = (digest: string) => readFile(join(dir, digest), 'utf8');
  return {
    definitions: { put, read },
    artifacts: {
      putText: async (text) => put(await redact(text)),
      readText: read,
      async readPiece(digest, offset, limit) {
        const bytes = await readFile(join(dir, digest));
        return { text: bytes.subarray(offset, offset + limit).toString('utf8'), next: Math.min(bytes.length, offset + limit), size: bytes.length };
      },
    },
    spools: {
      async open(attempt) {
        const file = join(spoolDir, `${attempt}.log`);
        let before = appendFile(file, '');
        let bytes = 0;
        return {
          write(_stream, text) {
            bytes += Buffer.byteLength(text);
            before = before.then(() => appendFile(file, text));
          },
          async close() {
            await before;
            return { bytes, dropped: 0 };
          },
        };
      },
      async readPiece(attempt, offset, limit) {
        const file = join(spoolDir, `${attempt}.log`);
        if (!(await stat(file).catch(() => undefined))) return { text: '', next: offset, ended: false, dropped: 0 };
        const bytes = await readFile(file);
        return { text: bytes.subarray(offset, offset + limit).toString('utf8'), next: Math.min(bytes.length, offset + limit), ended: false, dropped: 0 };
      },
    },
  };
}
