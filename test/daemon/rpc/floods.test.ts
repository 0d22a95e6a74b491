// What one client may do to the others: nothing. The server runs in a process with a small heap, and a legitimate client
// asks it all the while; each of its calls has to be answered, and the memory of the server is looked at afterwards.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { connectTest, helloRequest, openGreeted, openRaw, type ServerProcess, startServerProcess } from '../../support/rpc.ts';

const MEMORY_MB = 160;
const status = (id: number): string => JSON.stringify({ jsonrpc: '2.0', id, method: 'daemon/status' });

describe('rpc floods', function () {
  this.timeout(60_000);
  let server: ServerProcess;
  let legitimate: Connected;
  let baseMb: number;

  before(async () => {
    server = await startServerProcess();
    legitimate = await connectTest(server.endpoint);
    baseMb = (await legitimate.call('daemon/status', {})).memoryMb;
  });
  after(async () => {
    legitimate.close();
    await server.stop();
  });
  afterEach(() => assert.deepEqual(server.faults, []));

  /** Runs the attack while the legitimate client asks again and again. */
  async function attack(act: () => Promise<void>): Promise<string[]> {
    let over = false;
    let served = 0;
    const asking = (async () => {
      while (!over) {
        await legitimate.call('daemon/status', {}, { timeoutMs: 10_000 });
        if (!over) served += 1;
      }
    })();
    await act().finally(() => (over = true));
    await asking;
    assert.ok(served > 0, 'the legitimate client was not served during the attack');
    const { memoryMb, notices } = await legitimate.call('daemon/status', {});
    assert.ok(memoryMb - baseMb < MEMORY_MB, `the server grew by ${Math.round(memoryMb - baseMb)} MB`);
    return notices;
  }

  it('survives a frame of 50 MB, also from many at once', async () => {
    const frame = Buffer.alloc(50 * 1024 * 1024, 'a');
    await attack(async () => {
      for (const count of [1, 4]) {
        const clients = await Promise.all(Array.from({ length: count }, () => openGreeted(server.endpoint)));
        for (const { ws } of clients) {
          ws.on('error', () => {});
          ws.send(frame, { binary: false }, () => {});
        }
        for (const { closed } of clients) assert.ok([1006, 1009].includes((await closed).code));
      }
    });
  });

  it('survives fragments that never end', async () => {
    await attack(async () => {
      const { ws, closed } = await openGreeted(server.endpoint);
      ws.on('error', () => {});
      const piece = Buffer.alloc(1024, 'a');
      const timer = setInterval(() => {
        for (let i = 0; i < 500; i += 1) ws.send(piece, { fin: false, binary: false }, () => {});
      }, 1);
      const { code } = await closed;
      clearInterval(timer);
      assert.ok([1006, 1008, 1009].includes(code), String(code));
    });
  });

  it('survives 10,000 frames of garbage', async () => {
    const garbage: (() => string | Buffer)[] = [
      () => randomBytes(64).toString('latin1'),
      () => status(1).slice(0, -5),
      () => '['.repeat(5_000),
      () => `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`,
      () => JSON.stringify({ jsonrpc: '2.0', id: { a: 1 }, method: '__proto__', params: 7 }),
      () => JSON.stringify(Array.from({ length: 300 }, () => null)),
    ];
    await attack(async () => {
      for (let round = 0; round < 20; round += 1) {
        const { ws, closed } = await openGreeted(server.endpoint);
        ws.on('error', () => {});
        for (let i = 0; i < 500; i += 1) ws.send(garbage[(round + i) % garbage.length]?.() ?? '', { binary: false }, () => {});
        assert.ok([1006, 1008].includes((await closed).code));
      }
    });
  });

  it('drops a reader that never reads', async () => {
    const notices = await attack(async () => {
      const slow = await openGreeted(server.endpoint);
      slow.ws.on('error', () => {});
      slow.ws.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'events/subscribe', params: { scope: { kind: 'all' } } }), () =>
        slow.ws.pause(),
      );
      while ((await legitimate.call('daemon/status', {})).connections > 1) await new Promise((resolve) => setTimeout(resolve, 20));
      slow.ws.terminate();
    });
    assert.ok(notices.includes('rpc.slow_reader'));
  });

  it('answers 10,000 requests sent without waiting', async () => {
    await attack(async () => {
      const eager = await openGreeted(server.endpoint);
      eager.frames.length = 0;
      for (let i = 0; i < 10_000; i += 1) eager.ws.send(status(i));
      await eager.untilFrames(10_000);
      const ids = new Set(eager.frames.map((text) => (JSON.parse(text) as { id: number }).id));
      assert.equal(ids.size, 10_000);
      eager.ws.terminate();
    });
  });

  it('keeps 500 answers of 1 MiB within bounds while nobody reads them, and answers each when somebody does', async () => {
    await attack(async () => {
      const greedy = await openGreeted(server.endpoint);
      greedy.frames.length = 0;
      greedy.ws.pause();
      const read = (id: number): object => ({ jsonrpc: '2.0', id, method: 'artifact/read', params: { digest: 'a'.repeat(64) } });
      for (let i = 0; i < 200; i += 1) greedy.ws.send(JSON.stringify(read(i)));
      for (let i = 200; i < 500; i += 100) greedy.ws.send(JSON.stringify(Array.from({ length: 100 }, (_, k) => read(i + k))));
      // Long enough for the server to have read what it wants to read.
      for (let i = 0; i < 50; i += 1) await legitimate.call('daemon/status', {});
      greedy.ws.resume();
      await greedy.untilFrames(203);
      const answers = greedy.frames.flatMap((text) => JSON.parse(text) as { id: number; error?: { data: { code: string } } }[]);
      assert.equal(new Set(answers.map(({ id }) => id)).size, 500);
      for (const { error } of answers) if (error) assert.equal(error.data.code, 'too_many');
      greedy.ws.terminate();
    });
  });

  it('serves the legitimate client between frames that are expensive to read', async () => {
    const big = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'daemon/status',
      params: { numbers: Array.from({ length: 500_000 }, (_, i) => i) },
    });
    await attack(async () => {
      const heavy = await Promise.all(Array.from({ length: 4 }, () => openGreeted(server.endpoint)));
      for (const { ws } of heavy) for (let i = 0; i < 5; i += 1) ws.send(big);
      await Promise.all(heavy.map((client) => client.untilFrames(6)));
      for (const { ws, frames } of heavy) {
        assert.match(frames[1] ?? '', /invalid_params/);
        ws.terminate();
      }
    });
  });

  it('survives clients that leave in the middle of everything', async () => {
    await attack(async () => {
      for (let i = 0; i < 60; i += 1) {
        const { ws } = await openRaw(server.endpoint);
        ws.on('error', () => {});
        ws.send(JSON.stringify([helloRequest(), ...Array.from({ length: 50 }, (_, id) => JSON.parse(status(id)) as object)]), () =>
          ws.terminate(),
        );
      }
    });
    while ((await legitimate.call('daemon/status', {})).connections > 1) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});
