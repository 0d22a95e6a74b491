// The actions of the built-in agents: what each reads from its inputs, and what it says about what it did.
import * as z from 'zod';
import { Findings } from '../../../shared/artifacts/findings.ts';
import { Plan } from '../../../shared/artifacts/plan.ts';
import { Repairs } from '../../../shared/artifacts/repairs.ts';
import { ReportInput } from '../../../shared/artifacts/report.ts';
import type { GitWhere } from '../../platform/git.ts';
import type { Json } from '../agent.ts';
import { performRepairs } from './control-plane/repair.ts';
import { compareFindings } from './data-plane/compare.ts';
import { scanCommit } from './data-plane/scan.ts';
import { planRepairs } from './reasoning/plan.ts';
import { writeReport } from './reasoning/report.ts';
import type { Frame, Order } from './wire.ts';

type Say = (frame: Frame) => void;
type Values = Record<string, Json>;

/** What an action cannot do, as an answer: `code` is stable. */
export class ActionError extends Error {
  override readonly name = 'ActionError';
  readonly code: string;
  readonly values: Values;

  constructor(code: string, message: string, values: Values = {}) {
    super(message);
    this.code = code;
    this.values = values;
  }
}

/** Performs one order and returns its values; throws ActionError for what it cannot do. */
export async function performOrder(order: Order, say: Say): Promise<Values> {
  const action = ACTIONS[`${order.agent} ${order.action}`];
  if (action === undefined) {
    throw new ActionError(
      'unknown_action',
      `There is no built-in action ${order.action} of ${order.agent}. Choose one of: ${Object.keys(ACTIONS).join(', ')}.`,
    );
  }
  return action(order, say);
}

const ACTIONS: Readonly<Record<string, (order: Order, say: Say) => Promise<Values>>> = {
  'data-plane scan': scan,
  'data-plane verify': verify,
  'reasoning plan': plan,
  'reasoning report': report,
  'control-plane repair': repair,
};

async function scan(order: Order, say: Say): Promise<Values> {
  const findings = await scanFor(order, say);
  sayJson(say, 'findings.json', findings);
  const { testCommand } = findings.project;
  return {
    findings: findings.findings.length,
    high: findings.findings.filter((finding) => finding.severity === 'high').length,
    types: findings.project.types,
    ...(testCommand === undefined
      ? {}
      : { testCommand: testCommand.argv, testSource: `${testCommand.source.file}:${testCommand.source.line}` }),
  };
}

async function verify(order: Order, say: Say): Promise<Values> {
  const before = readInput(order, 'findings', Findings);
  const repairs = readInput(order, 'repairs', Repairs);
  const after = await scanFor(order, say);
  const verification = compareFindings(before, after, repairs);
  sayJson(say, 'verification.json', verification);
  const values = { gone: verification.gone.length, remaining: verification.remaining.length, added: verification.added.length };
  if (verification.incomplete.length > 0) {
    const names = verification.incomplete.map(({ repair: id }) => id).join(', ');
    throw new ActionError('repair_incomplete', `What these repairs were for is still there: ${names}. Look at verification.json.`, values);
  }
  return values;
}

async function scanFor(order: Order, say: Say): Promise<Findings> {
  const where = gitWhere(order);
  const { commit } = order;
  if (commit === undefined || commit === '')
    throw new ActionError('no_commit', 'The repository has no commit yet. Make one, then run again.');
  return scanCommit(where, commit, {
    onProgress: (text, fraction) => say({ type: 'progress', text, activity: 'analyzing', fraction: clamp(fraction) }),
  });
}

async function plan(order: Order, say: Say): Promise<Values> {
  const planned = planRepairs(readInput(order, 'findings', Findings));
  sayJson(say, 'plan.json', planned);
  return { repairs: planned.repairs.length, manual: planned.manual.length };
}

async function report(order: Order, say: Say): Promise<Values> {
  const { markdown, summary } = writeReport(readReportInput(order));
  say({ type: 'artifact', name: 'report.md', mediaType: 'text/markdown', content: markdown });
  return { ...summary };
}

async function repair(order: Order, say: Say): Promise<Values> {
  const { worktree } = order;
  if (worktree === undefined) throw new ActionError('no_worktree', 'A repair needs a worktree of its own; give the stage `worktree: own`.');
  const where = { gitDir: worktree.gitDir, workTree: worktree.path };
  const planned = readInput(order, 'plan', Plan);
  const refused = readOptional(order, 'refused', z.record(z.string(), z.string().max(2_000)));
  const repairs = await performRepairs(where, {
    run: order.run,
    plan: planned,
    allowed: new Set(readInput(order, 'allowed', Ids)),
    done: new Set(readOptional(order, 'done', Ids)),
    refusals: new Map(Object.entries(refused ?? {})),
    onCommitted: ({ id }, commit, summary) => say({ type: 'committed', key: id, commit, summary }),
    onProgress: (text, fraction) => say({ type: 'progress', text, activity: 'executing', fraction: clamp(fraction) }),
  });
  sayJson(say, 'repairs.json', repairs);
  const done = repairs.results.filter((result) => result.status === 'done');
  const values = { commit: repairs.head, committed: done.length };
  const failed = repairs.results.filter((result) => result.status === 'failed');
  // Failed repairs are rolled back and reported; only when nothing else came of it has the stage failed.
  if (failed.length > 0 && done.length === 0)
    throw new ActionError(
      'repairs_failed',
      `No repair succeeded; the first one that failed is ${failed[0]?.id ?? ''}. Look at repairs.json.`,
      values,
    );
  return values;
}

const Ids = z.array(z.string().max(200)).max(1_000);

function gitWhere(order: Order): GitWhere {
  const place = order.repo ?? order.worktree;
  if (place === undefined) throw new ActionError('no_repository', 'This action needs a repository; give the run one with --repo.');
  return { gitDir: place.gitDir };
}

function readOptional<T>(order: Order, name: string, schema: z.ZodType<T>): T | undefined {
  const value = order.inputs[`${name}.json`] ?? order.inputs[name];
  if (value === undefined || value === null) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ActionError(
    'input_invalid',
    `The input ${name} is not what ${order.agent} ${order.action} needs: ${z.prettifyError(parsed.error).slice(0, 1_000)}`,
  );
}

function readInput<T>(order: Order, name: string, schema: z.ZodType<T>): T {
  const value = readOptional(order, name, schema);
  if (value === undefined)
    throw new ActionError('input_missing', `${order.agent} ${order.action} needs the input ${name}. Add it to the stage's inputs.`);
  return value;
}

/** What the record says of the run (`record`), and the artifacts of the stages that produced one. */
function readReportInput(order: Order): ReportInput {
  const record = readOptional(order, 'record', z.record(z.string(), z.unknown())) ?? {};
  const artifacts = ['findings', 'plan', 'repairs', 'verification'].flatMap((name) => {
    const value = readOptional(order, name, z.unknown());
    return value === undefined ? [] : [[name, value] as const];
  });
  const parsed = ReportInput.safeParse({ run: order.run, ...record, ...Object.fromEntries(artifacts) });
  if (parsed.success) return parsed.data;
  throw new ActionError(
    'input_invalid',
    `The report cannot be written from these inputs: ${z.prettifyError(parsed.error).slice(0, 1_000)}`,
  );
}

function sayJson(say: Say, name: string, document: unknown): void {
  say({ type: 'artifact', name, mediaType: 'application/json', content: `${JSON.stringify(document, null, 2)}\n` });
}

function clamp(fraction: number): number {
  return Math.min(1, Math.max(0, fraction));
}
