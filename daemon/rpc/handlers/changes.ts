import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { State } from '../../../shared/state/evolve.ts';
import type { Run } from '../../../shared/state/run.ts';
import { attemptsOf, tasksOf } from '../../../shared/state/select.ts';
import type { Handlers } from '../connection.ts';
import { found, type Core } from './core.ts';

type ChangesHandlers = Pick<Handlers, 'run/changes' | 'run/file'>;

/** What a run changes, for an editor's own diff. Only commits that the run's record names can be read. */
export function changesHandlers(core: Core): ChangesHandlers {
  const { state } = core;
  return {
    async 'run/changes'({ run: id, commit, from, patchBytes }) {
      const run = found(state.runs.get(id), `run ${id}`);
      for (const named of [commit, from]) if (named !== undefined) requireKnown(state, run, named);
      const pair =
        commit === undefined
          ? found(pairsOf(state, run).at(-1) ?? workOf(state, run), `merge or commit of run ${id}`)
          : { base: from ?? (await core.findParent(run, commit)), head: commit };
      return { ...pair, ...(await core.listChanges(run, { ...pair, patchBytes })) };
    },
    async 'run/file'({ run: id, revision, path }) {
      const run = found(state.runs.get(id), `run ${id}`);
      requireKnown(state, run, revision);
      return core.readFileAt(run, revision, path);
    },
  };
}

/** The commit before and the tree after, of each merge that the run proposed. The facts of a stage are those of its newest round. */
function pairsOf(state: State, run: Run): { base: string; head: string }[] {
  return [...(state.stages.get(run.id)?.values() ?? [])].flatMap(({ facts }) => {
    const { expected: base, tree: head } = facts;
    return base === undefined || head === undefined ? [] : [{ base, head }];
  });
}

/** The newest commit that an attempt of the run made, and where its task began. */
function workOf(state: State, run: Run): { base: string; head: string } | undefined {
  const works = tasksOf(state, run.id).map((task) => attemptsOf(state, task.id));
  const attempts = works.findLast((each) => each.some(({ commits }) => commits.length > 0)) ?? [];
  const base = attempts[0]?.workspace?.base ?? run.base;
  const head = attempts.findLast(({ commits }) => commits.length > 0)?.commits.at(-1)?.commit;
  return base === undefined || head === undefined ? undefined : { base, head };
}

function requireKnown(state: State, run: Run, revision: string): void {
  const attempts = tasksOf(state, run.id).flatMap((task) => attemptsOf(state, task.id));
  const known = [
    ...[run.base, run.merge?.expected, run.merge?.commit, run.merge?.undo?.commit],
    ...pairsOf(state, run).flatMap(({ base, head }) => [base, head]),
    ...attempts.flatMap(({ workspace, commits }) => [workspace?.base, ...commits.map(({ commit }) => commit)]),
  ];
  if (known.includes(revision)) return;
  const message = 'The run does not know that commit: what it asks may have changed meanwhile. Open the changes again.';
  throw new SignalboxError({ code: 'not_found', message, facts: { run: run.id, revision } });
}
