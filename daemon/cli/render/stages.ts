// What a person is told about each stage of a run. Pure.
import type { Progress } from '../../../shared/protocol/views.ts';
import { type Approval, LEVELS } from '../../../shared/state/approval.ts';
import type { State } from '../../../shared/state/evolve.ts';
import { RUN_TABLE, type Run, type Stage, STAGE_TABLE } from '../../../shared/state/run.ts';
import { isFinal } from '../../../shared/state/table.ts';
import type { StageDefinition, WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { sayDeliberating } from './deliberation.ts';
import { isOfRun } from '../../../shared/state/select.ts';
import { shortId } from '../ids.ts';
import { cleanLine } from './text.ts';

/** A run as far as it is known here. */
export interface Picture {
  state: State;
  run: Run;
  definition: WorkflowDefinition;
  progress: ReadonlyMap<string, Progress>;
}

export type Mark = 'done' | 'failed' | 'skipped' | 'canceled' | 'waiting' | 'running' | 'notBegun';

export interface StageRow {
  id: string;
  mark: Mark;
  /** What it does or waits for; changes only when the stage does. */
  text: string;
  /** What its attempt says right now. */
  progress?: string;
  /** A state that usually lasts no moment; lines about it are written only when it stays. */
  brief?: true;
  /** Since when it waits. */
  since?: string;
  startedAt?: string;
  endedAt?: string;
}

/** One row for each stage of the definition, in its order. */
export function describeStages(picture: Picture): StageRow[] {
  const stages = picture.state.stages.get(picture.run.id);
  return picture.definition.stages.map((def) => describeStage(picture, def, stages?.get(def.id)));
}

function describeStage(picture: Picture, def: StageDefinition, stage: Stage | undefined): StageRow {
  if (!stage) return { id: def.id, mark: 'notBegun', text: describeNeeds(picture, def) };
  const row = { id: def.id, startedAt: stage.startedAt, ...(stage.endedAt === undefined ? {} : { endedAt: stage.endedAt }) };
  const reason = cleanLine(stage.reason);
  if (stage.stuck && stage.endedAt === undefined) return { ...row, ...describeStuck(picture, stage, stage.stuck.message) };
  switch (stage.status) {
    case 'deciding':
      return { ...row, ...describeDeciding(picture, stage) };
    case 'admitted':
      return { ...row, mark: 'running', text: 'starts', brief: true };
    case 'running':
      return { ...row, ...withEscalation(describeRunning(picture, def, stage), stage) };
    case 'checking':
      return { ...row, mark: 'running', text: 'its work is being checked' };
    case 'completed':
      return { ...row, mark: 'done', text: describeDone(picture, stage) };
    case 'failed':
      return { ...row, mark: 'failed', text: `failed: ${reason}` };
    case 'skipped':
      return { ...row, mark: 'skipped', text: stage.skipped === 'denied' ? `not allowed: ${reason}` : `skipped: ${reason}` };
    case 'canceled':
      return { ...row, mark: 'canceled', text: `canceled: ${reason}` };
    default:
      return stage.status satisfies never;
  }
}

function describeNeeds({ state, run, definition }: Picture, def: StageDefinition): string {
  if (isFinal(RUN_TABLE, run.status)) return 'not reached';
  const stages = state.stages.get(run.id);
  const open = def.needs.filter((id) => {
    const stage = stages?.get(id);
    return stage === undefined || !isFinal(STAGE_TABLE, stage.status);
  });
  if (open.length === definition.stages.length - 1 && open.length > 2) return 'comes last';
  if (def.instance && stages?.get(def.instance.of)) return 'waits for its turn';
  if (open.length === 0 && def.merge) return `waits for its turn to merge into ${cleanLine(run.into ?? 'the branch')}`;
  return open.length === 0 ? 'comes next' : `waits for ${open.join(', ')}`;
}

/** The questions of a stage that nobody has answered yet. */
export function listOpenQuestions(state: State, stage: Stage): Approval[] {
  return stage.proposed.flatMap((proposed) => {
    const approval = proposed.approval === undefined ? undefined : state.approvals.get(proposed.approval);
    return approval?.status === 'pending' ? [approval] : [];
  });
}

type Doing = Pick<StageRow, 'mark' | 'text' | 'since' | 'progress' | 'brief'>;

/** Who was told that the stage is held up. */
function withEscalation(doing: Doing, { escalated }: Stage): Doing {
  if (!escalated) return doing;
  return {
    ...doing,
    mark: 'waiting',
    text: `${doing.text}; held up, told to ${escalated.told.join(', ') || LEVELS[escalated.level]}: ${cleanLine(escalated.why)}`,
  };
}

function describeDeciding({ state }: Picture, stage: Stage): Doing {
  const open = listOpenQuestions(state, stage);
  const since = open.map((approval) => approval.requestedAt).sort()[0];
  if (since === undefined) return { mark: 'running', text: 'the policy decides', brief: true };
  return { mark: 'waiting', text: open.length === 1 ? 'waits for an approval' : `waits for ${open.length} approvals`, since };
}

function describeStuck({ state }: Picture, stage: Stage, message: string): Doing {
  const since = listOpenQuestions(state, stage)[0]?.requestedAt;
  return { mark: 'waiting', text: `failed, and asks what now: ${cleanLine(message)}`, ...(since === undefined ? {} : { since }) };
}

function describeRunning(picture: Picture, def: StageDefinition, stage: Stage): Doing {
  const { state, run } = picture;
  if (def.call) return describeChild(picture, def.call.workflow, stage.child ?? '');
  if (def.matrix) return { mark: 'running', text: describeItems(picture, def, stage.items ?? 0) };
  if (def.merge) return { mark: 'running', text: `merges into ${cleanLine(run.into ?? 'the branch')}` };
  if (def.deliberate) return { mark: 'running', text: sayDeliberating(picture, stage, def.deliberate) };
  const task = state.tasks.get(stage.task ?? '');
  if (task?.status === 'pending') {
    const what = task.waitsFor === 'agent' || task.waitsFor === undefined ? `the agent ${task.wants}` : task.waitsFor;
    const why = task.heldAt === undefined ? '' : `: ${cleanLine(task.message ?? '')}`;
    return { mark: 'waiting', text: `waits for ${what}${why}`, since: task.submittedAt, brief: true };
  }
  const said = cleanLine(picture.progress.get(task?.attempt ?? '')?.text ?? '');
  return { mark: 'running', text: cleanLine(def.name), ...(said === '' ? {} : { progress: said }) };
}

/** The run that does the work of a stage, as far as it is known here. */
function describeChild({ state }: Picture, workflow: string, id: string): Doing {
  const child = state.runs.get(id);
  const text = `runs ${workflow} as ${shortId(id)}`;
  if (child?.status === 'waiting_approval') return { mark: 'waiting', text: `${text}, which waits for an approval` };
  const done = child?.done ?? 0;
  return { mark: 'running', text: done === 0 ? text : `${text}: ${done} stage${done === 1 ? '' : 's'} done` };
}

function describeItems({ state, run, definition }: Picture, def: StageDefinition, items: number): string {
  const stages = state.stages.get(run.id);
  const mine = definition.stages.filter(({ instance }) => instance?.of === def.id);
  const ended = mine.filter(({ id }) => stages?.get(id)?.endedAt !== undefined).length;
  return `${ended} of ${items} items done`;
}

function describeDone({ state, run }: Picture, stage: Stage): string {
  if (stage.inherited) return `done in run ${shortId(run.origin?.run ?? '')}`;
  const refused = stage.results.filter((result) => !result.allowed).length;
  const commits = [...state.attempts.values()]
    .filter((attempt) => attempt.task === stage.task && attempt.run === run.id)
    .flatMap((attempt) => attempt.commits);
  const made = new Set(commits.map((commit) => commit.key)).size;
  const parts = [...(made > 0 ? [`${made} commit${made === 1 ? '' : 's'}`] : []), ...(refused > 0 ? [`${refused} not allowed`] : [])];
  return parts.length === 0 ? 'done' : `done: ${parts.join(', ')}`;
}

/** The open questions of a run, oldest first. */
export function listQuestions({ state, run }: Pick<Picture, 'state' | 'run'>): Approval[] {
  return [...state.approvals.values()]
    .filter((approval) => isOfRun(approval.run, run.id) && approval.status === 'pending')
    .sort((a, b) => (a.requestedAt < b.requestedAt ? -1 : a.requestedAt > b.requestedAt ? 1 : 0));
}

/** Who asks: the agent of the stage; a merge is the daemon's own. */
export function whoAsks({ definition }: Pick<Picture, 'definition'>, approval: Approval): string {
  const agent = definition.stages.find((stage) => stage.id === approval.stage)?.agent;
  return agent === undefined ? 'Signalbox' : `The agent ${cleanLine(agent)}`;
}
