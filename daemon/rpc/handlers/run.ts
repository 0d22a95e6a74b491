import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { approvalsOf, attemptsOf, tasksOf } from '../../../shared/state/select.ts';
import { runEnded } from '../../../shared/state/run.ts';
import type { Handlers } from '../connection.ts';
import { found, originOf, submitOrThrow, type Core } from './core.ts';

/** How long a client waits for a merge to be taken back, in milliseconds. */
const UNDO_MS = 60_000;

type RunHandlers = Pick<Handlers, 'run/start' | 'run/get' | 'run/list' | 'run/cancel' | 'run/undo'>;

export function runHandlers(core: Core): RunHandlers {
  const { state } = core;
  return {
    'run/start': (params, connection) => core.submitRun(params, originOf(connection)),
    async 'run/get'({ run: id }) {
      const run = found(state.runs.get(id), `run ${id}`);
      const definition = await core.definition(run.workflow.digest);
      const tasks = tasksOf(state, id);
      return {
        run,
        stages: [...(state.stages.get(id)?.values() ?? [])],
        artifacts: [...(state.artifacts.get(id) ?? [])].map(([name, artifact]) => ({ name, ...artifact })),
        tasks,
        attempts: tasks.flatMap((task) => attemptsOf(state, task.id)),
        approvals: approvalsOf(state, id),
        definition,
      };
    },
    'run/list'({ repo, active, limit }) {
      const runs = [...state.runs.values()].filter((r) => (repo === undefined || r.repo === repo) && !(active && runEnded(r)));
      return { runs: runs.slice(-limit).reverse() };
    },
    async 'run/cancel'({ run, reason }, connection) {
      await submitOrThrow(core, { type: 'run/cancel', run, reason }, connection);
      return { run };
    },
    async 'run/undo'({ run: id }, connection) {
      await submitOrThrow(core, { type: 'undo/start', run: id, by: connection.principal.name }, connection);
      await core.until(() => state.runs.get(id)?.merge?.state !== 'undoing', UNDO_MS);
      const { merge } = found(state.runs.get(id), `run ${id}`);
      if (merge?.state === 'undo_failed') {
        throw new SignalboxError({ code: 'repository', message: merge.problem ?? 'The merge could not be taken back.', facts: { reason: merge.code } });
      }
      return { run: id, branch: merge?.into ?? '', commit: merge?.undo?.commit ?? '' };
    },
  };
}
