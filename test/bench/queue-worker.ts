/** BullMQ's worker in a process of its own: notes how long each job was on its way, and is done. */
import { Worker, type Job } from 'bullmq';
import { nowEverywhere, reportDispatch } from './times.ts';

const [port = '', concurrency = ''] = process.argv.slice(2);
const onTheWay: number[] = [];
const work = (job: Job<{ sentAt: number }>): Promise<object> => {
  onTheWay.push(nowEverywhere() - job.data.sentAt);
  return Promise.resolve({});
};
const worker = new Worker('bench', work, {
  connection: { port: Number(port), maxRetriesPerRequest: null },
  concurrency: Number(concurrency),
});
reportDispatch(onTheWay);
await worker.waitUntilReady();
process.stdout.write('ready\n');
