import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCoordinator } from '../../../daemon/coordinator/coordinator.ts';
import { createSubscriptions } from '../../../daemon/coordinator/subscriptions.ts';
import { openJournal } from '../../../daemon/journal/file.ts';
import { emptyState } from '../../../shared/state/evolve.ts';
import { Simulation } from '../../support/engine.ts';
import { openGreeted, type RawSocket, startTestServer } from '../../support/rpc.ts';

const ORIGIN = { principal: 'test', cause: 'test' };
const QUICK = 96;
const SLOW = 4;
const BATCH = 250;

/** Counts what arrives without keeping it, and the last commit that it told of. */
interface Heard {
  socket: RawSocket;
  bytes: number;
  seq: number;
  lost: number;
}

describe('a hundred subscribers', () => {
  it('all get 5,000 events; who does not read them is told so once, and costs a bounded number of bytes', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'signalbox-subscribers-'));
    const { journal } = await openJournal({ dir, installation: 'test', now: 'now' });
    const { now: _, ...context } = new Simulation().context;
    const coordinator = createCoordinator({
      journal,
      published: emptyState(),
      tentative: emptyState(),
      context,
      now: Date.now,
      onFatal: (error) => assert.fail(String(error)),
    });
    const { state } = coordinator;
    const subscriptions = createSubscriptions({ state, installation: 'test', journal, log: (event) => assert.fail(event) });
    coordinator.onRecorded(subscriptions.publish);
    let ids = 0;
    const test = await startTestServer({
      handlers: {
        'events/subscribe': ({ scope, cursor }, connection) => subscriptions.subscribe(connection, `s${ids++}`, scope, cursor),
      },
    });
    const record = async (count: number, name: string): Promise<void> => {
      for (let done = 0; done < count; done += BATCH) {
        await Promise.all(
          Array.from({ length: BATCH }, (_entry, i) =>
            coordinator.submit({ type: 'principal/add', name: `${name}${done + i}`, scopes: [], expiresAt: '' }, ORIGIN),
          ),
        );
        await new Promise(setImmediate);
      }
      await coordinator.idle();
    };
    const subscribe = async (): Promise<Heard> => {
      const socket = await openGreeted(test.endpoint);
      await socket.ask({ jsonrpc: '2.0', id: 1, method: 'events/subscribe', params: { scope: { kind: 'all' } } });
      const heard: Heard = { socket, bytes: 0, seq: 0, lost: 0 };
      socket.ws.on('message', (data: Buffer) => {
        socket.frames.length = 0;
        heard.bytes += data.length;
        if (data.includes('"events/lost"')) heard.lost += 1;
        heard.seq = Math.max(heard.seq, ...[...data.toString('latin1').matchAll(/"seq":(\d+)/g)].map(([, seq]) => Number(seq)));
      });
      return heard;
    };
    const until = async (met: () => boolean): Promise<void> => {
      while (!met()) await new Promise((resolve) => setTimeout(resolve, 5));
    };

    const quick = await Promise.all(Array.from({ length: QUICK }, subscribe));
    const slow = await Promise.all(Array.from({ length: SLOW }, subscribe));
    for (const { socket } of slow) socket.ws.pause();
    await record(5_000, 'p');
    assert.equal(state.seq, 5_000);
    await until(() => quick.every(({ seq, lost }) => seq === 5_000 || lost > 0));
    assert.deepEqual(new Set(quick.map(({ lost }) => lost)), new Set([0]), 'nobody who reads loses anything');

    // More than any buffer on the way takes; for few, so that it is not the machine that is measured.
    for (const { socket } of quick.splice(4)) socket.ws.terminate();
    await record(1_500, 'x'.repeat(16 * 1024));
    await until(() => quick.every(({ seq, lost }) => seq === 6_500 || lost > 0));
    for (const { socket } of slow) socket.ws.resume();
    await until(() => slow.every(({ lost }) => lost > 0));
    assert.deepEqual(
      [...quick, ...slow].map(({ lost }) => lost),
      [0, 0, 0, 0, 1, 1, 1, 1],
    );
    for (const { bytes, seq } of slow) {
      assert.ok(seq < 6_500);
      assert.ok(bytes < (quick[0]?.bytes ?? 0) / 2, `${bytes} bytes waited for one that did not read`);
    }
    for (const { socket } of [...quick, ...slow]) socket.ws.terminate();
    await test.server.close('test');
    await journal.close();
    await rm(dir, { recursive: true, force: true });
  }).timeout(60_000);
});
