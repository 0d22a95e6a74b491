// The policies that are built in: short sections of a policy file, each of which stands for ordinary rules. Nothing else
// knows of them: what is explained, indexed, compared and recorded are the rules.
import * as z from 'zod';
import { strictShape } from '../../shared/yaml/source.ts';
import { Duration } from './asking.ts';
import type { RuleShape } from './load-shape.ts';

const MAX_LISTED = 100;

const Blocking = z.enum(['deny', 'require_approval', 'warn'], { error: 'write `deny`, `require_approval` or `warn`' });
const Count = z.int('write a whole number').min(1, 'write a number from 1').max(1_000_000);
const Amount = z.number('write a number').positive('write a number above 0').max(1e15);
const Pattern = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^"\\\n]+$/, 'write a name or a pattern such as `release/*`, without quotes in it');
const Patterns = z.array(Pattern).max(MAX_LISTED, `list at most ${MAX_LISTED}`).default([]);
const Spent = strictShape({ tokens: Amount.optional(), cost: Amount.optional(), minutes: Amount.optional() });

/** The sections, key by key. */
export const SECTIONS = {
  concurrency: strictShape({ agent: Count.optional(), tenant: Count.optional(), overall: Count.optional() }).optional(),
  timeout: strictShape({ default: Duration.optional(), max: Duration.optional() })
    .refine(({ default: usual = 0, max = Infinity }) => usual <= max, 'the default is longer than the longest')
    .optional(),
  phaseGate: strictShape({
    minSuccessRate: z.number('write a number').gt(0, 'write a share above 0').max(1, 'write a share of at most 1'),
    effect: Blocking.default('deny'),
  }).optional(),
  availability: z.literal('required', { error: 'write `required`, or leave it out' }).optional(),
  budget: strictShape({
    run: Spent.optional(),
    day: Spent.optional(),
    agent: Spent.optional(),
    effect: Blocking.default('deny'),
  }).optional(),
  protected: strictShape({ branches: Patterns, paths: Patterns, effect: Blocking.default('require_approval') }).optional(),
  secrets: strictShape({
    /** None means every kind. */
    kinds: z
      .array(z.string().regex(/^[a-z0-9-]+$/, 'write a kind such as `private-key`'))
      .max(MAX_LISTED)
      .default([]),
    effect: Blocking.default('deny'),
  }).optional(),
};

/** A section that stands in a file; the shape that all of them have together. */
export type Sections = { [Name in keyof typeof SECTIONS]?: z.infer<(typeof SECTIONS)[Name]> };

/** A rule that a section stands for, and the place in the file that it comes from. */
export interface ExpandedRule {
  rule: RuleShape;
  path: (string | number)[];
}

/** The rules that the sections of a file stand for. */
export function expandSections(sections: Sections): ExpandedRule[] {
  return [
    ...expandConcurrency(sections.concurrency),
    ...expandTimeout(sections.timeout),
    ...expandPhaseGate(sections.phaseGate),
    ...expandAvailability(sections.availability),
    ...expandBudget(sections.budget),
    ...expandBranches(sections.protected),
    ...expandPaths(sections.protected),
    ...expandSecrets(sections.secrets),
  ];
}

const WHOSE = { agent: 'The agent', tenant: 'The tenant', overall: 'The daemon' } as const;

function expandConcurrency(limits: Sections['concurrency'] = {}): ExpandedRule[] {
  return (['agent', 'tenant', 'overall'] as const).flatMap((scope): ExpandedRule[] => {
    const limit = limits[scope];
    if (limit === undefined) return [];
    const message = `${WHOSE[scope]} runs ${limit} task${limit === 1 ? '' : 's'} at once at most.`;
    const when = `context.running.${scope} >= ${limit}`;
    return [
      {
        rule: { id: `concurrency-${scope}`, on: ['task.dispatch'], when, effect: 'deny', message, severity: 'low' },
        path: ['concurrency', scope],
      },
    ];
  });
}

function expandTimeout({ default: usual, max }: NonNullable<Sections['timeout']> = {}): ExpandedRule[] {
  if (usual === undefined && max === undefined) return [];
  const on: RuleShape['on'] = ['task.submit'];
  const said = usual === undefined ? 'Nobody said a timeout.' : `Nobody said a timeout, so it is ${usual / 1_000} s.`;
  const timeout = { ...(usual === undefined ? {} : { default: usual }), ...(max === undefined ? {} : { max }) };
  const unsaid: ExpandedRule = {
    rule: { id: 'timeout-default', on, when: 'action.timeoutMs == 0', effect: 'allow', message: said, severity: 'info', timeout },
    path: ['timeout'],
  };
  if (max === undefined) return [unsaid];
  const message = `The timeout is cut to ${max / 1_000} s, the longest that a task may have.`;
  const when = `action.timeoutMs > ${max}`;
  return [
    unsaid,
    { rule: { id: 'timeout-max', on, when, effect: 'warn', message, severity: 'low', timeout: { max } }, path: ['timeout', 'max'] },
  ];
}

function expandPhaseGate(gate: Sections['phaseGate']): ExpandedRule[] {
  if (!gate) return [];
  const { minSuccessRate: rate, effect } = gate;
  const message = `Fewer than ${Math.round(rate * 1_000) / 10} % of the run's stages that have ended succeeded.`;
  const when = `!action.always && context.stages.rate < ${writeNumber(rate)}`;
  return [{ rule: { id: 'phase-gate', on: ['stage.advance'], when, effect, message, severity: 'high' }, path: ['phaseGate'] }];
}

function expandAvailability(required: Sections['availability']): ExpandedRule[] {
  if (required === undefined) return [];
  const path = ['availability'];
  const rule = { effect: 'deny', severity: 'medium' } as const;
  const gone = 'context.agent.status in ["", "offline", "failed", "draining"]';
  const message = 'The agent is not available.';
  return [
    { rule: { ...rule, id: 'agent-available', on: ['task.submit'], when: gone, message }, path },
    { rule: { ...rule, id: 'agent-ready', on: ['task.dispatch'], when: 'context.agent.status != "ready"', message }, path },
  ];
}

const SPENDER = { run: 'The run', day: 'This day', agent: 'The agent' } as const;
const SPENT = { tokens: 'tokens', cost: 'US dollars', minutes: 'minutes' } as const;
/** What uses something up, or is about to. */
const SPENDING: RuleShape['on'] = [
  ...(['task.dispatch', 'stage.advance', 'agent.execute', 'agent.edit', 'agent.read'] as const),
  ...(['agent.fetch', 'agent.mcp', 'agent.other'] as const),
];

function expandBudget(budget: Sections['budget']): ExpandedRule[] {
  return (['run', 'day', 'agent'] as const).flatMap((scope) =>
    (['tokens', 'cost', 'minutes'] as const).flatMap((unit): ExpandedRule[] => {
      const limit = budget?.[scope]?.[unit];
      if (!budget || limit === undefined) return [];
      const message = `${SPENDER[scope]} has used up its ${limit} ${SPENT[unit]}${scope === 'agent' ? ' of this day' : ''}.`;
      // What runs also after a failure tidies up, whatever was spent.
      const when = `context.usage.${scope}.${unit} >= ${writeNumber(limit)}`;
      const rule = { effect: budget.effect, message, severity: 'high' } as const;
      const path = ['budget', scope, unit];
      const others = SPENDING.filter((kind) => kind !== 'stage.advance');
      return [
        { rule: { ...rule, id: `budget-${scope}-${unit}`, on: others, when }, path },
        { rule: { ...rule, id: `budget-${scope}-${unit}-stage`, on: ['stage.advance'], when: `!action.always && ${when}` }, path },
      ];
    }),
  );
}

/** A number as a condition writes a double. */
function writeNumber(value: number): string {
  const text = value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 15 });
  return text.includes('.') ? text : `${text}.0`;
}

/** Commands of git that can move a branch that they name. */
const MOVES = '["push", "fetch", "pull", "branch", "update-ref", "symbolic-ref", "checkout", "switch", "reset", "merge", "rebase"]';

function expandBranches(section: Sections['protected']): ExpandedRule[] {
  const { branches = [], effect = 'deny' } = section ?? {};
  return branches.flatMap((branch, index): ExpandedRule[] => {
    const message = `The branch ${branch} is protected.`;
    const rule = { effect, message, severity: 'high' } as const;
    const path = ['protected', 'branches', index];
    const named = [branch, `+${branch}`, `*:${branch}`, `refs/heads/${branch}`, `*:refs/heads/${branch}`];
    const names = named.map((pattern) => matches('a', pattern)).join(' || ');
    const moved = `action.commands.exists(c, c.program == "git" && c.subcommand in ${MOVES} && c.args.exists(a, ${names}))`;
    return [
      { rule: { ...rule, id: `protected-branch-${index + 1}`, on: ['workspace.merge'], when: matches('action.into', branch) }, path },
      { rule: { ...rule, id: `protected-branch-${index + 1}-command`, on: ['agent.execute'], when: moved }, path },
    ];
  });
}

/** A comparison where the pattern is a plain name, so that a name without a slash does not match the end of a longer one. */
function matches(text: string, pattern: string): string {
  return /[*?]/.test(pattern) ? `glob(${text}, "${pattern}")` : `${text} == "${pattern}"`;
}

function expandPaths(section: Sections['protected']): ExpandedRule[] {
  const { paths = [], effect = 'deny' } = section ?? {};
  return paths.flatMap((pattern, index): ExpandedRule[] => {
    const rule = { effect, message: `${pattern} is protected.`, severity: 'high' } as const;
    const id = `protected-path-${index + 1}`;
    const path = ['protected', 'paths', index];
    const written = `action.commands.exists(c, c.redirections.exists(r, r.writes && glob(r.path.relative, "${pattern}")))`;
    return [
      { rule: { ...rule, id, on: ['agent.edit'], when: `action.paths.exists(p, glob(p.relative, "${pattern}"))` }, path },
      { rule: { ...rule, id: `${id}-merge`, on: ['workspace.merge'], when: `action.files.exists(f, glob(f, "${pattern}"))` }, path },
      { rule: { ...rule, id: `${id}-command`, on: ['agent.execute'], when: written }, path },
    ];
  });
}

function expandSecrets(section: Sections['secrets']): ExpandedRule[] {
  if (!section) return [];
  const { kinds, effect } = section;
  const when = kinds.length === 0 ? 'size(action.secrets) > 0' : `action.secrets.exists(s, s in ${JSON.stringify(kinds)})`;
  const message = 'What would be written holds a secret.';
  return [{ rule: { id: 'secrets', on: ['agent.edit'], when, effect, message, severity: 'critical' }, path: ['secrets'] }];
}
