import type { ReportDecision, MergeOutcome, TestOutcome } from '../../shared/artifacts/report.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Run, Stage } from '../../shared/state/run.ts';
import { attemptsOf } from '../../shared/state/select.ts';
import type { Task } from '../../shared/state/task.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import { resolveArgv } from '../workflow/submit.ts';
import { branchFor } from './places.ts';
import type { Inputs } from './ports.ts';
import type { EffectContext } from './reactor.ts';

/** What an attempt is given: its payload, the JSON artifacts that its stage names, and what the record says of the run so far. */
export async function gatherInputs({ state, ports }: EffectContext, task: Task, run: Run | undefined): Promise<Inputs> {
  const inputs: Inputs = { ...(task.payload as Inputs) };
  for (const [name, digest] of Object.entries(task.artifacts)) {
    const text = await ports.artifacts.readText(digest);
    inputs[name] = /\.json$|\/$|\[\]$/.test(name) ? JSON.parse(text) : text;
  }
  const definition = run && ports.definitionOf(run.workflow.digest);
  if (run && definition) inputs['record'] = JSON.parse(JSON.stringify(describeRun(state, run, definition)));
  return inputs;
}

/** The part of a report that only the record knows. */
export interface RunRecord {
  run: string;
  repository?: string;
  decisions: ReportDecision[];
  test?: TestOutcome;
  merge?: MergeOutcome;
}

/** What was decided, how the tests went, and what became of the merge. */
export function describeRun(state: State, run: Run, definition: WorkflowDefinition): RunRecord {
  const stages = [...(state.stages.get(run.id)?.values() ?? [])];
  const command = definition.stages.find((s) => s.command !== undefined);
  const merge = definition.stages.find((s) => s.merge !== undefined);
  const test =
    command &&
    testOutcome(
      state,
      run,
      command,
      stages.find((s) => s.id === command.id),
    );
  const merged =
    merge &&
    mergeOutcome(
      state,
      run,
      stages.find((s) => s.id === merge.id),
      merge.merge?.from ?? '',
    );
  return {
    run: run.id,
    ...(run.repo === undefined ? {} : { repository: run.repo }),
    decisions: stages.flatMap((s) => decisionsOf(state, s)),
    ...(test ? { test } : {}),
    ...(merged ? { merge: merged } : {}),
  };
}

function decisionsOf(state: State, stage: Stage): ReportDecision[] {
  return stage.proposed.map(({ key, effect, reason, approval: id }): ReportDecision => {
    const subject = key === 'command' ? stage.id : key;
    const approval = id === undefined ? undefined : state.approvals.get(id);
    if (!approval) return { subject, effect: effect === 'deny' ? 'deny' : effect === 'warn' ? 'warn' : 'allow', reason };
    const answered = approval.status === 'used' || approval.status === 'lapsed' ? 'granted' : approval.status;
    const effectNow = answered === 'granted' || answered === 'denied' || answered === 'expired' ? answered : 'voided';
    return { subject, effect: effectNow, ...(approval.by === undefined ? {} : { by: approval.by }), reason: approval.reason ?? '' };
  });
}

function testOutcome(state: State, run: Run, def: StageDefinition, stage: Stage | undefined): TestOutcome | undefined {
  if (!stage) return undefined;
  const found = def.command === undefined ? undefined : resolveArgv(state, run, def.command);
  const task = state.tasks.get(stage.task ?? '');
  const argv = task?.payload['argv'] as string[] | undefined;
  const attempt = task && attemptsOf(state, task.id).at(-1);
  const what = { ...(argv === undefined ? {} : { argv }), ...(attempt?.exitCode === undefined ? {} : { exitCode: attempt.exitCode }) };
  if (stage.status === 'completed') return { status: 'passed', ...what };
  if (stage.status === 'skipped') {
    const status = stage.skipped === 'denied' ? 'refused' : stage.skipped === 'condition' && found === undefined ? 'absent' : 'skipped';
    return { status, ...(found === undefined ? {} : { argv: found }), detail: stage.reason };
  }
  if (stage.status !== 'failed') return undefined;
  return {
    status: stage.code === 'task_timeout' ? 'timeout' : stage.code === 'denied' ? 'refused' : 'failed',
    ...what,
    detail: stage.reason,
  };
}

function mergeOutcome(state: State, run: Run, stage: Stage | undefined, from: string): MergeOutcome | undefined {
  const made = state.stages.get(run.id)?.get(from);
  const task = state.tasks.get(made?.task ?? '');
  const where = {
    ...(task && made?.commit !== undefined ? { branch: branchFor(run, task) } : {}),
    ...(run.into === undefined ? {} : { into: run.into }),
  };
  if (!stage) return undefined;
  const { merge } = run;
  if (stage.status === 'completed') return { status: 'merged', ...where, ...(merge?.commit === undefined ? {} : { commit: merge.commit }) };
  if (stage.status === 'skipped' && stage.skipped === 'condition')
    return made?.commit === undefined ? { status: 'nothing', ...where } : { status: 'not_asked', ...where, detail: stage.reason };
  if (stage.status === 'skipped') return { status: 'failed', ...where, detail: stage.reason };
  if (stage.status !== 'failed') return undefined;
  const status = stage.code === 'denied' ? 'refused' : stage.code === 'merge_conflicts' ? 'conflict' : 'failed';
  return { status, ...where, detail: stage.reason };
}
