/** A worker in a process of its own: takes what it is assigned, notes how long it was on its way, and reports success at once. */
import { connectTo } from '../../daemon/rpc/connect.ts';
import { nowEverywhere, reportDispatch } from './times.ts';

const [port = '', token = '', slots = ''] = process.argv.slice(2);
const client = await connectTo({ host: '127.0.0.1', port: Number(port), token }, { name: 'bench-worker', version: '0' });
const onTheWay: number[] = [];
client.on('worker/assign', ({ assignments }) => {
  for (const { payload } of assignments) onTheWay.push(nowEverywhere() - Number(payload['sentAt']));
  const reports = assignments.map(({ task, attempt, token: lease }) => ({ task, attempt, token: lease, status: 'succeeded' as const }));
  void client.call('worker/report', { reports });
});
reportDispatch(onTheWay);
await client.call('worker/attach', { id: 'bench', slots: Number(slots) });
process.stdout.write('ready\n');
