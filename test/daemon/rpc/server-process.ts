// A server in a process of its own for floods.test.ts. `daemon/status` tells the highest memory so far and what was logged.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { startTestServer } from '../../support/rpc.ts';

process.on('unhandledRejection', (error) => process.send?.({ fault: String(error) }));
process.on('uncaughtException', (error) => process.send?.({ fault: String(error) }));
// The parent is gone: nobody needs this any more.
process.on('disconnect', () => process.exit(1));

let peakMb = 0;
const sample = (): number => (peakMb = Math.max(peakMb, process.memoryUsage.rss() / 1024 / 1024));
setInterval(sample, 10);
const text = 'y'.repeat(64 * 1024);

const { endpoint, logged, server } = await startTestServer({
  handlers: {
    'daemon/status': () => ({
      version: '0.0.0',
      pid: process.pid,
      port: endpoint.port,
      home: '',
      startedAt: '',
      seq: 0,
      runs: { active: 0, waiting: 0 },
      tasks: { pending: 0, running: 0 },
      approvals: 0,
      agents: [],
      connections: server.connections(),
      memoryMb: sample(),
      notices: logged.map(({ event }) => event),
      problems: [],
    }),
    // Says 64 MiB, whether the subscriber reads or not.
    'events/subscribe': (_params, connection) => {
      void (async () => {
        for (let i = 0; i < 1_024; i += 1) {
          connection.notify('events/lost', { subscription: 's', reason: text });
          await nextTurn();
        }
      })();
      return { subscription: 's', cursor: '0' };
    },
  },
});
process.send?.({ endpoint });
