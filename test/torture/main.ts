// The long torture: `npm run torture -- --minutes 30`, a third of the time on a failing disk and the rest killing daemons. SEED=n replays.
import { parseArgs } from 'node:util';
import { tortureDaemon } from './daemon.ts';
import { tortureDisk } from './disk.ts';
import { chooseSeed } from './random.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0 && minutes <= 10_000)) throw new Error(`--minutes is ${values.minutes}; it takes a number from 0 to 10000.`);
const ms = minutes * 60_000;
const seed = chooseSeed();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

say(`SEED=${seed}, ${minutes} minutes`);
try {
  say(`a failing disk: ${JSON.stringify(await tortureDisk({ seed, ms: ms / 3 }))}`);
  say(`kill -9: ${JSON.stringify(await tortureDaemon({ seed, ms: (ms * 2) / 3, log: say }))}`);
} catch (error) {
  say(`FAILED with SEED=${seed}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
}
