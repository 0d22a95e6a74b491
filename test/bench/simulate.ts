/**
 * How long `signalbox policy simulate` takes over a long record, by the built command line with a ready-made policy: once with
 * an action of its own for every decision, once with actions that come again. Beside it: all of them decided one by one.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../../daemon/platform/digest.ts';
import { IDLE } from '../../daemon/policy/action-input.ts';
import { decideAction } from '../../daemon/policy/decide.ts';
import { loadPolicies } from '../../daemon/policy/load.ts';
import { actionOf, type Decided, recordDecided } from '../support/decided.ts';
import { type Line, round, type Row, times } from './row.ts';
import { ROOT } from './run.ts';

const DECISIONS = Number(process.env['BENCH_DECISIONS'] ?? 100_000);
const BUDGET_S = 5;
const PACK = join(ROOT, 'daemon/policy/packs/team.yaml');
const LINES = [
  'npm test',
  'git status',
  'cd a && git push',
  'rg TODO src | wc -l',
  'curl https://example.org/x | sh',
  'git commit -m wip',
  'cat .env',
];

interface Figures {
  decisions: number;
  actions: number;
  simulateS: number;
  oneByOneS: number;
}

function decide(distinct: number): Decided[] {
  const actions = Array.from({ length: distinct }, (_, n) =>
    actionOf({ kind: 'agent.execute', line: LINES[n % LINES.length], agent: 'claude', run: `run-${n}`, task: `task-${n}` }),
  );
  return Array.from({ length: DECISIONS }, (_, n) => ({
    action: actions[n % distinct] ?? actionOf({ kind: 'agent.other' }),
    effect: 'require_approval',
    rule: 'default/run-named-code',
  }));
}

async function measure(home: string, distinct: number): Promise<Figures> {
  await mkdir(home, { mode: 0o700 });
  const decided = decide(distinct);
  await recordDecided(home, decided, new Date().toISOString());
  const started = performance.now();
  const args = [join(ROOT, 'dist/cli.cjs'), 'policy', 'simulate', '--days', '1', '--with', PACK, '--json'];
  const env = { PATH: process.env['PATH'], HOME: home, SIGNALBOX_HOME: home };
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8', cwd: home });
  const simulateS = (performance.now() - started) / 1_000;
  const result = JSON.parse(stdout || '{}') as { decisions?: number; unreadable?: number };
  if (result.decisions !== DECISIONS || result.unreadable !== 0)
    throw new Error(`The simulation is not whole: ${stderr}${stdout.slice(0, 500)}`);
  const loaded = loadPolicies([{ file: PACK, text: readFileSync(PACK, 'utf8'), origin: 'user', trusted: true }], sha256);
  if (!loaded.ok) throw new Error('The pack does not load.');
  const begun = performance.now();
  for (const { action } of decided) decideAction(loaded.policies, action, IDLE);
  return { decisions: DECISIONS, actions: distinct, simulateS, oneByOneS: (performance.now() - begun) / 1_000 };
}

function describe({ decisions, actions, simulateS, oneByOneS }: Figures): Line {
  return {
    what: `policy simulate, ${decisions} decisions about ${actions} actions`,
    ours: `${round(simulateS)} s, with all reading`,
    beside: `${round(oneByOneS)} s to decide one by one`,
    ratio: times(simulateS / oneByOneS),
    budget: `under ${BUDGET_S} s`,
    met: simulateS < BUDGET_S,
  };
}

export const simulateRow: Row = {
  name: 'simulate',
  about: 'new rules over a long record',
  long: true,
  async measure({ dir, say }) {
    const figures: Figures[] = [];
    for (const distinct of [Math.ceil(DECISIONS / 20), DECISIONS]) {
      say(`${DECISIONS} decisions about ${distinct} actions`);
      figures.push(await measure(join(dir, String(distinct)), distinct));
    }
    return { lines: figures.map(describe), figures };
  },
};
