// Whatever graph somebody writes: each stage runs at most once for each try, never before what it needs, and the run always ends.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { runEnded } from '../../../shared/state/run.ts';
import type { StageDefinition, WorkflowDefinition } from '../../../shared/state/workflow.ts';
import type { Command } from '../../../daemon/commands.ts';
import { Simulation } from '../../support/engine.ts';

const AGENTS: Command[] = ['worker', 'command'].map((agent) => ({
  type: 'agent/register',
  agent,
  role: '',
  capabilities: [],
  tags: [],
  adapter: 'command',
  slots: 3,
}));
const START: Command = { type: 'run/start', run: 'run-1', workflow: { name: 'test', version: 1, digest: 'd' }, inputs: {}, again: false };

interface Sketch {
  needs: number[];
  always: boolean;
  optional: boolean;
  retry: number;
  back: number | undefined;
  routes: boolean;
  join: number;
  gate: boolean;
}

const sketch = (index: number): fc.Arbitrary<Sketch> =>
  fc.record({
    needs: index === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(index - 1), { maxLength: 3 }),
    always: fc.boolean(),
    optional: fc.boolean(),
    retry: fc.nat(2),
    back: index === 0 ? fc.constant(undefined) : fc.option(fc.nat(index - 1), { nil: undefined }),
    routes: fc.boolean(),
    join: fc.nat(3),
    gate: fc.boolean(),
  });
const graphs = fc.integer({ min: 1, max: 9 }).chain((size) => fc.tuple(...Array.from({ length: size }, (_, index) => sketch(index))));

/** Stages by number, each needing earlier ones only; a step back leads to one that it depends on. */
function define(sketches: readonly Sketch[]): WorkflowDefinition {
  const above = sketches.map(() => new Set<number>());
  sketches.forEach(({ needs }, i) => {
    for (const need of needs) for (const one of [need, ...(above[need] ?? [])]) above[i]?.add(one);
  });
  const stages = sketches.map(({ needs, always, optional, retry, back, join, gate, routes }, i): StageDefinition => {
    const followers = sketches.flatMap((other, j) => (other.needs.includes(i) ? [j] : []));
    const isJoin = join === 3 && needs.length > 1;
    const chosenBy = needs.filter((need) => sketches[need]?.routes).map((need) => `s${need}`);
    const goes = back !== undefined && above[i]?.has(back) ? { back: { to: `s${back}`, atMost: 2 } } : {};
    return {
      id: `s${i}`,
      name: `s${i}`,
      needs: needs.map((need) => `s${need}`),
      ...(isJoin ? { join: { count: 1 + (i % needs.length), endRest: true } } : { agent: 'worker', action: 'do' }),
      inputs: [],
      outputs: [],
      worktree: 'none',
      when: [],
      always: !isJoin && always,
      optional,
      onDenied: 'fail',
      ...(isJoin ? {} : { onFailure: { retry, ...goes, last: 'fail' as const } }),
      ...(gate && !isJoin ? { criteria: [{ kind: 'flag' as const, text: 'ok', metric: 'ok', advisory: false }] } : {}),
      ...(routes && followers.length > 0 && !isJoin
        ? {
            next: [{ to: followers.slice(0, 1).map((j) => `s${j}`), value: 'way', equals: 'first' }, { to: followers.map((j) => `s${j}`) }],
          }
        : {}),
      ...(chosenBy.length > 0 && !isJoin ? { chosenBy } : {}),
    };
  });
  return { workflow: 'test', version: 1, inputs: {}, stages };
}

/** What the agents do follows from a number, so that a failing graph comes again. */
const dice = (seed: number, stage: string, count: number): number => {
  let hash = seed;
  for (const char of `${stage}/${count}`) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  return hash % 10;
};

function simulate(definition: WorkflowDefinition, seed: number): Simulation {
  const counts = new Map<string, number>();
  const simulation = new Simulation({
    work: (stage) => {
      const count = (counts.get(stage) ?? 0) + 1;
      counts.set(stage, count);
      const thrown = dice(seed, stage, count);
      if (thrown < 3) return { status: 'failed', code: thrown === 0 ? 'command_not_found' : 'command_failed', message: 'no' };
      return { values: { ok: thrown > 4, way: thrown % 2 === 0 ? 'first' : 'other' } };
    },
  });
  simulation.drive(definition, [...AGENTS, START], 20_000);
  return simulation;
}

describe('any graph', () => {
  it('ends, runs each stage at most once for each try, and none before what it needs', () => {
    fc.assert(
      fc.property(graphs, fc.nat(1_000_000), (sketches, seed) => {
        const definition = define(sketches);
        const s = simulate(definition, seed);
        const run = s.state.runs.get('run-1');
        assert.ok(run && runEnded(run), `the run is ${run?.status} after ${s.events.length} events`);
        const submitted = s.events.filter((e) => e.type === 'task.submitted').map((e) => e.task);
        assert.equal(new Set(submitted).size, submitted.length, 'a try was made twice');
        checkOrder(definition, s);
        const failed = definition.stages.filter(
          ({ id, optional }) => s.state.stages.get('run-1')?.get(id)?.status === 'failed' && !optional,
        );
        assert.equal(
          run.status === 'failure',
          failed.length > 0,
          `${run.status} with ${failed.map(({ id }) => id).join() || 'none'} failed`,
        );
      }),
      { numRuns: 150 },
    );
  });
});

/** Over the whole record: when a stage starts, each stage that it needs has ended, in this turn of it. */
function checkOrder(definition: WorkflowDefinition, s: Simulation): void {
  const byId = new Map(definition.stages.map((stage) => [stage.id, stage]));
  const ended = new Set<string>();
  for (const event of s.events) {
    if (event.type === 'run.returned') for (const id of event.data.stages) ended.delete(id);
    const id = event.stage ?? '';
    if (['stage.completed', 'stage.failed', 'stage.skipped', 'stage.canceled'].includes(event.type)) ended.add(id);
    if (event.type !== 'stage.started' || byId.get(id)?.join) continue;
    for (const need of byId.get(id)?.needs ?? []) assert.ok(ended.has(need), `${id} began before ${need} had ended`);
  }
}
