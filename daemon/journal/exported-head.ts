// A head that leaves this machine: one line to keep elsewhere, against which a journal that lost its end, or was rewritten as a whole, shows.
import { nodeDisk, type Disk } from './disk.ts';
import { checkLines, findWholeBatch, linesOf, walkBatches } from './scan.ts';
import { JournalDamaged, NO_HASH, type Head } from './port.ts';
import { headBefore, listSegments, openSegment } from './segments.ts';

/** A head with the id of the installation that it belongs to. */
export interface ExportedHead extends Head {
  readonly installation: string;
}

const LINE = /^\{"seq":(0|[1-9]\d{0,15}),"hash":"([0-9a-f]{64})","installation":"([\w.-]{1,128})"\}$/;
const SHORT = /^(0|[1-9]\d{0,15}):([0-9a-f]{64})$/;

/** The line to keep: one JSON object, without a newline. */
export function formatHead({ seq, hash, installation }: ExportedHead): string {
  return JSON.stringify({ seq, hash, installation });
}

/** Reads a kept line, or `seq:hash`; undefined when it is neither. */
export function parseHead(text: string): (Head & { installation?: string }) | undefined {
  const [, seq, hash, installation] = LINE.exec(text.trim()) ?? SHORT.exec(text.trim()) ?? [];
  if (seq === undefined || hash === undefined) return undefined;
  if (seq === '0' && hash !== NO_HASH) return undefined;
  return { seq: Number(seq), hash, ...(installation === undefined ? {} : { installation }) };
}

/**
 * The newest commit of the journal in `dir/journal`, after a sync: what is named here is on the disk, also while a daemon writes.
 * Undefined where there is no journal. Looks at the last segment only; throws JournalDamaged where that is not what was written.
 */
export async function exportHead(dir: string, disk: Disk = nodeDisk): Promise<ExportedHead | undefined> {
  const path = (await listSegments(disk, dir)).at(-1);
  if (path === undefined) return undefined;
  const segment = await openSegment(disk, path, undefined);
  const [mark] = segment.marks;
  let head = headBefore(segment.header);
  const file = await disk.open(path, 'read');
  try {
    const size = await file.size();
    const walk = walkBatches(file, mark ?? { offset: 0, line: 1 }, size);
    for (let step = await walk.next(); ; step = await walk.next()) {
      if (step.done) {
        const { kind, offset, line } = step.value;
        if (kind === 'flaw' && (await findWholeBatch(file, offset, size)) !== undefined)
          throw new JournalDamaged({ file: path, line, seq: head.seq + 1, code: step.value.code, message: step.value.message });
        break;
      }
      const next = checkLines(step.value, linesOf(step.value.body), head, true);
      if ('code' in next) throw new JournalDamaged({ ...next, file: path });
      head = next;
    }
  } finally {
    await file.close();
  }
  const writer = await disk.open(path, 'append');
  try {
    await writer.datasync();
  } finally {
    await writer.close();
  }
  return { ...head, installation: segment.header.installation };
}
