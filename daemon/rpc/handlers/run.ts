import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { UndoDependent } from '../../../shared/protocol/views.ts';
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
    async 'run/undo'({ run: id }, connection) {
      const archived = state.runs.has(id) ? undefined : await core.archive.readRun(id);
      // Both are queued in one turn, so that the run cannot go back to the archive in between.
      const restored = archived && submitOrThrow(core, { type: 'archive/restore', run: archived.run }, connection);
      await Promise.all([restored, submitOrThrow(core, { type: 'undo/start', run: id, by: connection.principal.name }, connection)]);
      await core.until(() => state.runs.get(id)?.merge?.state !== 'undoing', UNDO_MS);
      const run = found(state.runs.get(id), `run ${id}`);
      const { merge } = run;
      const dependents = await core.findLaterMerges(run);
      if (merge?.state === 'undo_failed') {
        throw new SignalboxError({
          code: 'repository',
          message: `${merge.problem ?? 'The merge could not be taken back.'}${nameLater(dependents)}`,
          facts: { reason: merge.code, dependents },
        });
      }
      return { run: id, branch: merge?.into ?? '', commit: merge?.undo?.commit ?? '', dependents };
    },
  };
}
