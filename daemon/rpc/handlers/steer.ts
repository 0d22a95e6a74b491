import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Connection, Handlers } from '../connection.ts';
import { found, submitOrThrow, type Core } from './core.ts';

/** How a run that is under way is steered by hand. */
export function steerHandlers(core: Core): Pick<Handlers, 'run/pause' | 'run/resume' | 'run/retry' | 'run/skip'> {
  const { state } = core;
  return {
    async 'run/pause'({ run, reason }, connection) {
      await submitOrThrow(core, { type: 'run/pause', run, by: connection.principal.name, reason }, connection);
      return { run };
    },
    async 'run/resume'({ run }, connection) {
      await submitOrThrow(core, { type: 'run/resume', run, by: connection.principal.name }, connection);
      return { run };
    },
    async 'run/retry'({ run: id, stage, feedback }, connection) {
      return { run: id, stages: await returnTo(core, { run: id, stage, feedback }, connection) };
    },
    async 'run/skip'({ run: id, stage, reason: words }, connection) {
      const run = found(state.runs.get(id), `run ${id}`);
      const { stages } = await core.definition(run.workflow.digest);
      found(
        stages.find((one) => one.id === stage),
        `stage ${stage} in that run`,
      );
      const begun = state.stages.get(id)?.get(stage)?.status;
      if (begun !== undefined && begun !== 'skipped')
        throw new SignalboxError({
          code: 'invalid_transition',
          message: `The stage has begun already (${begun}).`,
          facts: { stage, status: begun },
        });
      const reason = `Left out by ${connection.principal.name}${words === '' ? '.' : `: ${words}`}`;
      await submitOrThrow(core, { type: 'stage/skip', run: id, stage, reason, cause: 'person' }, connection);
      return { run: id };
    },
  };
}

/** Does a stage of a run again because somebody asked for it; gives what is done again. */
export async function returnTo(
  core: Core,
  { run: id, stage, feedback }: { run: string; stage: string; feedback: string },
  connection: Connection,
): Promise<string[]> {
  const run = found(core.state.runs.get(id), `run ${id} in memory`);
  const { stages, told } = core.doneAgain(await core.definition(run.workflow.digest), stage);
  if (stages.length === 0) throw new SignalboxError({ code: 'not_found', message: `The run has no stage ${stage}.`, facts: { stage } });
  const asked = { run: id, from: stage, to: stage, stages, code: 'asked', feedback, by: connection.principal.name };
  await submitOrThrow(core, { type: 'run/return', ...asked, ...(told ? { told } : {}) }, connection);
  return stages;
}
