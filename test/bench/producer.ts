/** A producer in a process of its own: keeps so many tasks in flight, and times each from its submission to its recorded end. */
import { connectTo } from '../../daemon/rpc/connect.ts';
import { produce } from './times.ts';

const [port = '', token = '', total = '', inFlight = '', gapMs = ''] = process.argv.slice(2);
const client = await connectTo({ host: '127.0.0.1', port: Number(port), token }, { name: 'bench-producer', version: '0' });
await client.call('events/subscribe', { scope: { kind: 'all' } });
const measured = await produce(
  { total: Number(total), inFlight: Number(inFlight), gapMs: Number(gapMs) },
  (id, payload) => client.call('task/submit', { id, agent: 'bench', action: 'noop', payload }),
  (ended) =>
    client.on('events/recorded', ({ commits }) => {
      for (const { events } of commits)
        for (const { type, task } of events) if (type === 'task.completed' && task !== undefined) ended(task);
    }),
);
process.stdout.write(`${JSON.stringify(measured)}\n`);
client.close();
