/**
 * The policies of the host and of repositories, from their files into force and into the record; and the look at those files
 * that makes a change count at the next decision.
 *
 * 1. What comes into force is recorded, with the texts as artifacts, before anybody can be told what it decided.
 * 2. The files are looked at with `stat` alone, a bounded number of them, twice a second; they are read only after a change.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded, type Run } from '../../shared/state/run.ts';
import type { Command, CommandResult } from '../commands.ts';
import type { Rulebook } from '../coordinator/rulebook.ts';
import { applyRepositoryPolicies, type RunPorts } from '../coordinator/submit-run.ts';
import { writeLog } from '../platform/log.ts';
import { readEachYaml } from '../platform/yaml-folder.ts';
import type { PolicySource } from '../policy/load.ts';
import type { ArtifactStore } from '../store/artifacts.ts';

const LOOK_MS = 500;
/** Files and folders that one look takes in, of a folder and all below it. */
const MAX_ENTRIES = 500;
const MAX_DEPTH = 6;
/** Repositories that are looked at: those of runs under way. */
const MAX_REPOSITORIES = 50;

/** The policies that hold everywhere: those that come with the program, and the user's. */
export async function hostPolicies(here: string, config: string): Promise<PolicySource[]> {
  const read = async (folder: string, origin: 'builtin' | 'user') =>
    (await readEachYaml(folder)).map((source): PolicySource => ({ ...source, origin, trusted: true }));
  return [...(await read(join(here, 'policies'), 'builtin')), ...(await read(join(config, 'policies'), 'user'))];
}

/** The built-in policies of today with the user's that were in force last, from the record; undefined when it has none. */
export async function lastGoodPolicies(
  state: State,
  artifacts: Pick<ArtifactStore, 'readText'>,
  now: readonly PolicySource[],
): Promise<PolicySource[] | undefined> {
  const files = state.policies.get('')?.filter((each) => each.origin === 'user') ?? [];
  if (!state.policies.has('')) return undefined;
  try {
    const read = files.map(async ({ file, artifact }): Promise<PolicySource> => {
      return { file, text: await artifacts.readText(artifact), origin: 'user', trusted: true };
    });
    return [...now.filter((source) => source.origin === 'builtin'), ...(await Promise.all(read))];
  } catch (error) {
    writeLog('policies.last_good_unreadable', { error });
    return undefined;
  }
}

/** Records what is in force: of the host for an empty name, else of a repository. Nothing is recorded twice. */
export async function recordPolicies(
  {
    rulebook,
    artifacts,
    tell,
  }: { rulebook: Rulebook; artifacts: Pick<ArtifactStore, 'putText'>; tell(command: Command): Promise<CommandResult> },
  repo: string,
): Promise<void> {
  const files = await Promise.all(
    rulebook.filesOf(repo).map(async ({ file, origin, digest, rules, trusted, text }) => {
      return { file, origin, digest, rules, trusted, artifact: (await artifacts.putText(text)).digest };
    }),
  );
  const result = await tell({ type: 'policy/load', repo, files });
  if (!result.ok) writeLog('policies.not_recorded', { repo, ...result.refusal });
}

/** What the watch over the files works with. */
export interface Watch {
  state: State;
  rulebook: Rulebook;
  runPorts: RunPorts;
  /** Folder of the bundles, and the user's configuration folder. */
  here: string;
  config: string;
  /** What was read of the host's files last. */
  read: readonly PolicySource[];
}

/** Looks at the files of policies from now on; returns what ends that. */
export function watchPolicies(watch: Watch): () => void {
  const ending = new AbortController();
  const seen = new Map<string, string>();
  const look = async (): Promise<void> => {
    if (await changed(seen, '', join(watch.config, 'policies'))) await reloadHost(watch);
    const runs = [...watch.state.runs.values()].filter((run) => !runEnded(run) && run.repo !== undefined);
    const repos = new Map(runs.slice(-MAX_REPOSITORIES).map((run) => [run.repo ?? '', run]));
    for (const [repo, run] of repos) if (await changed(seen, repo, join(rootOf(run), '.signalbox'))) await reloadRepository(watch, repo);
    for (const repo of seen.keys()) if (repo !== '' && !repos.has(repo)) seen.delete(repo);
  };
  const go = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await look().catch((error: unknown) => writeLog('policies.not_watched', { error }));
      await pause(LOOK_MS, undefined, { ref: false, signal: ending.signal }).catch(() => undefined);
    }
  };
  void go();
  return () => ending.abort();
}

/** The main checkout that a run's repository belongs to, whose `.signalbox/` counts. */
function rootOf({ repo = '', commonDir = '' }: Run): string {
  return basename(commonDir) === '.git' ? dirname(commonDir) : repo;
}

async function reloadHost(watch: Watch): Promise<void> {
  const { rulebook, runPorts, here, config } = watch;
  const before = new Map(watch.read.map((source) => [JSON.stringify(source), source]));
  // What did not change is given as it was, so that only the rest is compiled.
  const sources = (await hostPolicies(here, config)).map((source) => before.get(JSON.stringify(source)) ?? source);
  if (JSON.stringify(sources) === JSON.stringify(watch.read)) return;
  watch.read = sources;
  const loaded = rulebook.reload(sources);
  writeLog(loaded.ok ? 'policies.loaded' : 'policies.not_loaded', { config, ...(loaded.ok ? {} : { problems: loaded.problems }) });
  if (loaded.ok) await runPorts.policiesLoaded('');
}

async function reloadRepository({ runPorts }: Watch, repo: string): Promise<void> {
  try {
    const configuration = await runPorts.readConfiguration(await runPorts.inspectRepo(repo));
    await applyRepositoryPolicies(runPorts, repo, configuration, runPorts.trustedDigest(repo) === configuration.digest);
    writeLog('policies.loaded', { repo });
  } catch (error) {
    writeLog('policies.not_loaded', { repo, error });
  }
}

/** Whether a folder looks another way than at the last look; at the first one nobody knows, so it does. */
async function changed(seen: Map<string, string>, key: string, folder: string): Promise<boolean> {
  const print = (await describeFolder(folder, { depth: 0, left: MAX_ENTRIES })).join('\n');
  const before = seen.get(key);
  seen.set(key, print);
  return before !== print;
}

async function describeFolder(folder: string, bounds: { depth: number; left: number }): Promise<string[]> {
  if (bounds.depth > MAX_DEPTH) return [];
  const lines: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (bounds.left <= 0) break;
    bounds.left -= 1;
    const path = join(folder, entry.name);
    const { mtimeMs, size, ino } = await stat(path).catch(() => ({ mtimeMs: 0, size: 0, ino: 0 }));
    lines.push(`${path} ${mtimeMs} ${size} ${ino}`);
    if (!entry.isDirectory()) continue;
    const below = { depth: bounds.depth + 1, left: bounds.left };
    lines.push(...(await describeFolder(path, below)));
    bounds.left = below.left;
  }
  return lines;
}
