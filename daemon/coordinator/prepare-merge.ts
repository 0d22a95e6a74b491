/**
 * Before a merge: what the branch would hold, as a commit that nothing refers to yet; its true diff for whoever is asked; and the
 * commands that it has to pass before the branch moves.
 */
import type { Action, MergeHow } from '../../shared/state/action.ts';
import type { Run } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Proposal } from '../commands.ts';
import { MAX_CHECKS, TESTS, writeMergeChecks } from '../workflow/merge-checks.ts';
import { resolveArgv, taskId } from '../workflow/submit.ts';
import type { RepoWithPath } from '../workspace/merge.ts';
import type { TakenUp } from '../workspace/take-up.ts';
import { baseOf } from './base.ts';
import { describeConflicts, sayConflicts } from './conflicts.ts';
import { placeOfRun } from './merges.ts';
import { common, executeAction, type Place, type Prepared, store } from './proposals.ts';

/** Bytes of a diff that a person is shown before a merge. */
const DIFF_BYTES = 4 * 1024 * 1024;
const VERBS: Readonly<Record<MergeHow, string>> = { merge: 'Merge', rebase: 'Rebase', squash: 'Squash' };

interface Wanted {
  repo: RepoWithPath;
  into: string;
  from: string;
  /** Commit that the branch stands at. */
  expected: string;
  how: MergeHow;
}

/** The merge as an action with its true diff, and the commands that check what comes of it. */
export async function proposeMerge(place: Place, merge: NonNullable<StageDefinition['merge']>): Promise<Prepared> {
  const { state, run, def, ports } = place;
  const repo = placeOfRun(run);
  const from = stageOf(state, run.id, merge.from)?.commit;
  const into = run.into ?? '';
  if (!repo || from === undefined) throw failure('nothing_to_merge', `The stage ${merge.from} made no commit to merge.`);
  const how = merge.how ?? 'merge';
  const wanted = { repo, into, from, expected: await ports.workspace.readBranch(repo, into), how };
  const message = `Merge of run ${run.id.slice(-12)}, to be checked`;
  const result = await ports.workspace.takeUp({ repo, into: wanted.expected, from, how, message, at: run.submittedAt });
  if (result.conflicts.length > 0) throw await describeConflict(place, wanted, result);
  if (run.inputs['resolves'] !== undefined) await refuseMarked(place, repo, result);
  const proposal = await proposeMove(place, wanted, result);
  const checks = await listChecks(place, merge, result, from);
  const facts = { from, expected: wanted.expected, tree: result.tree };
  if (checks.length === 0) return { proposals: [proposal], facts };
  const text = writeMergeChecks(checks.map(({ argv }) => argv));
  if (text === undefined) throw failure('invalid_workflow', `A merge takes at most ${MAX_CHECKS} checks, and 8 KiB of them.`);
  const definition = ports.definitionOf(run.workflow.digest);
  const stage = stageOf(state, run.id, def.id);
  const task = definition && stage ? taskId({ run, definition }, def, stage) : '';
  const asked = await Promise.all(checks.map((check, index) => proposeCheck(place, check, { index, base: result.commit, into })));
  return { proposals: [proposal, ...asked], facts: { ...facts, result: result.commit, checks: text, task } };
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

async function describeConflict(place: Place, { repo, into, from, expected }: Wanted, { conflicts: files }: TakenUp): Promise<Error> {
  const { run, def, ports } = place;
  const conflicts = await describeConflicts(place, { repo, into, from, expected, files });
  const stored = await ports.artifacts.putText(JSON.stringify(conflicts));
  const artifact = { name: 'merge.conflicts.json', ...stored, mediaType: 'application/json' };
  await place.tell({ type: 'artifact/record', run: run.id, stage: def.id, ...artifact }, 'prepare');
  return failure('merge_conflicts', sayConflicts(conflicts, run.id));
}

/** Work that resolves a conflict is done when no marker of it is left. */
async function refuseMarked({ ports }: Place, repo: RepoWithPath, { tree }: TakenUp): Promise<void> {
  const marked = await ports.workspace.listMarked(repo, tree);
  if (marked.length === 0) return;
  const words = `Conflict markers are left in ${marked.slice(0, 10).join(', ')}. Nothing was merged.`;
  throw failure('conflict_markers', words);
}

/** The branch moving, as the policy decides it. */
async function proposeMove(place: Place, { repo, into, from, expected, how }: Wanted, { tree }: TakenUp): Promise<Proposal> {
  const { run, ports } = place;
  const diff = await ports.workspace.diffCommits({ repo, from: expected, to: tree, maxBytes: DIFF_BYTES });
  const shown = await ports.artifacts.putText(
    diff.truncated ? `${diff.patch}\n(The diff is longer than ${DIFF_BYTES} bytes; the rest is not shown.)\n` : diff.patch,
  );
  const artifact = { name: 'merge.diff', ...shown, mediaType: 'text/x-diff' };
  await place.tell({ type: 'artifact/record', run: run.id, stage: place.def.id, ...artifact }, 'prepare');
  const files = diff.files.flatMap((f) => (f.oldPath === undefined ? [f.path] : [f.oldPath, f.path]));
  const added = diff.files.reduce((sum, f) => sum + f.additions, 0);
  const removed = diff.files.reduce((sum, f) => sum + f.deletions, 0);
  const count = `${diff.files.length} changed file${diff.files.length === 1 ? '' : 's'} (+${added} -${removed})`;
  const summary = `${VERBS[how]} ${count} ${how === 'rebase' ? 'onto' : 'into'} ${into}`;
  const configures = files.some((path) => path === '.signalbox' || path.startsWith('.signalbox/'));
  const what = { into, how, from, base: expected, tree, files: files.slice(0, 5_000) };
  const action: Action = configures
    ? {
        kind: 'daemon.configure',
        ...common(place, `${summary}, and change .signalbox/`, 'high'),
        what: `merge ${from} into ${into}`,
        files: what.files,
      }
    : { kind: 'workspace.merge', ...common(place, summary, 'medium'), ...what };
  return store(place, 'merge', action, { diff: shown.digest });
}

interface Check {
  argv: string[];
  source: 'repository' | 'workflow';
}

async function proposeCheck(
  place: Place,
  { argv, source }: Check,
  { index, base, into }: { index: number; base: string; into: string },
): Promise<Proposal> {
  const summary = `Run ${argv.join(' ').slice(0, 400)} on the merged result, before ${into} moves`;
  const proposal = await store(place, `check:${index}`, await executeAction(place, argv, { summary, source, base }));
  return { ...proposal, show: { command: proposal.artifact } };
}

/** What the workflow names, else what the trusted repository does; without what this run has already seen pass, or left out. */
async function listChecks(
  place: Place,
  { checks }: NonNullable<StageDefinition['merge']>,
  result: TakenUp,
  from: string,
): Promise<Check[]> {
  const { state, run, ports } = place;
  const repo = placeOfRun(run);
  if (result.upToDate || !repo) return [];
  if (checks === undefined) return (await ports.mergeChecks(run.repo ?? '')).map((argv): Check => ({ argv, source: 'repository' }));
  const same = (await ports.workspace.readTree(repo, from)) === result.tree;
  const found: Check[] = [];
  for (const check of checks) {
    const argv = check === TESTS ? await ports.findTests(repo, result.commit) : resolveArgv(state, run, check);
    const isOwn = typeof check !== 'string';
    if (argv && !isSettled(place, argv, { from, same })) found.push({ argv, source: isOwn ? 'workflow' : 'repository' });
  }
  return found;
}

/** Whether a stage of this run answers for a command: it ran well on the same files, or somebody decided that it does not run. */
function isSettled({ state, run, ports }: Place, argv: readonly string[], { from, same }: { from: string; same: boolean }): boolean {
  const stages = ports.definitionOf(run.workflow.digest)?.stages ?? [];
  return stages.some((def) => {
    const stage = stageOf(state, run.id, def.id);
    if (def.command === undefined || !stage || !isSame(resolveCommand(state, run, def), argv)) return false;
    return stage.status === 'skipped' || (stage.status === 'completed' && same && baseOf(state, run, def) === from);
  });
}

function resolveCommand(state: Place['state'], run: Run, { command }: StageDefinition): string[] | undefined {
  return command === undefined ? undefined : resolveArgv(state, run, command);
}

function isSame(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a?.length === b.length && a.every((part, index) => part === b[index]);
}
