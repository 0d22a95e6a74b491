/** A producer in a process of its own: keeps so many tasks in flight, and times each from its submission to its recorded end. */
import { uuidv7 } from 'uuidv7';
import { connectTo } from '../../daemon/rpc/connect.ts';

const [port = '', token = '', total = '', inFlight = ''] = process.argv.slice(2);
const client = await connectTo({ host: '127.0.0.1', port: Number(port), token }, { name: 'bench-producer', version: '0' });
const started = new Map<string, number>();
const acks: number[] = [];
const ends: number[] = [];
let submitted = 0;
let done: () => void = () => undefined;
const finished = new Promise<void>((resolve) => (done = resolve));

function submitNext(): void {
  if (submitted === Number(total)) return;
  submitted += 1;
  const id = uuidv7();
  const at = performance.now();
  started.set(id, at);
  void client.call('task/submit', { id, agent: 'bench', action: 'noop', payload: { n: submitted } }).then(() => acks.push(performance.now() - at));
}

client.on('events/recorded', ({ commits }) => {
  for (const { events } of commits)
    for (const { type, task = '' } of events) {
      const at = type === 'task.completed' ? started.get(task) : undefined;
      if (at === undefined) continue;
      started.delete(task);
      ends.push(performance.now() - at);
      if (ends.length === Number(total)) done();
      else submitNext();
    }
});
await client.call('events/subscribe', { scope: { kind: 'all' } });
const begin = performance.now();
for (let i = 0; i < Number(inFlight); i++) submitNext();
await finished;
const ms = performance.now() - begin;
const at = (list: number[], q: number) => list.sort((a, b) => a - b)[Math.floor((list.length - 1) * q)] ?? 0;
process.stdout.write(
  `${JSON.stringify({ tasks: ends.length, ms, perSecond: (ends.length / ms) * 1_000, ackP50: at(acks, 0.5), ackP99: at(acks, 0.99), endP50: at(ends, 0.5), endP99: at(ends, 0.99) })}\n`,
);
client.close();
