// Stages that somebody adds to a run that is under way.
import type { Action } from '../../shared/state/action.ts';
import type { Approval } from '../../shared/state/approval.ts';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded, type Run } from '../../shared/state/run.ts';
import { approvalsOf, stageOf } from '../../shared/state/select.ts';
import type { CommandOf } from '../commands.ts';
import { askPerson, judge, ofApproval } from './approval.ts';
import { event, ofRun, refuse, type Context, type Verdict } from './context.ts';
import { explainDecision } from './steps.ts';

/** Key of the question whether something may be added. */
export const extendKey = (change: string): string => `extend:${change}`;

/**
 * Adds stages: nothing when the definition has changed since, so that they are checked anew; a question where the policy asks,
 * whose grant is used when the same is asked for again.
 */
export function extendRun(state: State, command: CommandOf<'run/extend'>, context: Context): Verdict {
  const run = state.runs.get(command.run);
  if (!run) return refuse('not_found', `There is no run ${command.run}.`, { run: command.run });
  if (runEnded(run) || run.cancelReason !== undefined)
    return refuse('run_ended', `The run is over, or ending (${run.status}).`, { run: run.id, status: run.status });
  const begun = command.before.find((id) => stageOf(state, run.id, id) !== undefined);
  if (begun !== undefined)
    return refuse('invalid_transition', `The stage ${begun} has begun already, so nothing can come before it.`, { stage: begun });
  if (run.workflow.digest !== command.from) return [];
  const { digest, added, by, change } = command;
  const extended = event('run.extended', `run/${run.id}`, ofRun(run), { digest, added, by });
  if (context.permits('run.extend', run.repo ?? '')) return [extended];
  const judged = judge(
    state,
    { key: extendKey(change), action: describe(run, command), show: {}, of: ofRun(run), stream: `run/${run.id}` },
    context,
  );
  if (judged.decision.effect === 'deny')
    return refuse('policy_denied', explainDecision(judged.decision), { rules: judged.decision.reasons });
  if (judged.decision.effect !== 'require_approval') return [judged.decided, extended];
  const asked = approvalsOf(state, run.id).findLast((a) => a.key === extendKey(change) && a.digest === judged.digest);
  if (!asked) return [judged.decided, ...askPerson(state, judged, context)];
  return settle(asked, [
    judged.decided,
    event('approval.used', `approval/${asked.id}`, ofApproval(asked), { approval: asked.id }),
    extended,
  ]);
}

function settle(asked: Approval, granted: Exclude<Verdict, { code: string }>): Verdict {
  if (asked.status === 'pending') return [];
  if (asked.status === 'granted') return granted;
  const said = asked.reason === undefined || asked.reason === '' ? '' : `: ${asked.reason}`;
  return refuse('policy_denied', `That extension was asked about before and ${asked.status}${said}`, { approval: asked.id });
}

function describe(run: Run, { added, agents, change, by }: CommandOf<'run/extend'>): Action {
  const summary = `Add ${added.join(', ')} to ${run.workflow.name}`.slice(0, 500);
  const about = { summary, agent: '', run: run.id, stage: '', task: '', repo: run.repo ?? '', risk: 'medium' as const };
  return { kind: 'run.extend', ...about, workflow: run.workflow.name, principal: by, stages: added, agents, change };
}
