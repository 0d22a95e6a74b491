import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { State } from '../../../shared/state/evolve.ts';
import type { Run } from '../../../shared/state/run.ts';
import type { Handlers } from '../connection.ts';
import { found, type Core } from './core.ts';

type ChangesHandlers = Pick<Handlers, 'run/changes' | 'run/file'>;

/** What the run's merge changes, for an editor's own diff. Only what the run's record names can be read, never any commit. */
export function changesHandlers(core: Core): ChangesHandlers {
  const { state } = core;
  return {
    async 'run/changes'({ run: id }) {
      const run = found(state.runs.get(id), `run ${id}`);
      const { base, head } = found(pairsOf(state, run).at(-1), `merge of run ${id}`);
      return { base, head, ...(await core.listChanges(run, base, head)) };
    },
    async 'run/file'({ run: id, side, revision, path }) {
      const run = found(state.runs.get(id), `run ${id}`);
      if (!pairsOf(state, run).some((pair) => pair[side] === revision)) {
        throw new SignalboxError({ code: 'not_found', message: 'The run does not know that commit any more: what it asks has changed. Open the changes again.', facts: { run: id, revision } });
      }
      return core.readFileAt(run, revision, path);
    },
  };
}

/** The commits before and the trees after, of each merge that the run proposed. The facts of a stage are those of its newest round. */
function pairsOf(state: State, run: Run): { base: string; head: string }[] {
  return [...(state.stages.get(run.id)?.values() ?? [])].flatMap(({ facts }) => {
    const { expected: base, tree: head } = facts;
    return base === undefined || head === undefined ? [] : [{ base, head }];
  });
}
