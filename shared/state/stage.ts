// Folds of what happened to stages; what a stage is stands in `run.ts`.
import type { Event, EventNamed } from '../events/envelope.ts';
import type { HandoffEvent } from '../events/handoff.ts';
import type { StageEvent } from '../events/stage.ts';
import { beginRound, endRound } from './deliberation.ts';
import type { State } from './evolve.ts';
import { type Deadline, STAGE_TABLE, type Stage, type StageTable } from './run.ts';
import { isFinal } from './table.ts';

/** Folds one event about a stage into the table of stages. */
export function evolveStages(stages: StageTable, event: Event & StageEvent, at: string): void {
  const id = event.stage ?? '';
  const before: Stage = {
    id,
    status: 'deciding',
    reason: '',
    round: 1,
    decided: false,
    facts: {},
    proposed: [],
    results: [],
    values: {},
    startedAt: at,
  };
  const known = stages.get(event.run ?? '')?.get(id) ?? before;
  putStage(stages, event.run ?? '', applyToStage(known, event, at));
}

function startRound(stage: Stage, data: Extract<StageEvent, { type: 'stage.started' }>['data'], at: string): Stage {
  const { stuck: _, child: __, escalated: ________, ...before } = stage;
  const { judged: ___, missing: ____, task: _____, commit: ______, deliberation: _______, ...rest } = before;
  // A round that follows a branch that moved keeps what the stage has; one that does the work again does not.
  const kept = data.again === undefined && data.feedback === undefined ? before : rest;
  const sla: Deadline[] = data.slaMs === undefined ? [] : [{ what: 'sla', from: at, ms: data.slaMs }];
  const deadlines = sla.length > 0 ? { deadlines: sla } : {};
  return { ...kept, ...deadlines, ...data, status: 'deciding', decided: false, proposed: [], results: [] };
}

/** Folds what became of a handoff into the stage that receives it. */
export function evolveHandoff({ runs, stages }: Pick<State, 'runs' | 'stages'>, event: Event & HandoffEvent, at: string): void {
  const run = runs.get(event.run ?? '');
  if (!run) return;
  const { accepted, returned } = run.handoffs ?? { accepted: 0, returned: 0 };
  if (event.type === 'handoff.returned') {
    runs.set(run.id, { ...run, handoffs: { accepted, returned: returned + 1 } });
    updateStage(stages, run.id, event.stage, (stage) => ({ ...stage, missing: event.data.missing }));
    return;
  }
  runs.set(run.id, { ...run, handoffs: { accepted: accepted + 1, returned } });
  const { handoff, artifacts, acknowledgeMs, firstOutputMs } = event.data;
  const times = (before: readonly Deadline[] = []): Deadline[] => [
    ...before,
    ...(acknowledgeMs === undefined ? [] : [{ what: 'acknowledge' as const, from: at, ms: acknowledgeMs }]),
    ...(firstOutputMs === undefined ? [] : [{ what: 'first_output' as const, from: at, ms: firstOutputMs }]),
  ];
  const timed = acknowledgeMs !== undefined || firstOutputMs !== undefined;
  updateStage(stages, run.id, event.stage, (stage) => ({
    ...stage,
    accepted: { ...stage.accepted, [handoff]: artifacts },
    ...(timed ? { deadlines: times(stage.deadlines) } : {}),
  }));
}

function putStage(stages: StageTable, run: string, stage: Stage): void {
  const ofRun = stages.get(run);
  if (ofRun) ofRun.set(stage.id, stage);
  else stages.set(run, new Map([[stage.id, stage]]));
}

function applyToStage(stage: Stage, event: Event & StageEvent, at: string): Stage {
  switch (event.type) {
    case 'stage.started':
      return startRound(stage, event.data, at);
    case 'stage.proposed':
      return { ...stage, decided: true, facts: event.data.facts };
    case 'stage.admitted':
      return { ...stage, status: 'admitted', results: event.data.results };
    case 'stage.checking': {
      const { judged: _, ...rest } = stage;
      return { ...rest, status: 'checking', ...event.data };
    }
    case 'stage.late':
      return { ...stage, deadlines: markLate(stage.deadlines, event.data) };
    case 'stage.expanded':
      return { ...stage, status: 'running', items: event.data.items };
    case 'stage.stuck':
      return { ...stage, stuck: event.data };
    case 'stage.deliberating': {
      const { task, ...round } = event.data;
      return { ...stage, status: 'running', task, deliberation: beginRound(stage.deliberation, round, at) };
    }
    case 'stage.voted':
      return stage.deliberation ? { ...stage, deliberation: endRound(stage.deliberation, event.data) } : stage;
    case 'stage.escalated':
      return { ...stage, escalated: event.data };
    case 'stage.judged':
      return { ...stage, judged: event.data.results };
    case 'stage.completed':
      return {
        ...stage,
        status: 'completed',
        values: event.data.values,
        ...(event.data.chosen === undefined ? {} : { chosen: event.data.chosen }),
        ...(event.data.commit === undefined ? {} : { commit: event.data.commit }),
        endedAt: at,
      };
    case 'stage.failed':
      return { ...stage, status: 'failed', code: event.data.code, reason: event.data.message, endedAt: at };
    case 'stage.skipped':
      return { ...stage, status: 'skipped', reason: event.data.reason, skipped: event.data.cause, endedAt: at };
    case 'stage.canceled':
      return { ...stage, status: 'canceled', reason: event.data.reason, endedAt: at };
    case 'stage.inherited':
      return { ...stage, ...event.data, inherited: true, endedAt: at };
    default:
      return event satisfies never;
  }
}

/** Key of the question what is to become of a failure in this round of a stage. */
export function failureKey({ round }: Pick<Stage, 'round'>): string {
  return `failure:${round}`;
}

const markLate = (
  deadlines: readonly Deadline[] = [],
  { what, level }: Pick<Deadline, 'what'> & { level: 'warning' | 'missed' },
): Deadline[] => deadlines.map((one) => (one.what === what ? { ...one, level } : one));

/** Changes one stage of a run, if it is there. */
export function updateStage(stages: StageTable, run: string | undefined, id: string | undefined, change: (stage: Stage) => Stage): void {
  const stage = stages.get(run ?? '')?.get(id ?? '');
  if (stage) putStage(stages, run ?? '', change(stage));
}

/** True when nothing but a step back changes the stage any more. */
export function stageEnded(stage: Stage | undefined): boolean {
  return stage !== undefined && isFinal(STAGE_TABLE, stage.status);
}

/** Times that stages should keep begin later, because nobody is late while the machine sleeps. */
export function shiftStages(table: StageTable, shift: (at: string) => string): void {
  for (const stages of table.values())
    for (const stage of stages.values()) {
      if (stageEnded(stage) || !(stage.deadlines || stage.deliberation)) continue;
      const { deadlines, deliberation } = stage;
      stages.set(stage.id, {
        ...stage,
        ...(deadlines ? { deadlines: deadlines.map((one) => ({ ...one, from: shift(one.from) })) } : {}),
        ...(deliberation ? { deliberation: { ...deliberation, from: shift(deliberation.from) } } : {}),
      });
    }
}

/** Folds one event about a stage, and keeps the count of the run's ended stages. */
export function foldStage(state: State, event: Event & StageEvent, at: string): void {
  const before = stageEnded(state.stages.get(event.run ?? '')?.get(event.stage ?? ''));
  if (event.type === 'stage.started' && (event.data.feedback !== undefined || event.data.again !== undefined))
    markStale(state, event.run ?? '', new Set([event.stage ?? '']));
  evolveStages(state.stages, event, at);
  const after = stageEnded(state.stages.get(event.run ?? '')?.get(event.stage ?? ''));
  const run = state.runs.get(event.run ?? '');
  if (run && event.type === 'stage.expanded') state.runs.set(run.id, { ...run, workflow: { ...run.workflow, digest: event.data.digest } });
  if (!run || before === after) return;
  // A state that was folded by an earlier version did not count yet.
  const done = run.done === undefined ? countEnded(state.stages.get(run.id)) : run.done + (after ? 1 : -1);
  state.runs.set(run.id, { ...run, done });
}

function countEnded(stages: ReadonlyMap<string, Stage> | undefined): number {
  let count = 0;
  for (const stage of stages?.values() ?? []) if (stageEnded(stage)) count += 1;
  return count;
}

/** Goes back: the stages are as if they had never begun; what they made stays, marked as of an earlier turn. */
export function foldReturn(state: State, event: EventNamed<'run.returned'>): void {
  const run = state.runs.get(event.run ?? '');
  const stages = state.stages.get(event.run ?? '');
  if (!run) return;
  let done = run.done ?? 0;
  const commits: Record<string, string> = {};
  for (const id of event.data.stages) {
    const stage = stages?.get(id);
    if (stageEnded(stage)) done -= 1;
    const commit = stage?.commit ?? state.tasks.get(stage?.task ?? '')?.commit;
    if (commit !== undefined) commits[id] = commit;
    stages?.delete(id);
  }
  markStale(state, run.id, new Set(event.data.stages));
  state.runs.set(run.id, { ...run, done, earlier: { ...run.earlier, ...commits } });
}

function markStale(state: State, run: string, stages: ReadonlySet<string>): void {
  const artifacts = state.artifacts.get(run);
  for (const [name, artifact] of artifacts ?? [])
    if (stages.has(artifact.stage) && !artifact.stale) artifacts?.set(name, { ...artifact, stale: true });
}
