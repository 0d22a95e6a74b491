/** BullMQ's producer in a process of its own: the same work as producer.ts, told of each end by its events. */
import { Queue, QueueEvents } from 'bullmq';
import { produce } from './times.ts';

const [port = '', total = '', inFlight = '', gapMs = ''] = process.argv.slice(2);
const connection = { port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue('bench', { connection });
const events = new QueueEvents('bench', { connection });
await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
const measured = await produce(
  { total: Number(total), inFlight: Number(inFlight), gapMs: Number(gapMs) },
  (jobId, payload) => queue.add('noop', payload, { jobId }),
  (ended) => events.on('completed', ({ jobId }) => ended(jobId)),
);
process.stdout.write(`${JSON.stringify(measured)}\n`, () => process.exit(0));
