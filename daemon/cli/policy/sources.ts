// The policies that are in force for whoever stands in a folder, read from disk as the daemon reads them; needs no daemon.
import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { exportHead } from '../../journal/exported-head.ts';
import { nodeDisk } from '../../journal/disk.ts';
import { readJournal } from '../../journal/read.ts';
import { loadState } from '../../journal/snapshot.ts';
import { resolvePaths } from '../../platform/paths.ts';
import { sha256 } from '../../platform/digest.ts';
import { readEachYaml, readYamlFolder } from '../../platform/yaml-folder.ts';
import { loadPolicies, type LoadedPolicies, type PolicySource } from '../../policy/load.ts';
import { readConfiguration } from '../../workspace/configuration.ts';
import { inspectRepo } from '../../workspace/inspect.ts';
import { WorkspaceError } from '../../workspace/workspace-error.ts';
import { findDaemon } from '../connect/reach.ts';
import { type Context, reachOf } from '../context.ts';
import { CliFailure } from '../failure.ts';

/** The repository that somebody stands in. */
export interface Here {
  /** Real path of its top level. */
  path: string;
  trusted: boolean;
  /** Whether it brings a `.signalbox/` at all. */
  configured: boolean;
}

/** What is in force in a folder. */
export interface InForce {
  inputs: PolicySource[];
  repo: Here | undefined;
}

/** Where the user's own policies lie. */
export function userPolicies({ env }: Pick<Context, 'env'>): string {
  return join(resolvePaths(env, process.platform, homedir()).config, 'policies');
}

/** The folder of the bundles, beside which built-in policies and packs lie. */
export function bundleFolder({ script }: Pick<Context, 'script'>): string {
  return dirname(realpathSync(script ?? '.'));
}

/** The policies that come with the program. */
export async function readBuiltin(context: Pick<Context, 'script'>): Promise<PolicySource[]> {
  const files = await readYamlFolder(join(bundleFolder(context), 'policies'));
  return [...files.values()].map((source): PolicySource => ({ ...source, origin: 'builtin', trusted: true }));
}

/** Built-in policies, the user's, and those of the repository around a folder, with the trust that it has. */
export async function readInForce(context: Context, folder: string): Promise<InForce> {
  const user = (await readEachYaml(userPolicies(context))).map((source): PolicySource => ({ ...source, origin: 'user', trusted: true }));
  const found = await readRepository(context, folder);
  return { inputs: [...(await readBuiltin(context)), ...user, ...(found?.policies ?? [])], repo: found?.here };
}

/** Loads policies, or fails with every problem that they have. */
export function loadOrFail(inputs: readonly PolicySource[]): Extract<LoadedPolicies, { ok: true }> {
  const loaded = loadPolicies(inputs, sha256);
  if (loaded.ok) return loaded;
  throw new CliFailure('The policies do not load, so nothing can be decided by them.', {
    code: 'invalid_policy',
    details: loaded.problems.map(
      ({ file, line, column, message, hint }) => `${file}:${line}:${column}: ${message}${hint === undefined ? '' : ` ${hint}`}`,
    ),
    hint: '`signalbox policy check` says the same whenever you like.',
    facts: { problems: loaded.problems },
  });
}

async function readRepository(context: Context, folder: string): Promise<{ here: Here; policies: PolicySource[] } | undefined> {
  try {
    const info = await inspectRepo(resolve(folder));
    const configuration = await readConfiguration(info);
    const configured = configuration.digest !== '';
    const trusted = configured && (await readTrust(context, info.path)) === configuration.digest;
    const policies = configuration.policies.map((source): PolicySource => ({ ...source, origin: 'repository', trusted }));
    return { here: { path: info.path, trusted, configured }, policies };
  } catch (error) {
    if (!(error instanceof WorkspaceError)) throw error;
    if (error.code === 'not_a_repository' || error.code === 'path_missing') return undefined;
    throw new CliFailure(error.message, { code: 'repository', facts: { ...error.facts, reason: error.code } });
  }
}

/** The hash that the user trusts for a repository: a daemon that runs is asked, else the record is read. */
async function readTrust(context: Context, repo: string): Promise<string | undefined> {
  const reach = reachOf(context);
  const connection = await findDaemon({ ...reach, mayRestart: () => Promise.resolve(false) });
  if (connection) {
    try {
      const { trusted, digest } = await connection.client.call('trust/show', { repo });
      return trusted ? digest : undefined;
    } finally {
      connection.close();
    }
  }
  if (!existsSync(join(reach.home, 'journal'))) return undefined;
  const head = await exportHead(reach.home);
  if (head === undefined) return undefined;
  const read = await readJournal(nodeDisk, reach.home);
  async function* commits(from: number) {
    for await (const list of read({ from, to: head?.seq ?? 0 })) yield* list;
  }
  const { state } = await loadState(reach.home, { head, read: commits });
  return state.trust.get(repo)?.digest;
}
