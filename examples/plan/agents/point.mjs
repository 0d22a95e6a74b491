// A rollback point: verifies the tasks that it is given together, notes what it verified for which run in a file that becomes its
// commit, and reports that it is one. Where anything does not hold it fails and reports nothing, so nobody goes back to it.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { verify } from './verify.mjs';

const [point, ...names] = process.argv.slice(2);
await verify(names);
const lines = names.map(
  (name) =>
    `${createHash('sha256')
      .update(readFileSync(`shop/${name}.mjs`))
      .digest('hex')}  shop/${name}.mjs\n`,
);
const { run } = JSON.parse(readFileSync(process.env.SIGNALBOX_TASK, 'utf8'));
mkdirSync('points', { recursive: true });
writeFileSync(`points/${point}.sha256`, `# ${run}\n${lines.join('')}`);
writeFileSync(process.env.SIGNALBOX_REPORT, JSON.stringify({ verified: true }));
