// The short torture of `npm test`; `npm run torture -- --minutes N` does the same for longer. A failing seed replays with SEED=n.
import assert from 'node:assert/strict';
import { tortureDaemon } from './daemon.ts';
import { tortureDisk } from './disk.ts';
import { chooseSeed } from './random.ts';

const DISK_MS = 8_000;
const DAEMON_MS = 22_000;

describe('the record under torture', function () {
  this.timeout(240_000);
  const seed = chooseSeed();

  before(() => console.log(`    SEED=${seed}`));
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.log(`    Replay with: SEED=${seed} npm test -- torture`);
  });

  it('a failing disk loses nothing that was answered, and damage is named', async () => {
    const done = await tortureDisk({ seed, ms: DISK_MS });
    console.log(`      ${JSON.stringify(done)}`);
    assert.ok(done.faults > 0 && done.powerLosses > 0 && done.bitFlips > 0, 'nothing was injected');
  });

  it('kill -9 at random moments loses nothing that was answered, all work ends once, and what is granted is merged once', async () => {
    const done = await tortureDaemon({ seed, ms: DAEMON_MS });
    console.log(`      ${JSON.stringify(done)}`);
    assert.ok(done.kills > 0 && done.tasks > 0 && done.runs > 0, 'nothing was done');
  });
});
