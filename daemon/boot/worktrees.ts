/** The worktrees of this installation, as people see them: what is used, what was kept for the work in it, and the trash. */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { WorktreeClash, WorktreeView } from '../../shared/protocol/views.ts';
import type { State } from '../../shared/state/evolve.ts';
import { writeFileAtomic } from '../platform/atomic.ts';
import { GitError } from '../platform/git.ts';
import { readHead, readStatus, type RepoPlace } from '../workspace/inspect.ts';
import { locateRepo } from '../workspace/locate.ts';
import { emptyTrash, restoreWorktree, trashWorktree } from '../workspace/trash.ts';
import { createWeather } from '../workspace/weather.ts';
import { WorkspaceError } from '../workspace/workspace-error.ts';
import { removeWorktree, unlockWorktree } from '../workspace/worktrees.ts';

/** Worktrees that one listing looks into. */
const MAX_LISTED = 500;
const DAY_MS = 86_400_000;

/** What the trash remembers of a worktree, in `<state>/trash/<attempt>.json`. */
const Trashed = z.strictObject({
  gitDir: z.string(),
  commonDir: z.string(),
  path: z.string(),
  branch: z.string(),
  head: z.string(),
  files: z.string(),
  at: z.string(),
});

export interface Worktrees {
  list(): Promise<WorktreeView[]>;
  /** Which of those in use conflict with each other as they stand now. */
  clashes(): Promise<WorktreeClash[]>;
  /** Removes a worktree; what is nowhere else goes to the trash. */
  remove(attempt: string): Promise<WorktreeView>;
  /** Lays a worktree out again from the trash. */
  restore(attempt: string): Promise<WorktreeView>;
  /** Removes those that hold nothing of their own, and empties the trash of what has lain there for `days`. */
  prune(request: { days: number; dryRun: boolean }): Promise<{ removed: WorktreeView[]; emptied: WorktreeView[] }>;
}

interface Parts {
  home: string;
  state: State;
  now(): number;
}

/** Opens the view of the worktrees below the state folder `home`. */
export function openWorktrees(parts: Parts): Worktrees {
  const { home } = parts;
  const weather = createWeather();
  const find = async (attempt: string): Promise<WorktreeView> => {
    const found = (await list(parts)).find((one) => one.attempt === attempt);
    if (found) return found;
    throw new SignalboxError({ code: 'not_found', message: `There is no worktree of an attempt ${attempt}.`, facts: { attempt } });
  };
  return {
    list: () => list(parts),
    async clashes() {
      const used = (await list(parts)).filter(({ state }) => state === 'used');
      const busy = await Promise.all(used.map(async ({ attempt: name, path }) => ({ name, path, ...(await locateRepo(path)) })));
      return (await weather(busy)).map(({ names, files }) => ({ attempts: names, files }));
    },
    async remove(attempt) {
      const view = await find(attempt);
      if (view.state === 'trash') return view;
      refuseUsed(view);
      return orRefuse(() => putAway(parts, view));
    },
    async restore(attempt) {
      const view = await find(attempt);
      if (view.state !== 'trash')
        throw new SignalboxError({
          code: 'invalid_transition',
          message: `The worktree of ${attempt} is not in the trash.`,
          facts: { attempt },
        });
      await orRefuse(async () => {
        const kept = await readTrash(home, attempt);
        const { gitDir, commonDir, path } = kept;
        await restoreWorktree({ repo: { gitDir, commonDir }, path, name: attempt }, kept);
        await rm(trashFile(home, attempt), { force: true });
      });
      return find(attempt);
    },
    prune: (request) => prune(parts, request),
  };
}

async function prune(
  parts: Parts,
  { days, dryRun }: { days: number; dryRun: boolean },
): Promise<{ removed: WorktreeView[]; emptied: WorktreeView[] }> {
  const { home, now } = parts;
  const all = await list(parts);
  const removed = all.filter((one) => one.state === 'kept' && one.changed + one.untracked === 0 && one.problem === '');
  const emptied = all.filter((one) => one.state === 'trash' && now() - Date.parse(one.since) > days * DAY_MS);
  if (dryRun) return { removed, emptied };
  for (const one of removed) await orRefuse(() => putAway(parts, one));
  for (const { attempt } of emptied) {
    const { gitDir, commonDir } = await readTrash(home, attempt);
    await orRefuse(() => emptyTrash({ gitDir: commonDir || gitDir, commonDir }, attempt));
    await rm(trashFile(home, attempt), { force: true });
  }
  return { removed, emptied };
}

function refuseUsed({ attempt, state }: WorktreeView): void {
  if (state !== 'used') return;
  const message = 'An attempt works there now. Cancel its run first, or wait for its end.';
  throw new SignalboxError({ code: 'invalid_transition', message, facts: { attempt } });
}

async function orRefuse<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkspaceError)
      throw new SignalboxError({ code: 'repository', message: error.message, facts: { ...error.facts, reason: error.code } });
    if (error instanceof GitError) throw new SignalboxError({ code: 'repository', message: error.message, facts: { reason: error.code } });
    throw error;
  }
}

const trashFile = (home: string, attempt: string): string => join(home, 'trash', `${attempt}.json`);

async function readTrash(home: string, attempt: string): Promise<z.infer<typeof Trashed>> {
  return Trashed.parse(JSON.parse(await readFile(trashFile(home, attempt), 'utf8')));
}

async function putAway({ home, now }: Parts, view: WorktreeView): Promise<WorktreeView> {
  const { path, attempt } = view;
  const { gitDir, commonDir } = await locateRepo(path);
  const entry = { path, gitDir, commonDir };
  await unlockWorktree(entry);
  try {
    await removeWorktree({ repo: entry, path });
    return { ...view, state: 'removed' };
  } catch (error) {
    if (!(error instanceof WorkspaceError) || error.code !== 'worktree_dirty') throw error;
  }
  const at = new Date(now()).toISOString();
  await mkdir(join(home, 'trash'), { recursive: true, mode: 0o700 });
  // The repository's own directory, since the worktree's goes with it.
  const trashed = await trashWorktree(entry, attempt, at);
  await writeFileAtomic(trashFile(home, attempt), JSON.stringify({ gitDir: commonDir, commonDir, path, ...trashed, at }));
  return { ...view, state: 'trash', since: at };
}

async function list(parts: Parts): Promise<WorktreeView[]> {
  const { home } = parts;
  const names = await readdir(join(home, 'worktrees')).catch(() => []);
  const standing = await Promise.all(
    names
      .filter((name) => !name.endsWith('.signalbox-removed'))
      .slice(0, MAX_LISTED)
      .map((name) => lookAt(parts, name)),
  );
  const files = (await readdir(join(home, 'trash')).catch(() => [])).filter((name) => name.endsWith('.json')).slice(0, MAX_LISTED);
  const trashed = await Promise.all(files.map((name) => lookInTrash(parts, name.slice(0, -'.json'.length))));
  return [...standing, ...trashed].sort((a, b) => (a.attempt < b.attempt ? 1 : -1));
}

function aboutAttempt({ state }: Parts, attempt: string): Pick<WorktreeView, 'attempt' | 'run' | 'stage' | 'agent' | 'repo'> {
  const known = state.attempts.get(attempt);
  const run = known?.run ?? '';
  return { attempt, run, stage: known?.stage ?? '', agent: known?.agent ?? '', repo: state.runs.get(run)?.repo ?? '' };
}

async function lookAt(parts: Parts, attempt: string): Promise<WorktreeView> {
  const path = join(parts.home, 'worktrees', attempt);
  // An attempt that goes on from another has that one's worktree.
  const user = [...parts.state.active].find((id) => parts.state.attempts.get(id)?.workspace?.path === path);
  const about = { ...aboutAttempt(parts, user ?? attempt), attempt };
  const state = user !== undefined || parts.state.active.has(attempt) ? 'used' : 'kept';
  const since = (await stat(path).catch(() => undefined))?.birthtime.toISOString() ?? '';
  const base = { ...about, path, state, since, changed: 0, untracked: 0, branch: '', problem: '' } as const;
  try {
    const { gitDir, commonDir } = await locateRepo(path);
    const place: RepoPlace = { gitDir, commonDir };
    const [{ branch = '' }, status] = await Promise.all([readHead(place), readStatus({ ...place, workTree: path })]);
    return { ...base, repo: about.repo || commonDir, branch, changed: status.changed.length, untracked: status.untracked.length };
  } catch (error) {
    return { ...base, problem: error instanceof Error ? error.message.slice(0, 500) : String(error) };
  }
}

async function lookInTrash(parts: Parts, attempt: string): Promise<WorktreeView> {
  const about = aboutAttempt(parts, attempt);
  const base = { ...about, state: 'trash', changed: 0, untracked: 0 } as const;
  try {
    const { path, branch, at, commonDir } = await readTrash(parts.home, attempt);
    return { ...base, repo: about.repo || commonDir, path, branch, since: at, problem: '' };
  } catch {
    return { ...base, path: '', branch: '', since: '', problem: `${trashFile(parts.home, attempt)} cannot be read.` };
  }
}
