// Work that failed where the workflow says `ask`: a person says what is to become of it.
import type { NewEvent } from '../../shared/events/envelope.ts';
import type { Action } from '../../shared/state/action.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Run } from '../../shared/state/run.ts';
import { approvalsOf, stageOf } from '../../shared/state/select.ts';
import { failureKey } from '../../shared/state/stage.ts';
import type { CommandOf } from '../commands.ts';
import { askFor, ofApproval } from './approval.ts';
import { event, ofRun, refuse, type Context, type Verdict } from './context.ts';

/** Records what a stage failed with, and the question; once for each round. */
export function askAboutStage(state: State, command: CommandOf<'stage/ask'>, context: Context): Verdict {
  const run = state.runs.get(command.run);
  if (!run) return refuse('not_found', `There is no run ${command.run}.`, { run: command.run });
  const stage = stageOf(state, run.id, command.stage);
  const open = stage?.status === 'running' || stage?.status === 'checking' || stage?.status === 'deciding';
  if (!stage || !open || stage.stuck || stage.round !== command.round) return [];
  const { code, message } = command;
  const of = ofRun(run, stage.id);
  const action: Action = {
    kind: 'stage.advance',
    ...{ summary: `Go on with ${stage.id} after it failed: ${message}`.slice(0, 500), agent: 'daemon', run: run.id, stage: stage.id },
    ...{ task: '', repo: run.repo ?? '', risk: 'medium', workflow: run.workflow.name, base: stage.commit ?? run.base ?? '', always: false },
  };
  const ask = `The workflow asks a person when ${stage.id} fails (${code}): yes tries it again, with your words, or skips it; no lets it fail.`;
  const wanted = { key: failureKey(stage), action, show: {}, ask, choices: ['retry', 'skip'], of, stream: `run/${run.id}` };
  return [event('stage.stuck', `run/${run.id}`, of, { code, message }), ...askFor(state, wanted, context)];
}

/** The answer about a failure is used by the step that it leads to. */
export function useFailureAnswer(state: State, run: Run, stage: string): NewEvent[] {
  return approvalsOf(state, run.id)
    .filter((a) => a.stage === stage && a.task === undefined && a.status === 'granted' && a.choices !== undefined)
    .map((a) => event('approval.used', `approval/${a.id}`, ofApproval(a), { approval: a.id }));
}
