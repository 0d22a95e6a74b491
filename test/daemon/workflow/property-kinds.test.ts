// Graphs of every kind of stage: lists, deliberations, other workflows and questions to a person. What holds of any graph holds of these,
// and a restart at any event of them leads to the same end.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { runEnded } from '../../../shared/state/run.ts';
import { stageEnded } from '../../../shared/state/stage.ts';
import type { Task } from '../../../shared/state/task.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import type { Command } from '../../../daemon/commands.ts';
import { sha256 } from '../../../daemon/platform/digest.ts';
import { loadWorkflow } from '../../../daemon/workflow/load.ts';
import { type Scripts, Simulation } from '../../support/engine.ts';

const SETUP: Command[] = [
  ...['worker', 'left', 'right'].map(
    (agent): Command => ({ type: 'agent/register', agent, role: '', capabilities: [], tags: [], adapter: 'command', slots: 3 }),
  ),
  { type: 'run/start', run: 'run-1', workflow: { name: 'test', version: 1, digest: 'd' }, inputs: {}, again: false },
];
/** A restart comes after every so many events, from another one on in each graph: so the test stays quick. */
const STEP = 7;
/** Events of a run that does not end by itself; none of these graphs needs nearly as many. */
const ENOUGH = 20_000;
const INNER = `
workflow: inner
version: 1
stages:
  - { id: one, agent: worker, action: do, on_failure: { retry: 1, otherwise: ask } }
  - { id: two, agent: worker, action: do, needs: [one], matrix: { over: [x, y], fail_fast: false } }
`;

type Kind = 'work' | 'list' | 'talk' | 'call' | 'calls';
interface Sketch {
  kind: Kind;
  needs: number[];
  always: boolean;
  optional: boolean;
  retry: number;
  otherwise: 'ask' | 'fail' | 'skip';
  back: number | undefined;
  items: number;
  atOnce: number;
  failFast: boolean;
}

/** How the stages of a graph may depend on the order in which attempts end. */
interface Freedom {
  most: number;
  /** Steps back, and lists that end with the first failure: what comes of them follows from what happens first. */
  races: boolean;
}

const sketch = (index: number, { races }: Freedom): fc.Arbitrary<Sketch> =>
  fc.record({
    kind: fc.constantFrom<Kind>('work', 'list', 'talk', 'call', 'calls'),
    needs: index === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(index - 1), { maxLength: 2 }),
    always: fc.boolean(),
    optional: fc.boolean(),
    retry: fc.nat(1),
    otherwise: fc.constantFrom('ask', 'ask', 'fail', 'skip'),
    back: index === 0 || !races ? fc.constant(undefined) : fc.option(fc.nat(index - 1), { nil: undefined }),
    items: fc.integer({ min: 1, max: 4 }),
    atOnce: fc.integer({ min: 1, max: 3 }),
    failFast: races ? fc.boolean() : fc.constant(false),
  });
const graphs = (freedom: Freedom): fc.Arbitrary<Sketch[]> =>
  fc
    .integer({ min: 1, max: freedom.most })
    .chain((size) => fc.tuple(...Array.from({ length: size }, (_, index) => sketch(index, freedom))));

function workOf({ kind, items, atOnce, failFast }: Sketch): object {
  const matrix = { over: Array.from({ length: items }, (_, i) => i), max_parallel: atOnce, fail_fast: failFast };
  switch (kind) {
    case 'work':
      return { agent: 'worker', action: 'do', gate: ['ok'] };
    case 'list':
      return { agent: 'worker', action: 'do', matrix };
    case 'talk':
      return { prompt: 'p', deliberate: { agents: ['left', 'right'], rounds: 2, required_consensus: 0.6, quorum: 1 } };
    case 'call':
      return { workflow: 'inner' };
    case 'calls':
      return { workflow: 'inner', matrix };
    default:
      return kind satisfies never;
  }
}

/** The graph as a file says it, and read as any file is. */
function define(sketches: readonly Sketch[]): { definition: WorkflowDefinition; called: readonly WorkflowDefinition[] } {
  const above: Set<number>[] = [];
  for (const { needs } of sketches) above.push(new Set(needs.flatMap((need) => [need, ...(above[need] ?? [])])));
  const stages = sketches.map((one, i) => ({
    id: `s${i}`,
    needs: one.needs.map((need) => `s${need}`),
    ...{ always: one.always, optional: one.optional },
    on_failure: {
      ...{ retry: one.retry, otherwise: one.otherwise },
      ...(one.back !== undefined && above[i]?.has(one.back) ? { back_to: `s${one.back}`, at_most: 1 } : {}),
    },
    ...workOf(one),
  }));
  const find = (name: string) => (name === 'inner' ? { file: 'inner.yaml', text: INNER } : undefined);
  const text = JSON.stringify({ workflow: 'test', version: 1, stages });
  const loaded = loadWorkflow({ text, file: 'test.yaml', others: { names: ['inner'], find, hash: sha256 } });
  if (!loaded.ok) throw new Error(`${text}\n${loaded.problems.map(({ message }) => message).join('\n')}`);
  return loaded;
}

/** A number below ten that follows from what is asked about alone, so that a restart and a failing graph meet it again. */
const dice = (seed: number, about: string): number => {
  let hash = seed;
  for (const char of about) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  return hash % 10;
};

/** What agents do. */
const scripts = (seed: number): Scripts => ({
  work: (_stage, _attempt, task) => {
    const thrown = dice(seed, task?.id ?? '');
    if (thrown < 3) return { status: 'failed', code: thrown === 0 ? 'command_not_found' : 'command_failed', message: 'no' };
    return { values: valuesOf(task, thrown) };
  },
});

function valuesOf(task: Task | undefined, thrown: number): Record<string, unknown> {
  if (task?.part !== 'deliberate') return { ok: thrown > 4 };
  const { round } = task.payload['deliberation'] as { round: number };
  if (round === 1) return { proposal: `${thrown}` };
  return { vote: { for: thrown % 2 === 0 ? 'left' : 'right', confidence: 0.9, reasons: ['so it is'] } };
}

/** Goes on until nothing moves, also when everybody who was asked has answered. */
function settle(s: Simulation, definition: WorkflowDefinition, seed: number, most = ENOUGH): Simulation {
  s.drive(definition, s.state.runs.has('run-1') ? [] : SETUP, most);
  while (s.state.asked.size > 0 && s.events.length < most) {
    const [id = ''] = s.state.asked;
    const asked = s.state.approvals.get(id);
    const thrown = dice(seed, `${asked?.run}/${asked?.stage}/${asked?.key}`);
    const how = thrown < 3 ? ({ answer: 'deny' } as const) : ({ answer: 'grant', choice: thrown < 7 ? 'retry' : 'skip' } as const);
    s.drive(definition, [{ type: 'approval/answer', approval: id, by: 'anna', reason: 'so', ...how }], most);
  }
  return s;
}

const begin = (called: readonly WorkflowDefinition[], seed: number): Simulation => new Simulation(scripts(seed)).know(called);

/** Everything that the restart of a daemon may not change. */
const endOf = ({ state }: Simulation) => ({
  runs: [...state.runs.values()].map(({ id, status, code }) => `${id} ${status} ${code}`).sort(),
  stages: [...state.stages]
    .flatMap(([run, of]) => [...of.values()].map(({ id, status, round }) => `${run} ${id} ${status} ${round}`))
    .sort(),
  tasks: [...state.tasks.values()].map(({ id, status }) => `${id} ${status}`).sort(),
  asked: [...state.approvals.values()].map(({ run, stage, key, status }) => `${run} ${stage} ${key} ${status}`).sort(),
});

describe('any graph of lists, deliberations, other workflows and questions', () => {
  it('ends, does nothing twice, and nothing before what it needs', () => {
    fc.assert(
      fc.property(graphs({ most: 6, races: true }), fc.nat(1_000_000), (sketches, seed) => {
        const { definition, called } = define(sketches);
        const s = settle(begin(called, seed), definition, seed);
        for (const run of s.state.runs.values()) {
          assert.ok(runEnded(run), `${run.id} is ${run.status} after ${s.events.length} events`);
          const stages = [...(s.state.stages.get(run.id)?.values() ?? [])];
          assert.deepEqual(
            stages.filter((stage) => !stageEnded(stage)),
            [],
          );
          const { stages: defs } = s.definitionOf(run.id, definition);
          const lost = defs.filter(({ id, optional }) => !optional && stages.find((one) => one.id === id)?.status === 'failed');
          if (run.status !== 'canceled') assert.equal(run.status === 'failure', lost.length > 0, `${run.id} is ${run.status}`);
        }
        assert.notEqual(s.state.runs.get('run-1')?.status, 'canceled');
        assert.deepEqual([s.state.asked.size, s.state.pending.size, s.state.active.size], [0, 0, 0], 'something of it is left');
        const submitted = s.events.filter(({ type }) => type === 'task.submitted').map(({ task }) => task);
        assert.equal(new Set(submitted).size, submitted.length, 'a try was made twice');
        checkOrder(s, definition);
      }),
      { numRuns: 40 },
    );
  });

  it('comes to the same end from a restart at any of its events', () => {
    fc.assert(
      fc.property(graphs({ most: 4, races: false }), fc.nat(1_000_000), (sketches, seed) => {
        const { definition, called } = define(sketches);
        const whole = settle(begin(called, seed), definition, seed);
        const end = endOf(whole);
        for (let stop = SETUP.length + (seed % STEP); stop < whole.events.length; stop += STEP) {
          const cut = settle(begin(called, seed), definition, seed, stop);
          assert.deepEqual(endOf(settle(cut.restart(definition), definition, seed)), end, `stopped after ${stop} events`);
        }
      }),
      { numRuns: 4 },
    );
  });
});

/** Over the whole record: a stage starts when all that it needs has ended, in this turn of it, and a list has no more under way than it may. */
function checkOrder(s: Simulation, definition: WorkflowDefinition): void {
  const ended = new Set<string>();
  const open = new Map<string, Set<string>>();
  for (const event of s.events) {
    const { run = '', stage: id = '' } = event;
    const { stages } = s.definitionOf(run, definition);
    if (event.type === 'run.returned')
      for (const one of event.data.stages) {
        ended.delete(`${run}/${one}`);
        for (const items of open.values()) items.delete(`${run}/${one}`);
      }
    const def = stages.find((one) => one.id === id);
    const list = open.get(`${run}/${def?.instance?.of}`) ?? new Set();
    if (['stage.completed', 'stage.failed', 'stage.skipped', 'stage.canceled'].includes(event.type)) {
      ended.add(`${run}/${id}`);
      list.delete(`${run}/${id}`);
    }
    if (event.type !== 'stage.started') continue;
    for (const need of def?.needs ?? []) assert.ok(ended.has(`${run}/${need}`), `${run}/${id} began before ${need} had ended`);
    if (!def?.instance) continue;
    open.set(`${run}/${def.instance.of}`, list.add(`${run}/${id}`));
    const most = stages.find((one) => one.id === def.instance?.of)?.matrix?.maxParallel ?? Infinity;
    assert.ok(list.size <= most, `${list.size} of ${def.instance.of} were under way, ${most} may be`);
  }
}
