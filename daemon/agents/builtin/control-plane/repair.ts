/**
 * Performs the allowed repairs of a plan in a worktree of their own, one commit each.
 *
 * 1. A repair changes only the paths that it names; a commit that would hold more is not made.
 * 2. A repair that does not succeed leaves no trace: the worktree is back at the last commit, and independent repairs go on.
 * 3. A repair whose needs are not done is not done.
 */
import type { Plan, Repair } from '../../../../shared/artifacts/plan.ts';
import type { RepairResult, Repairs } from '../../../../shared/artifacts/repairs.ts';
import { GitError, readGit, runGit } from '../../../platform/git.ts';
import { checkPath, OperationError, performOperation, type Worktree } from './operations.ts';

/** What is to be repaired: `allowed` and `done` are ids of repairs. */
export interface RepairOrder {
  run: string;
  plan: Plan;
  allowed: ReadonlySet<string>;
  /** Committed by an earlier attempt whose commits the worktree starts from. */
  done: ReadonlySet<string>;
  /** Why repairs were not allowed, by id. */
  refusals?: ReadonlyMap<string, string>;
  onCommitted?(repair: Repair, commit: string, summary: string): void;
  onProgress?(text: string, fraction: number): void;
}

/** Performs the repairs in the plan's order; throws GitError when the worktree itself cannot be used. */
export async function performRepairs(where: Worktree, order: RepairOrder): Promise<Repairs> {
  const start = await readGit(where, ['rev-parse', '--verify', 'HEAD^{commit}']);
  const earlier = await findEarlier(where, order, start);
  const results = new Map<string, RepairResult>();
  for (const [index, repair] of order.plan.repairs.entries()) {
    order.onProgress?.(repair.title, index / order.plan.repairs.length);
    results.set(repair.id, await performOne(where, order, repair, { results, earlier }));
  }
  const head = await readGit(where, ['rev-parse', '--verify', 'HEAD^{commit}']);
  return { version: 1, base: order.plan.base, head, results: [...results.values()] };
}

async function performOne(
  where: Worktree,
  order: RepairOrder,
  repair: Repair,
  { results, earlier }: { results: ReadonlyMap<string, RepairResult>; earlier: ReadonlyMap<string, string> },
): Promise<RepairResult> {
  const { id, findings } = repair;
  if (order.done.has(id)) {
    const commit = earlier.get(id);
    return { id, status: 'done', findings, summary: subjectOf(repair), earlier: true, ...(commit === undefined ? {} : { commit }) };
  }
  if (!order.allowed.has(id))
    return { id, status: 'refused', code: 'not_allowed', reason: order.refusals?.get(id) || 'It was not allowed.' };
  const unmet = repair.needs.find((need) => results.get(need)?.status !== 'done');
  if (unmet !== undefined) return { id, status: 'left', code: 'need_not_done', reason: `It needs ${unmet}, which was not done.` };
  try {
    const commit = await commitRepair(where, order.run, repair);
    if (commit === undefined) return { id, status: 'left', code: 'nothing_to_change', reason: 'There was nothing left to change.' };
    order.onCommitted?.(repair, commit, subjectOf(repair));
    return { id, status: 'done', commit, findings, summary: subjectOf(repair) };
  } catch (error) {
    await rollBack(where);
    return describeFailure(id, error);
  }
}

function describeFailure(id: string, error: unknown): RepairResult {
  if (error instanceof OperationError) {
    return { id, status: error.code === 'path_refused' ? 'refused' : 'failed', code: error.code, reason: error.message.slice(0, 2_000) };
  }
  if (error instanceof GitError) return { id, status: 'failed', code: error.code, reason: error.message.slice(0, 2_000) };
  const code = (error as NodeJS.ErrnoException).code;
  // What the file system refuses is an answer about this repair; anything else is a mistake of ours.
  if (code === undefined) throw error;
  return { id, status: 'failed', code: 'file_system', reason: `The file system refused (${code}).` };
}

async function commitRepair(where: Worktree, run: string, repair: Repair): Promise<string | undefined> {
  // All paths first: a repair that must not be done is not even begun.
  for (const operation of repair.operations) await checkPath(where.workTree, operation.path);
  for (const operation of repair.operations) await performOperation(where, operation);
  const changed = await readGit(where, ['diff', '--cached', '--name-only', '--no-renames', '-z', 'HEAD']);
  const paths = changed.split('\0').filter((path) => path !== '');
  if (paths.length === 0) return undefined;
  const stray = paths.find((path) => !isNamed(repair, path));
  if (stray !== undefined) throw new OperationError('path_refused', stray, `The repair would change ${stray}, which it does not name.`);
  await runGit(where, ['commit', '--quiet', '--no-verify', '--cleanup=verbatim', '--file=-'], { stdin: messageOf(run, repair) });
  return readGit(where, ['rev-parse', '--verify', 'HEAD^{commit}']);
}

function isNamed(repair: Repair, path: string): boolean {
  return repair.paths.some((named) => path === named || path.startsWith(`${named}/`));
}

function subjectOf(repair: Repair): string {
  return repair.title.replace(/\s+/g, ' ').trim().slice(0, 200);
}

function messageOf(run: string, repair: Repair): string {
  const body = repair.changes.replace(/\s+/g, ' ').trim();
  return `${subjectOf(repair)}\n\n${body}\n\nSignalbox-Run: ${run.replace(/\s+/g, ' ')}\nSignalbox-Repair: ${repair.id}\n`;
}

async function rollBack(where: Worktree): Promise<void> {
  await runGit(where, ['reset', '--quiet', '--hard', 'HEAD']);
}

/** Commits of repairs that an earlier attempt made, by id, read from their trailers. */
async function findEarlier(where: Worktree, order: RepairOrder, head: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  if (order.done.size === 0) return found;
  const format =
    '--format=%H %(trailers:key=Signalbox-Run,valueonly,separator=%x20) %(trailers:key=Signalbox-Repair,valueonly,separator=%x20)';
  const log = await readGit(where, ['log', '--max-count=1000', format, `${order.plan.base}..${head}`]);
  for (const line of log.split('\n')) {
    const [commit = '', run, id = ''] = line.split(' ');
    if (run === order.run && order.done.has(id)) found.set(id, commit);
  }
  return found;
}
