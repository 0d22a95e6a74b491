/** What a repository wants done in each worktree before work begins, and passed before a merge: `.signalbox/worktree.yaml` of the main checkout, once it is trusted. */
import * as z from 'zod';
import { listShapeProblems, type Problem, readSource, strictShape } from '../../shared/yaml/source.ts';
import type { Ports } from '../coordinator/ports.ts';
import type { State } from '../../shared/state/evolve.ts';
import { readConfiguration, type RepoConfiguration } from '../workspace/configuration.ts';
import { copyIgnored } from '../workspace/copy-ignored.ts';
import { inspectRepo, type RepoInfo } from '../workspace/inspect.ts';
import { MAX_CHECKS } from '../workflow/merge-checks.ts';

/** What was done, and what is still to be decided. */
export interface WorktreeSetup {
  /** Relative paths of the ignored files that were copied. */
  copied: string[];
  /** Argv of the command that makes the worktree ready; absent when there is none. */
  command?: string[];
}

const Pattern = z
  .string()
  .min(1)
  .max(500)
  .regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\\\0]+$/, 'a pattern is relative to the repository, with `/`, and never leads out of it');
const Argv = z.array(z.string().min(1).max(8_192)).min(1).max(200);
const Shape = strictShape({
  copy: z.array(Pattern).max(100).default([]),
  setup: Argv.optional(),
  checks: z.array(Argv).max(MAX_CHECKS).default([]),
  base: z
    .string()
    .max(255)
    .regex(/^[^\s\0-][^\s\0]*$/, 'write a branch, a tag or a commit')
    .optional(),
});

/** Copies what the repository names, and tells which command it wants; nothing for a repository that nobody has trusted. Throws with every problem. */
async function prepareWorktree(state: State, repo: string, to: string): Promise<WorktreeSetup> {
  const { info, wanted } = await readTrusted(state, repo);
  if (!wanted) return { copied: [] };
  const { copy, setup } = wanted;
  const { workTree } = info.where;
  const copied = workTree === undefined ? [] : await copyIgnored({ from: { ...info.where, workTree }, to, patterns: copy });
  return { copied, ...(setup === undefined ? {} : { command: setup }) };
}

/** The commands that the repository wants to pass before any of its branches takes work up; none when nobody has trusted it. Throws with every problem. */
async function listMergeChecks(state: State, repo: string): Promise<string[][]> {
  return (await readTrusted(state, repo)).wanted?.checks ?? [];
}

/** What the coordinator asks of a repository's configuration. */
export function setUpBy(state: State): Pick<Ports, 'prepareWorktree' | 'mergeChecks'> {
  return {
    prepareWorktree: (repo, path) => prepareWorktree(state, repo, path),
    mergeChecks: (repo) => listMergeChecks(state, repo),
  };
}

/**
 * What the repository wants work to start from; undefined when it does not say so, or nobody has trusted it. Also when its file is
 * wrong: the first worktree of the run is then refused with every problem, so that no work begins anywhere.
 */
export async function readBase(state: State, repo: string): Promise<string | undefined> {
  try {
    return (await readTrusted(state, repo)).wanted?.base;
  } catch (error) {
    if (error instanceof SetupError) return undefined;
    throw error;
  }
}

/** `.signalbox/worktree.yaml` is wrong: a line for each problem. */
class SetupError extends Error {
  readonly code = 'worktree_setup_invalid';
}

async function readTrusted(state: State, repo: string): Promise<{ info: RepoInfo; wanted?: z.output<typeof Shape> }> {
  const info = await inspectRepo(repo);
  const configuration = await readConfiguration(info);
  if (configuration.worktree === undefined || state.trust.get(info.path)?.digest !== configuration.digest) return { info };
  return { info, wanted: readSetup(configuration.worktree) };
}

function readSetup(input: NonNullable<RepoConfiguration['worktree']>): z.output<typeof Shape> {
  const { source, problems } = readSource(input);
  const read = source === undefined ? undefined : Shape.safeParse(source.data ?? {});
  if (read?.success && problems.length === 0) return read.data;
  const all = [...problems, ...(source !== undefined && read?.error ? listShapeProblems(source, read.error) : [])];
  throw new SetupError(all.map(sayProblem).join('\n').slice(0, 2_000));
}

function sayProblem({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}
