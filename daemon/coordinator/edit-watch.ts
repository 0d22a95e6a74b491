/**
 * While an agent works: after its tool calls the worktree is compared with what was decided. What nobody asked for is put to the
 * policy at once, and is kept, put back, or ends the attempt.
 *
 * 1. The agent waits for none of it. Looks follow each other, never two at once, and take a tenth of the time at most.
 * 2. The audit after the attempt looks at everything again: what a look missed is found there.
 */
import type { Outcome } from '../agents/agent.ts';
import type { Look } from '../workspace/look.ts';
import { type Allowed, editOf } from './audit.ts';
import { explain } from './merges.ts';
import type { Permissions } from './permissions.ts';
import type { Work, WorkPlace } from './places.ts';
import type { EffectContext } from './reactor.ts';

/** Between two looks at least, in milliseconds, and so many times what the last one took; at most the longest. */
const MIN_PAUSE_MS = 250;
const PAUSE_FACTOR = 9;
const MAX_PAUSE_MS = 60_000;
/** Files of one look that are decided one by one when they are not allowed together. */
const MAX_ALONE = 20;
/** So often files are put back; whoever goes on then is stopped. */
const MAX_REVERTS = 10;
/** Bytes of the diff that a person is shown. */
const DIFF_BYTES = 1024 * 1024;

export interface EditWatch {
  /** A tool call is over that may have written. */
  note(): void;
  /** Looks a last time, and says what became of the outcome. */
  end(outcome: Outcome): Promise<Outcome>;
}

interface Parts {
  context: EffectContext;
  permissions: Permissions;
  work: Work;
  place: WorkPlace;
  allowed: Allowed;
  cause: string;
  /** Ends the attempt. */
  stop(reason: string): void;
  tell(title: string, reason: string): void;
}

/** Begins to watch; nothing is looked at before the first `note`. */
export function watchEdits(parts: Parts): EditWatch {
  const { context, place, work } = parts;
  // Tool calls are what agents tell of; commands are audited when they have ended.
  const watched = place.worktree !== undefined && context.state.agents.get(work.task.agent ?? '')?.adapter === 'acp';
  const wake = new AbortController();
  const judge: Judge = { ...parts, count: 0, reverts: 0, problem: '' };
  let look: Look | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  const lookOnce = async (): Promise<number> => {
    if (!place.worktree || judge.problem !== '') return 0;
    const began = performance.now();
    look ??= await context.ports.workspace.openLook(place.worktree, place.guard === undefined);
    const { tree, changed } = await look.look();
    const took = performance.now() - began;
    await judgeSeen(judge, look, { tree, changed });
    return took;
  };
  const goOn = async (): Promise<void> => {
    do {
      again = false;
      const took = await lookOnce();
      const pause = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, took * PAUSE_FACTOR));
      await rest(pause, wake.signal);
    } while (again && !wake.signal.aborted);
  };
  const start = (): void => {
    running = goOn()
      // The audit at the end says what could not be read.
      .catch((error: unknown) => context.ports.log('edits.unwatched', { attempt: work.attempt, ...explain(error) }))
      .finally(() => (running = undefined));
  };

  return {
    note() {
      again = true;
      if (watched && !running && !wake.signal.aborted) start();
    },
    async end(outcome) {
      wake.abort();
      await running;
      if (watched && outcome.status === 'succeeded')
        await lookOnce().catch((error: unknown) => context.ports.log('edits.unwatched', { attempt: work.attempt, ...explain(error) }));
      await look?.close();
      if (judge.problem === '') return outcome;
      return { status: 'failed', error: { code: 'rogue_edit', message: judge.problem.slice(0, 2_000) }, values: outcome.values };
    },
  };
}

/** Waits, in milliseconds, or until it is woken; keeps no process alive. */
function rest(ms: number, wake: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (wake.aborted) return resolve();
    const over = (): void => {
      clearTimeout(timer);
      wake.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    timer.unref();
    wake.addEventListener('abort', over);
  });
}

interface Judge extends Parts {
  /** Questions so far: each has a key of its own. */
  count: number;
  reverts: number;
  /** Why the attempt was ended; empty while it was not. */
  problem: string;
}

/** Files that are not allowed, and what is to become of them. */
interface Refused {
  path: string;
  reason: string;
  revert: boolean;
}

async function judgeSeen(judge: Judge, look: Look, { tree, changed }: { tree: string; changed: readonly string[] }): Promise<void> {
  const { allowed, context, place } = judge;
  const unasked = changed.filter((path) => !allowed.paths.has(path));
  const refused = unasked.length === 0 ? [] : await listRefused(judge, look, { tree, paths: unasked });
  if (refused.length === 0) return look.accept(tree);
  const paths = refused.map(({ path }) => path);
  const [first] = refused;
  const said = `${paths.length} file${paths.length === 1 ? ' was' : 's were'} changed without being asked for`;
  judge.reverts += 1;
  const revert = refused.every((one) => one.revert) && judge.reverts <= MAX_REVERTS && place.worktree !== undefined;
  // Told first: with its file gone the agent may be at the end of its turn at once.
  if (revert) judge.tell(`Changing ${paths.slice(0, 10).join(', ')} without asking`, `It was put back. ${first?.reason ?? ''}`);
  const left = revert && place.worktree ? await context.ports.workspace.putBack(place.worktree, look.last, paths) : paths;
  if (left.length > 0) {
    judge.problem = `${said}: ${paths.slice(0, 5).join(', ')}. ${first?.reason ?? ''}`;
    await find(judge, paths, { message: `${said}, and not allowed: ${first?.reason ?? ''}`, acted: 'stopped' });
    judge.stop(judge.problem);
    return;
  }
  place.flatten = true;
  await find(judge, paths, { message: `${said}, and put back: ${first?.reason ?? ''}`, acted: 'reverted' });
}

/** Together first; one by one where that is not allowed, so that one file does not take others with it. */
async function listRefused(judge: Judge, look: Look, { tree, paths }: { tree: string; paths: readonly string[] }): Promise<Refused[]> {
  const together = await decide(judge, look, { tree, paths });
  if (together === undefined) return [];
  if (paths.length === 1 || paths.length > MAX_ALONE) return paths.map((path) => ({ path, ...together }));
  const refused: Refused[] = [];
  for (const path of paths) {
    const alone = await decide(judge, look, { tree, paths: [path] });
    if (alone) refused.push({ path, ...alone });
  }
  return refused;
}

/** What stands against a change; undefined when it is allowed, which is then noted. */
async function decide(
  judge: Judge,
  look: Look,
  { tree, paths }: { tree: string; paths: readonly string[] },
): Promise<Omit<Refused, 'path'> | undefined> {
  const { context, permissions, work, place, allowed, cause } = judge;
  if (!place.worktree) return undefined;
  const { gitDir, commonDir } = place.worktree;
  const byCommand = allowed.commands;
  const action = editOf(work, place.worktree, { unasked: paths, tree, byCommand });
  const diff = { repo: { gitDir, commonDir }, from: look.last, to: tree, maxBytes: DIFF_BYTES };
  const { patch } = await context.ports.workspace.diffCommits(diff);
  judge.count += 1;
  const asker = { attempt: work.attempt, task: work.task.id, token: work.task.token, cause };
  const permission = await permissions.ask(asker, { key: `audit:${judge.count}`, action, show: { diff: patch } });
  if (!permission.allowed) return { reason: permission.reason, revert: permission.unasked === 'revert' };
  for (const path of paths) allowed.paths.add(path);
  const said = `${paths.length} file${paths.length === 1 ? ' was' : 's were'} changed without being asked for; the policy allows it.`;
  if (!byCommand) await find(judge, paths, { message: said, acted: 'kept' });
  return undefined;
}

async function find(
  { context, work, cause }: Judge,
  paths: readonly string[],
  { message, acted }: { message: string; acted: 'kept' | 'stopped' | 'reverted' },
): Promise<void> {
  const finding = { kind: 'edit', paths: paths.slice(0, 50), message, acted };
  await context.tell({ type: 'attempt/find', attempt: work.attempt, token: work.task.token, finding }, cause);
}
