import assert from 'node:assert/strict';
import { AGENT_TABLE } from '../../../shared/state/agent.ts';
import { APPROVAL_TABLE } from '../../../shared/state/approval.ts';
import { ATTEMPT_TABLE } from '../../../shared/state/attempt.ts';
import { RUN_TABLE, STAGE_TABLE } from '../../../shared/state/run.ts';
import { TASK_TABLE } from '../../../shared/state/task.ts';
import type { StateTable } from '../../../shared/state/table.ts';

/** Written out as the design says it, arrow by arrow; a change of a table has to be made here too. */
const DESIGN: Record<string, [StateTable<string>, string]> = {
  agent: [
    AGENT_TABLE,
    'starting>ready starting>failed ready>busy busy>ready busy>draining ready>draining ready>offline draining>offline ready>failed busy>failed draining>failed offline>starting failed>starting',
  ],
  attempt: [
    ATTEMPT_TABLE,
    'starting>running running>succeeded running>failed running>canceled running>timeout running>interrupted starting>failed starting>canceled starting>timeout starting>interrupted',
  ],
  task: [
    TASK_TABLE,
    'pending>assigned assigned>running running>completed running>failed running>canceled running>timeout assigned>pending running>pending assigned>failed assigned>canceled assigned>timeout pending>canceled pending>failed pending>skipped',
  ],
  run: [
    RUN_TABLE,
    'queued>running queued>canceled queued>failure running>waiting_approval running>paused waiting_approval>running waiting_approval>paused paused>running running>success running>failure running>canceled waiting_approval>canceled waiting_approval>failure paused>canceled paused>failure',
  ],
  stage: [
    STAGE_TABLE,
    'deciding>admitted deciding>failed deciding>skipped deciding>canceled admitted>running admitted>checking admitted>completed admitted>failed admitted>skipped admitted>canceled running>deciding running>checking running>skipped checking>deciding checking>running checking>completed checking>failed checking>skipped checking>canceled running>completed running>failed running>canceled',
  ],
  approval: [APPROVAL_TABLE, 'pending>granted pending>denied pending>expired pending>voided granted>used granted>lapsed granted>revoked'],
};

const arrows = (table: StateTable<string>): string[] =>
  Object.entries(table)
    .flatMap(([from, to]) => to.map((t) => `${from}>${t}`))
    .sort();

describe('the state tables', () => {
  for (const [name, [table, spec]] of Object.entries(DESIGN)) {
    it(`of ${name} allow exactly the steps of the design`, () => assert.deepEqual(arrows(table), spec.split(' ').sort()));
  }
});
