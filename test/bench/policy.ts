/**
 * How soon the policy decides: 10, 100 and 1,000 rules of which at most 20 can match an action, without any cache, beside the
 * same rules without the index and the quick look, and beside rules that no index can help: `npm run bench -- --only policy`.
 */
import { createHash } from 'node:crypto';
import { decideAction } from '../../daemon/policy/decide.ts';
import { loadPolicies } from '../../daemon/policy/load.ts';
import { indexRules } from '../../daemon/policy/rule-index.ts';
import type { Policies, Rule } from '../../daemon/policy/rules.ts';
import { type Action, ACTION_KINDS, SimpleCommand } from '../../shared/state/action.ts';
import { contextOf } from '../../shared/state/decision-context.ts';
import { emptyState } from '../../shared/state/evolve.ts';
import { type Row, times } from './row.ts';

/** Rules that share their program, so that no more than so many are left when one is asked for. */
const ALIKE = 20;
const SIZES = [10, 100, 1_000] as const;
const ROUNDS = 8;
/** Microseconds that DESIGN allows at the 99th percentile, with 1,000 rules. */
const BUDGET_US = 100;
const IDLE = contextOf(emptyState(), { agent: 'a', run: 'r' }, 0);
const COMMON = { summary: 's', agent: 'a', run: 'r', stage: 's', task: 't', repo: '/repo', risk: 'low' } as const;

/** Rules as people write them: a program, and something about its arguments that takes more than a comparison. */
const ABOUT = [
  (n: number) => `c.subcommand in ["push${n % 7}", "fetch"] && !c.opaque`,
  (n: number) => `c.args.exists(a, a.startsWith("--flag${n % 11}"))`,
  (n: number) => `c.args.exists(a, glob(a, "src/**/f${n % 13}*.ts"))`,
  (n: number) => `size(c.args) > ${n % 5} && c.cwd != "."`,
];
const EFFECTS = ['allow', 'warn', 'require_approval', 'deny'];

/** `count` rules; the last kind of them demands nothing that an index could know. */
function writeRules(count: number, indexable: boolean): string {
  const rules = Array.from({ length: count }, (_, n) => {
    const program = `prog${Math.floor(n / ALIKE)}`;
    const about = ABOUT[n % ABOUT.length]?.(n) ?? '';
    const test = indexable ? `c.program == "${program}"` : `c.program.startsWith("${program}-")`;
    const when = `action.commands.exists(c, ${test} && ${about})`;
    return `  - {id: r${n}, on: [agent.execute], effect: ${EFFECTS[n % EFFECTS.length]}, message: Rule ${n}., when: ${JSON.stringify(when)}}`;
  });
  return `policy: bench\nversion: 1\ndefault: require_approval\nrules:\n${rules.join('\n')}\n`;
}

function load(text: string): { policies: Policies; ms: number } {
  const begin = performance.now();
  const hash = (source: string) => createHash('sha256').update(source).digest('hex');
  const loaded = loadPolicies([{ text, file: 'bench.yaml', origin: 'user', trusted: true }], hash);
  const ms = performance.now() - begin;
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => p.message).join('\n'));
  return { policies: loaded.policies, ms };
}

/** The same rules for an engine that evaluates each of them with the expression library. */
function withoutIndex(policies: Policies): Policies {
  const plain = ({ condition, ...rule }: Rule): Rule =>
    condition ? { ...rule, condition: { ...condition, quick: () => undefined } } : rule;
  const indexes = Object.fromEntries(
    ACTION_KINDS.map((kind) => {
      const all = policies.byKind[kind].map(plain);
      return [kind, { ...indexRules([]), all, always: all }];
    }),
  ) as unknown as Policies['indexes'];
  return { ...policies, indexes };
}

/** Lines of three simple commands, none twice. */
function makeActions(count: number, programs: number): Action[] {
  return Array.from({ length: count }, (_, n): Action => {
    const commands = [0, 1, 2].map((part) =>
      SimpleCommand.parse({
        program: part === 1 ? `prog${n % programs}` : `other${(n + part) % 9}`,
        args: [`--flag${n % 23}`, `src/a/b/f${n % 29}x.ts`, `-${'abcdef'[n % 6]}`, String(n)],
        ...{ subcommand: `push${n % 9}`, options: [`--flag${n % 23}`], opaque: n % 5 === 0, cwd: n % 3 === 0 ? '.' : 'sub' },
      }),
    );
    const line = { argv: ['sh', '-c', `line ${n}`], line: `line ${n}`, commands, problem: '' };
    return { kind: 'agent.execute', ...COMMON, ...line, cwd: '.', source: 'agent', base: '' };
  });
}

interface Speed {
  perSecond: number;
  p50: number;
  p99: number;
}

/**
 * Microseconds of each decision. Each action is decided in every round, and its soonest counts: what other work on the machine
 * does in between is no part of what a decision takes.
 */
function measure(policies: Policies, actions: readonly Action[]): Speed {
  const soonest = actions.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round += 1)
    actions.forEach((action, n) => {
      const begin = performance.now();
      decideAction(policies, action, IDLE);
      soonest[n] = Math.min(soonest[n] ?? Infinity, (performance.now() - begin) * 1_000);
    });
  const total = soonest.reduce((sum, us) => sum + us, 0);
  const sorted = soonest.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
  return { perSecond: (soonest.length * 1e6) / total, p50: at(0.5), p99: at(0.99) };
}

interface Measured {
  rules: number;
  loadMs: number;
  indexed: Speed;
  unindexed: Speed;
  /** No rule can be indexed. */
  worst: Speed;
}

function measureSize(rules: number): Measured {
  const { policies, ms } = load(writeRules(rules, true));
  const { policies: worst } = load(writeRules(rules, false));
  const actions = makeActions(5_000, Math.ceil(rules / ALIKE));
  const few = actions.slice(0, Math.max(200, 20_000 / rules));
  const indexed = measure(policies, actions);
  return { rules, loadMs: ms, indexed, unindexed: measure(withoutIndex(policies), few), worst: measure(worst, few) };
}

const us = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} us`;
const describe = ({ perSecond, p50, p99 }: Speed): string => `${Math.round(perSecond)}/s, p50 ${us(p50)}, p99 ${us(p99)}`;

export const policyRow: Row = {
  name: 'policy',
  about: `decisions a second with 10, 100 and 1,000 rules of which at most ${ALIKE} can match, without a cache`,
  measure() {
    const figures = SIZES.map(measureSize);
    const lines = figures.map(({ rules, indexed, unindexed, worst }) => ({
      what: `policy decision, ${rules} rules`,
      ours: describe(indexed),
      beside: `unindexed p99 ${us(unindexed.p99)}; no rule indexable p99 ${us(worst.p99)}`,
      ratio: times(unindexed.p50 / indexed.p50),
      ...(rules === 1_000 ? { budget: `p99 ${BUDGET_US} us`, met: indexed.p99 <= BUDGET_US } : {}),
    }));
    return Promise.resolve({ lines, figures });
  },
};
