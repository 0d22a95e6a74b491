/**
 * What the engine itself takes for each stage: runs of 1,000 and 10,000 stages (wide, deep, diamonds) whose agents do nothing, without
 * a disk, as the ratio of the two costs; and how soon a file of 2,000 stages is checked: `npm run bench -- --only workflow`.
 */
import { advanceRun } from '../../daemon/workflow/advance.ts';
import { loadWorkflow } from '../../daemon/workflow/load.ts';
import type { Command } from '../../daemon/commands.ts';
import { assignPending } from '../../daemon/scheduler/schedule.ts';
import type { Event } from '../../shared/events/envelope.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import { Simulation } from '../support/engine.ts';
import { median, round, type Row, times } from './row.ts';

const SIZES = [1_000, 10_000] as const;
const SHAPES: Record<string, (n: number) => string[]> = {
  wide: (n) => (n === 0 ? [] : ['s0']),
  deep: (n) => (n === 0 ? [] : [`s${n - 1}`]),
  diamond: (n) => {
    if (n === 0) return [];
    const place = (n - 1) % 3;
    return place === 2 ? [`s${n - 1}`, `s${n - 2}`] : [`s${n - 1 - place}`];
  },
};
/** The cost of a stage may grow by so much where the run is ten times as long: caches and the collector have more to do. */
const MAX_GROWTH = 2;
const VALIDATE_MS = 300;
const AGENT: Command = {
  type: 'agent/register',
  agent: 'nobody',
  ...{ role: '', capabilities: [], tags: [], adapter: 'command', slots: 32 },
};

function define(count: number, needs: (n: number) => string[]): WorkflowDefinition {
  const text = 'workflow: bench\nversion: 1\nstages:\n  - { id: s0, agent: nobody, action: do }\n';
  const loaded = loadWorkflow({ text, file: 'bench.yaml' });
  const [first] = loaded.ok ? loaded.definition.stages : [];
  if (!loaded.ok || !first) throw new Error('The workflow of the benchmark does not load.');
  const stages = Array.from({ length: count }, (_, n): StageDefinition => ({ ...first, id: `s${n}`, name: `s${n}`, needs: needs(n) }));
  return { ...loaded.definition, stages };
}

/** Runs it to its end as the daemon's loop does: what was recorded says which stages to look at. Returns milliseconds. */
function runToEnd(definition: WorkflowDefinition): number {
  const simulation = new Simulation();
  let ids = 0;
  const begin = performance.now();
  const start: Command = { type: 'run/start', run: 'r', workflow: { name: 'bench', version: 1, digest: 'd' }, inputs: {}, again: false };
  let queue: Command[] = [AGENT, start];
  while (queue.length > 0) {
    const events = queue.flatMap((command) => simulation.apply(command));
    for (const command of assignPending(simulation.state, () => `a${++ids}`)) events.push(...simulation.apply(command));
    queue = events.flatMap((event) => work(event));
    const whole = events.some(({ type }) => type === 'run.started' || type === 'agent.registered');
    const touched = whole ? undefined : new Set(events.flatMap(({ stage }) => stage ?? []));
    const run = simulation.state.runs.get('r');
    if (run) queue.push(...advanceRun(simulation.state, run, definition, { taskTimeoutMs: 1_000, touched }));
  }
  const ms = performance.now() - begin;
  if (simulation.state.runs.get('r')?.status !== 'success') throw new Error('The run of the benchmark did not succeed.');
  return ms;
}

/** An agent that has done its work when it is asked to. */
function work(event: Event): Command[] {
  if (event.type !== 'task.assigned') return [];
  const at = { attempt: event.attempt ?? '', token: event.data.token };
  return [
    { type: 'attempt/run', ...at },
    { type: 'attempt/end', ...at, ending: { status: 'succeeded', values: {} } },
  ];
}

function validate(count: number): number {
  const stages = Array.from({ length: count }, (_, n) => {
    const needs = n === 0 ? '' : `    needs: [s${Math.floor((n - 1) / 2)}]\n`;
    return `  - id: s${n}\n    agent: command\n    command: [echo, "${n}"]\n${needs}`;
  });
  const text = `workflow: bench\nversion: 1\nstages:\n${stages.join('')}`;
  const begin = performance.now();
  const loaded = loadWorkflow({ text, file: 'bench.yaml' });
  const ms = performance.now() - begin;
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => p.message).join('\n'));
  return ms;
}

export const workflowRow: Row = {
  name: 'workflow',
  about: 'the engine itself, by stage, in runs of 1,000 and 10,000 stages; a file of 2,000 stages is checked',
  measure({ say }) {
    const shapes = Object.entries(SHAPES).map(([shape, needs]) => {
      const [small, large] = SIZES;
      runToEnd(define(small, needs));
      const [few = 0, many = 0] = [small, large].map((count) => (runToEnd(define(count, needs)) / count) * 1_000);
      say(`${shape}: ${round(few, 0)} and ${round(many, 0)} microseconds by stage`);
      return { shape, few, many, growth: many / few };
    });
    const checked = median([0, 1, 2, 3, 4].map(() => validate(2_000)));
    const lines = shapes.map(({ shape, few, many, growth }) => ({
      what: `a stage of 10,000, ${shape}`,
      ours: `${round(many, 0)} us`,
      beside: `${round(few, 0)} us of 1,000`,
      ratio: times(growth),
      budget: `< ${MAX_GROWTH} x`,
      met: growth < MAX_GROWTH,
    }));
    const line = {
      what: 'a file of 2,000 stages',
      ours: `${round(checked, 0)} ms`,
      budget: `< ${VALIDATE_MS} ms`,
      met: checked < VALIDATE_MS,
    };
    return Promise.resolve({ lines: [...lines, line], figures: { shapes, validateMs: checked } });
  },
};
