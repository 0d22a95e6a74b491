/** A merge that conflicts, told with the tasks of both sides: from the record where it knows them, from the commits otherwise. */
import type { Conflicts, Side } from '../../shared/artifacts/conflicts.ts';
import { sayRun } from '../../shared/state/prompt-workflow.ts';
import type { Run } from '../../shared/state/run.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { RepoWithPath } from '../workspace/merge.ts';
import type { Changed } from '../workspace/conflicts.ts';
import type { Ports } from './ports.ts';

/** Files that are described, and earlier merges that are looked at for them. */
const MAX_FILES = 20;
const MAX_MERGES = 50;
/** Files that the sentence names. */
const MAX_NAMED = 5;

export interface Clash {
  repo: RepoWithPath;
  into: string;
  from: string;
  expected: string;
  files: readonly string[];
}

/** Both sides of each file. */
export async function describeConflicts(
  { state, ports, run }: { state: State; ports: Pick<Ports, 'workspace'>; run: Run },
  { repo, into, from, expected, files }: Clash,
): Promise<Conflicts> {
  const named = files.slice(0, MAX_FILES);
  const { base, conflicts } = await ports.workspace.findSides(repo, { into: expected, from, files: named });
  const owners = await findOwners({ state, ports, run }, repo, { base, files: new Set(named) });
  const side = (changed: Changed | undefined, by: Run | undefined): Side => ({
    ...changed,
    ...(by === undefined ? {} : { run: by.id, task: sayRun(by) }),
  });
  return {
    into,
    expected,
    from,
    files: conflicts.map(({ path, there, here }) => ({ path, there: side(there, owners.get(path)), here: side(here, run) })),
    omitted: files.length - named.length,
  };
}

/** The newest merged run that changed each file since the two sides parted. */
async function findOwners(
  { state, ports, run }: { state: State; ports: Pick<Ports, 'workspace'>; run: Run },
  repo: RepoWithPath,
  { base, files }: { base: string; files: ReadonlySet<string> },
): Promise<Map<string, Run>> {
  const merged = [...state.runs.values()]
    .filter((one) => one.id !== run.id && one.commonDir === run.commonDir && one.into === run.into && one.merge?.state === 'merged')
    .sort((a, b) => ((a.merge?.mergedAt ?? '') < (b.merge?.mergedAt ?? '') ? 1 : -1));
  const owners = new Map<string, Run>();
  for (const one of merged.slice(0, MAX_MERGES)) {
    if (owners.size >= files.size || !one.merge?.commit) break;
    const changed = await ports.workspace.listSince(repo, { base, older: one.merge.expected, newer: one.merge.commit });
    if (changed.length === 0) continue;
    for (const path of changed) if (files.has(path) && !owners.has(path)) owners.set(path, one);
  }
  return owners;
}

/** The same as a sentence. */
export function sayConflicts({ into, files, omitted }: Conflicts, run: string): string {
  const say = ({ commit, subject, run: by, task }: Side): string => {
    const made = commit === undefined ? 'a merge' : `${commit} ${subject ?? ''}`;
    return by === undefined || by === run ? made : `${made}, of run ${by.slice(-8)}: ${task ?? ''}`;
  };
  const named = files.slice(0, MAX_NAMED).map(({ path, there, here }) => `${path} (there: ${say(there)}; here: ${say(here)})`);
  const left = files.length - named.length + omitted;
  const more = left > 0 ? ` and ${left} more` : '';
  return `Merging into ${into} conflicts in ${named.join(', ')}${more}. \`signalbox merges resolve\` gives it to an agent; or merge by hand, or run again from the newer ${into}.`;
}
