import assert from 'node:assert/strict';
import { emptyState, evolve } from '../../../shared/state/evolve.ts';
import { fromJson, toJson } from '../../../shared/state/serialize.ts';
import type { Command } from '../../../daemon/commands.ts';
import { createCoordinator, type Coordinator } from '../../../daemon/coordinator/coordinator.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { JournalFailed, type Journal } from '../../../daemon/journal/port.ts';
import { Simulation } from '../../support/engine.ts';
import { removeTempFolders, tempFolder } from '../../support/repos.ts';

const ORIGIN = { principal: 'user', cause: 'test' };
const AGENT: Command = { type: 'agent/register', agent: 'w', role: '', capabilities: [], tags: [], adapter: 'remote', slots: 10 };
const submit = (task: string): Command => ({
  type: 'task/submit',
  task,
  wants: 'w',
  action: 'do',
  priority: 0,
  timeoutMs: 1,
  maxAttempts: 1,
  payload: {},
  artifacts: {},
});

async function open(dir = tempFolder()): Promise<Journal> {
  const { journal } = await openJournal({ dir, installation: '0123456789abcdef', now: '2026-01-01T00:00:00.000Z' });
  return journal;
}

const fail = (error: unknown): never => assert.fail(String(error));

/** The journal with another way to append. */
function withAppend(journal: Journal, append: Journal['append']): Journal {
  return {
    get head() {
      return journal.head;
    },
    append,
    read: (from) => journal.read(from),
    follow: (from, signal) => journal.follow(from, signal),
    close: () => journal.close(),
  };
}

function build(journal: Journal, onFatal: (error: unknown) => void = fail): Coordinator {
  const { now: _, ...context } = new Simulation().context;
  return createCoordinator({ journal, published: emptyState(), tentative: emptyState(), context, now: Date.now, onFatal });
}

describe('the coordinator', () => {
  after(removeTempFolders);

  it('writes all that waits in one append, and answers each with its own commit', async () => {
    const journal = await open();
    const batches: number[] = [];
    const counting = withAppend(journal, (expected, commits) => {
      batches.push(commits.length);
      return journal.append(expected, commits);
    });
    const coordinator = build(counting);
    const results = await Promise.all(
      [AGENT, ...Array.from({ length: 50 }, (_, i) => submit(`t${i}`))].map((command) => coordinator.submit(command, ORIGIN)),
    );
    assert.deepEqual(batches, [51]);
    assert.deepEqual(
      results.map((r) => r.ok && r.commit?.seq),
      Array.from({ length: 51 }, (_, i) => i + 1),
    );
    await journal.close();
  });

  it('records what follows from a batch in the same append, and asks for it on the tentative state', async () => {
    const journal = await open();
    const batches: number[] = [];
    const coordinator = build(
      withAppend(journal, (expected, commits) => {
        batches.push(commits.length);
        return journal.append(expected, commits);
      }),
    );
    coordinator.followWith((tentative) =>
      [...tentative.pending].map((task): Command => ({ type: 'task/assign', task, attempt: `a-${task}`, agent: 'w' })),
    );
    await Promise.all([AGENT, submit('t')].map((command) => coordinator.submit(command, ORIGIN)));
    assert.deepEqual(batches, [3]);
    assert.equal(coordinator.state.tasks.get('t')?.status, 'assigned');
    await journal.close();
  });

  it('shows nothing before it is durable, and to `decide` what the same batch did before', async () => {
    const journal = await open();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = withAppend(journal, async (expected, commits) => {
      await held;
      return journal.append(expected, commits);
    });
    const coordinator = build(slow);
    const seen: number[] = [];
    coordinator.onRecorded((commits) => seen.push(...commits.map((c) => c.seq)));
    const answers = [AGENT, submit('t'), submit('t')].map((command) => coordinator.submit(command, ORIGIN));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([coordinator.state.seq, seen, coordinator.state.tasks.size], [0, [], 0]);
    release();
    const results = await Promise.all(answers);
    assert.deepEqual(
      results.map((r) => r.ok && (r.commit?.seq ?? 'done before')),
      [1, 2, 'done before'],
    );
    assert.deepEqual(seen, [1, 2]);
    await journal.close();
  });

  it('answers nobody any more once the journal failed, and says so once', async () => {
    const fatal: unknown[] = [];
    const journal = await open();
    const failing = withAppend(journal, () => Promise.reject(new JournalFailed('EIO', 'the disk failed')));
    const coordinator = build(failing, (error) => fatal.push(error));
    let answered = false;
    for (const command of [AGENT, submit('t')]) void coordinator.submit(command, ORIGIN).then(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    void coordinator.submit(submit('later'), ORIGIN).then(() => (answered = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(answered, false);
    assert.equal(coordinator.state.seq, 0);
    assert.deepEqual(
      fatal.map((e) => (e as JournalFailed).reason),
      ['EIO'],
    );
    await journal.close();
  });

  it('refuses a record that would be too large, and takes the next', async () => {
    const journal = await open();
    const coordinator = build(journal);
    await coordinator.submit(AGENT, ORIGIN);
    const large = await coordinator.submit({ ...submit('large'), payload: { text: 'x'.repeat(70_000) } } as Command, ORIGIN);
    assert.equal(!large.ok && large.refusal.code, 'commit_too_large');
    assert.ok((await coordinator.submit(submit('small'), ORIGIN)).ok);
    assert.ok(!coordinator.state.tasks.has('large'));
    await journal.close();
  });

  it('leaves a journal from which the same state follows', async () => {
    const dir = tempFolder();
    const journal = await open(dir);
    const coordinator = build(journal);
    await Promise.all(
      [AGENT, submit('a'), submit('b'), { type: 'task/cancel', task: 'a', reason: 'no' } as Command].map((c) =>
        coordinator.submit(c, ORIGIN),
      ),
    );
    await journal.close();
    const again = await open(dir);
    const replayed = emptyState();
    for await (const commit of again.read(1)) evolve(replayed, commit);
    assert.deepEqual(toJson(replayed), toJson(fromJson(toJson(coordinator.state))));
    await again.close();
  });

  it('never lets time go back, whatever the clock says', async () => {
    const journal = await open();
    const { now: _, ...context } = new Simulation().context;
    const times = [2_000, 1_000];
    const coordinator = createCoordinator({
      journal,
      published: emptyState(),
      tentative: emptyState(),
      context,
      now: () => times.shift() ?? 0,
      onFatal: fail,
    });
    const first = await coordinator.submit(AGENT, ORIGIN);
    const second = await coordinator.submit(submit('t'), ORIGIN);
    assert.deepEqual(
      [first, second].map((r) => r.ok && r.commit?.at),
      ['1970-01-01T00:00:02.000Z', '1970-01-01T00:00:02.000Z'],
    );
    await journal.close();
  });
});
