import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArchive } from '../../../daemon/store/archive.ts';
import type { RunDocument, TaskDocument } from '../../../shared/state/document.ts';
import type { Run } from '../../../shared/state/run.ts';
import type { Task } from '../../../shared/state/task.ts';

const task = (id: string, of: Partial<Task> = {}): TaskDocument => ({
  task: {
    id,
    wants: 'w',
    action: 'a',
    priority: 0,
    timeoutMs: 1,
    maxAttempts: 1,
    payload: { text: 'é\u2028"' },
    artifacts: {},
    status: 'completed',
    token: 1,
    failures: 0,
    values: {},
    deadLetter: false,
    submittedAt: 't',
    endedAt: 't',
    ...of,
  },
  attempts: [],
});
const run = (id: string, repo = '/r', tasks: TaskDocument[] = []): RunDocument => ({
  run: {
    id,
    repo,
    workflow: { name: 'w', version: 1, digest: 'd' },
    inputs: {},
    principal: 'p',
    status: 'success',
    summary: '',
    submittedAt: 't',
    endedAt: 't',
  } satisfies Run,
  stages: [
    { id: 's', status: 'completed', reason: '', round: 1, decided: true, facts: {}, proposed: [], results: [], values: {}, startedAt: 't' },
  ],
  artifacts: [],
  tasks: tasks.map((t) => t.task),
  attempts: [],
  approvals: [],
});
const names = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `t${from + i}`);

describe('the archive', () => {
  let dir: string;
  beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'signalbox-archive-'))));
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('finds every task again by its id, also after a start and through merged chunks, and no other', async () => {
    let archive = await openArchive(dir);
    for (let from = 0; from < 2_000; from += 100) await archive.write({ runs: [], tasks: names(from, 100).map((id) => task(id)) });
    const files = (await readdir(join(dir, 'archive/tasks'))).filter((name) => name.endsWith('.ndjson'));
    assert.ok(files.length < 8, `${files.length} chunks of 20 writes`);
    for (let start = 0; start < 2; start++) {
      for (const id of names(0, 2_000).filter((_, i) => i % 7 === start)) assert.equal((await archive.readTask(id))?.task.id, id);
      const wrong = names(5_000, 5_000).filter((id) => archive.mayHaveTask(id)).length;
      assert.ok(wrong < 500, `${wrong} of 5000 ids only seem to be there`);
      for (const id of names(5_000, 200)) assert.equal(await archive.readTask(id), undefined);
      archive = await openArchive(dir);
    }
  });

  it('writes the same again without a second copy', async () => {
    const archive = await openArchive(dir);
    const batch = { runs: [run('r1', '/r', [task('r1.s', { run: 'r1' })])], tasks: [task('t1')] };
    await archive.write(batch);
    await archive.write(batch);
    assert.deepEqual(
      (await archive.listTasks({ limit: 10 })).entries.map((t) => t.id),
      ['t1', 'r1.s'],
    );
    assert.deepEqual(
      (await archive.listRuns({ limit: 10, wanted: () => true })).entries.map((r) => r.id),
      ['r1'],
    );
    assert.equal((await archive.readTask('r1.s'))?.task.run, 'r1');
  });

  it('keeps the details of a run that comes back without them', async () => {
    const archive = await openArchive(dir);
    const whole = run('r1');
    await archive.write({ runs: [whole], tasks: [] });
    await archive.write({ runs: [{ ...whole, run: { ...whole.run, summary: 'later' }, stages: [] }], tasks: [] });
    const read = await archive.readRun('r1');
    assert.deepEqual([read?.run.summary, read?.stages.length], ['later', 1]);
  });

  it('lists runs newest first in pages, of one repository if asked', async () => {
    const archive = await openArchive(dir);
    for (let i = 0; i < 2_000; i += 500) {
      // Many lines, so that the list is read in several steps.
      for (let j = i; j < i + 5; j++) await archive.write({ runs: [run(`r${j}`, j % 2 ? '/odd' : `/${'even'.repeat(4_000)}`)], tasks: [] });
    }
    const seen: string[] = [];
    let before: number | undefined;
    do {
      const page = await archive.listRuns({ limit: 3, wanted: () => true, ...(before === undefined ? {} : { before }) });
      seen.push(...page.entries.map((r) => r.id));
      before = page.next;
    } while (before !== undefined);
    const all = [0, 500, 1_000, 1_500].flatMap((i) => [0, 1, 2, 3, 4].map((j) => `r${i + j}`)).reverse();
    assert.deepEqual(seen, all);
    const odd = await archive.listRuns({ limit: 100, wanted: ({ repo }) => repo === '/odd' });
    assert.deepEqual(
      odd.entries.map((r) => r.id),
      all.filter((id) => Number(id.slice(1)) % 2 === 1),
    );
  });

  it('lists tasks newest first in pages', async () => {
    const archive = await openArchive(dir);
    for (let from = 0; from < 600; from += 200) await archive.write({ runs: [], tasks: names(from, 200).map((id) => task(id)) });
    const seen: string[] = [];
    let before: number | undefined;
    do {
      const page = await archive.listTasks({ limit: 70, ...(before === undefined ? {} : { before }) });
      seen.push(...page.entries.map((t) => t.id));
      before = page.next;
    } while (before !== undefined);
    assert.deepEqual(seen, names(0, 600).reverse());
  });

  it('takes more while a large merge goes on beside it, and finds all of it', async () => {
    const archive = await openArchive(dir);
    const large = 2_500;
    let end = 0;
    for (; end < 8 * large; end += large) await archive.write({ runs: [], tasks: names(end, large).map((id) => task(id)) });
    assert.equal((await archive.readTask('t1'))?.task.id, 't1');
    // One after the other, so that one is under way when the merge is done.
    const chunks = async (): Promise<number> => (await readdir(join(dir, 'archive/tasks'))).filter((name) => name.endsWith('.idx')).length;
    do for (let i = 0; i < 40; i += 1) await archive.write({ runs: [], tasks: [task(`t${end++}`)] });
    while ((await chunks()) > 14);
    for (let at = 0; at < end; at += at < 8 * large ? 97 : 1) assert.equal((await archive.readTask(`t${at}`))?.task.id, `t${at}`);
  }).timeout(30_000);

  it('passes over what a crash left: half a line of the list, lines without an index, chunks that were merged', async () => {
    let archive = await openArchive(dir);
    await archive.write({ runs: [run('r1')], tasks: names(0, 3).map((id) => task(id)) });
    await appendFile(join(dir, 'archive/runs.ndjson'), '{"id":"r');
    await writeFile(join(dir, 'archive/tasks/000000000003-2.ndjson'), 'half');
    archive = await openArchive(dir);
    await archive.write({ runs: [run('r2')], tasks: names(3, 2).map((id) => task(id)) });
    assert.deepEqual(
      (await archive.listRuns({ limit: 10, wanted: () => true })).entries.map((r) => r.id),
      ['r2', 'r1'],
    );
    assert.deepEqual(
      (await archive.listTasks({ limit: 10 })).entries.map((t) => t.id),
      names(0, 5).reverse(),
    );
  });

  it('says which file was changed', async () => {
    const archive = await openArchive(dir);
    await archive.write({ runs: [run('r1')], tasks: [task('t1')] });
    const [folder = ''] = await readdir(join(dir, 'archive/runs'));
    const [file = ''] = await readdir(join(dir, 'archive/runs', folder));
    await writeFile(join(dir, 'archive/runs', folder, file), '{');
    await assert.rejects(archive.readRun('r1'), { code: 'archive_damaged' });
    await writeFile(join(dir, 'archive/tasks/000000000000-1.idx'), 'x'.repeat(100));
    await assert.rejects(openArchive(dir), { code: 'archive_damaged' });
  });
});
