/**
 * `npm run bench`: one table with a line for each budget that is about the daemon and its journal, each beside a baseline that was
 * measured in the same run. Ratios mean something on any machine, figures on this one.
 *
 *     npm run bench                                    all but the rows that take minutes
 *     npm run bench -- --all --json bench.json         everything, and the figures as JSON
 *     npm run bench -- --only idle,load-100            some; --list names them
 *     npm run bench -- --only load-100 --profile DIR   with the daemon's --cpu-prof in DIR
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { appendRow } from './append.ts';
import { pauseRow } from './pause.ts';
import { restartRows } from './history.ts';
import { memoryRow } from './memory.ts';
import { policyRow } from './policy.ts';
import { restRow, startRow } from './rest.ts';
import { formatTable, type Line, type Row } from './row.ts';
import { end, startRedis } from './run.ts';
import { simulateRow } from './simulate.ts';
import { subscribersRow } from './subscribers.ts';
import { loadRows } from './load.ts';
import { wireRow } from './wire.ts';
import { workflowRow } from './workflow.ts';

const ROWS: readonly Row[] = [
  ...loadRows,
  appendRow,
  startRow,
  restRow,
  ...restartRows,
  pauseRow,
  memoryRow,
  subscribersRow,
  wireRow,
  policyRow,
  simulateRow,
  workflowRow,
];

function chooseRows(only: string | undefined, all: boolean): Row[] {
  if (only === undefined) return ROWS.filter(({ long }) => all || !long);
  return only.split(',').map((name) => {
    const row = ROWS.find((one) => one.name === name);
    if (!row) throw new Error(`There is no row ${name}. Rows: ${ROWS.map((one) => one.name).join(', ')}.`);
    return row;
  });
}

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    all: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (values.list) {
  for (const { name, about, long } of ROWS) say(`${name.padEnd(14)} ${about}${long ? ' (long: with --only or --all)' : ''}`);
} else {
  const rows = chooseRows(values.only, values.all);
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  let redis: ReturnType<typeof startRedis> | undefined;
  const lines: Line[] = [];
  const figures: Record<string, unknown> = {};
  try {
    for (const row of rows) {
      say(`${row.name}: ${row.about}`);
      const own = join(dir, row.name);
      await mkdir(own, { mode: 0o700 });
      const measured = await row.measure({
        dir: own,
        profile: values.profile === undefined ? undefined : resolve(values.profile),
        say: (text) => say(`  ${text}`),
        redis: async () => (await (redis ??= startRedis(dir)))?.port,
      });
      lines.push(...measured.lines);
      figures[row.name] = measured.figures;
      await rm(own, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
    say(`\n${formatTable(lines)}`);
    const left = ROWS.filter((row) => !rows.includes(row)).map(({ name }) => name);
    if (left.length > 0) say(`\nNot measured in this run: ${left.join(', ')} (--only NAME, or --all).`);
    if (values.json !== undefined) {
      const machine = { node: process.version, platform: process.platform, cpus: cpus().length };
      await writeFile(values.json, `${JSON.stringify({ at: new Date().toISOString(), machine, lines, figures }, undefined, 2)}\n`);
    }
  } finally {
    const started = await redis;
    if (started) await end(started.child);
    await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
