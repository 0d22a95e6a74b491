import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { UndoCommit, UndoDependent } from '../../../shared/protocol/views.ts';
import type { Run } from '../../../shared/state/run.ts';
import type { Handlers } from '../connection.ts';
import { listRuns, readRun } from './archived.ts';
import { found, originOf, submitOrThrow, type Core } from './core.ts';
import { steerHandlers } from './steer.ts';

/** How long a client waits for a merge to be taken back, in milliseconds. */
const UNDO_MS = 60_000;

type RunHandlers = Pick<
  Handlers,
  | 'run/start'
  | 'run/fork'
  | 'run/plan'
  | 'run/extend'
  | 'run/get'
  | 'run/list'
  | 'run/cancel'
  | 'run/undo'
  | 'run/pause'
  | 'run/resume'
  | 'run/retry'
  | 'run/skip'
>;

/** Which later merges stand in the way, most likely. */
function nameLater(dependents: readonly UndoDependent[]): string {
  if (dependents.length === 0) return '';
  const named = dependents.slice(0, 5).map(({ run, files }) => `${run} (${files.slice(0, 3).join(', ')})`);
  return ` Runs that merged later touch the same files: ${named.join('; ')}.`;
}

/** What builds on a merge, as far as the files that it touches tell. */
async function findLater(core: Core, run: Run): Promise<{ dependents: UndoDependent[]; others: UndoCommit[] }> {
  const [dependents, others] = await Promise.all([core.findLaterMerges(run), core.findLaterCommits(run)]);
  return { dependents, others };
}

function nothingToUndo({ id, merge }: Run): SignalboxError {
  const message = merge?.state === 'undone' ? 'Its merge was taken back already.' : 'The run merged nothing.';
  const commit = merge?.undo?.commit;
  return new SignalboxError({ code: 'nothing_to_undo', message, facts: { run: id, ...(commit === undefined ? {} : { commit }) } });
}

export function runHandlers(core: Core): RunHandlers {
  const { state } = core;
  return {
    ...steerHandlers(core),
    'run/start': (params, connection) => core.submitRun(params, originOf(connection)),
    'run/plan': (params, connection) => core.planRun(params, originOf(connection)),
    'run/extend': (params, connection) => core.extendRun(params, originOf(connection)),
    'run/fork': (params, connection) => core.forkRun(params, originOf(connection)),
    async 'run/get'({ run: id }) {
      const document = found(await readRun(core, id), `run ${id}`);
      return { ...document, definition: await core.definition(document.run.workflow.digest) };
    },
    'run/list': ({ repo, active, limit, cursor }) => listRuns(core, { repo, active, limit, cursor }),
    async 'run/cancel'({ run, reason }, connection) {
      await submitOrThrow(core, { type: 'run/cancel', run, reason }, connection);
      return { run };
    },
    async 'run/undo'({ run: id, preview }, connection) {
      const archived = state.runs.has(id) ? undefined : await core.archive.readRun(id);
      if (preview) {
        const shown = found(state.runs.get(id) ?? archived?.run, `run ${id}`);
        if (!shown.merge?.commit || shown.merge.state === 'undone') throw nothingToUndo(shown);
        return { run: id, branch: shown.merge.into, commit: '', ...(await findLater(core, shown)) };
      }
      // Both are queued in one turn, so that the run cannot go back to the archive in between.
      const restored = archived && submitOrThrow(core, { type: 'archive/restore', run: archived.run }, connection);
      await Promise.all([restored, submitOrThrow(core, { type: 'undo/start', run: id, by: connection.principal.name }, connection)]);
      await core.until(() => state.runs.get(id)?.merge?.state !== 'undoing', UNDO_MS);
      const run = found(state.runs.get(id), `run ${id}`);
      const { merge } = run;
      const later = await findLater(core, run);
      if (merge?.state === 'undo_failed') {
        throw new SignalboxError({
          code: 'repository',
          message: `${merge.problem ?? 'The merge could not be taken back.'}${nameLater(later.dependents)}`,
          facts: { reason: merge.code, ...later },
        });
      }
      return { run: id, branch: merge?.into ?? '', commit: merge?.undo?.commit ?? '', ...later };
    },
  };
}
