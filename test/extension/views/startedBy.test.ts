import assert from 'node:assert/strict';
import { emptyState } from '../../../shared/state/evolve.ts';
import type { Run } from '../../../shared/state/run.ts';
import { describeRun } from '../../../extension/views/describeRun.ts';
import { READER } from '../reader.ts';

const run: Run = {
  ...{ id: 'run1', workflow: { name: 'nightly', version: 1, digest: 'd' }, inputs: {}, principal: 'trigger:nightly.cron' },
  ...{ status: 'running', summary: '', submittedAt: '2026-01-02T03:00:00.000Z' },
  startedBy: { trigger: 'nightly.cron', kind: 'cron', firing: 'f', summary: 'it was 03:00 UTC', depth: 0 },
};

describe('the row of a run', () => {
  it('says by which trigger it was started, in the row and in the tooltip', () => {
    const row = describeRun({ run, state: emptyState(), definition: undefined, named: false }, READER);
    assert.match(row.description ?? '', / · nightly\.cron$/);
    assert.deepEqual(
      row.tooltip?.flatMap((line) => ('name' in line && /^(Started|Asked for) by$/.test(line.name) ? [line.value] : [])),
      ['nightly.cron: it was 03:00 UTC'],
    );
  });

  it('says nothing of it where somebody started it', () => {
    const { startedBy: _, ...byHand } = run;
    const row = describeRun({ run: { ...byHand, principal: 'user' }, state: emptyState(), definition: undefined, named: false }, READER);
    assert.doesNotMatch(row.description ?? '', /nightly/);
    assert.deepEqual(
      row.tooltip?.flatMap((line) => ('name' in line && /^(Started|Asked for) by$/.test(line.name) ? [line.value] : [])),
      ['user'],
    );
  });
});
