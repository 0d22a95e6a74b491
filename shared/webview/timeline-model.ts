/**
 * The timeline of a run, made from the state.
 *
 * 1. It reads nothing but its arguments, so the same state gives the same timeline.
 * 2. Stages stand in the order of the definition, begun or not, with the lanes of their attempts below.
 * 3. A lane holds attempts that do not overlap. An attempt's lane depends only on those that started before it, so it never moves.
 */
import type { Attempt, AttemptStatus } from '../state/attempt.ts';
import type { State } from '../state/evolve.ts';
import { runEnded, type Run, type RunStatus, type StageStatus } from '../state/run.ts';
import type { WorkflowDefinition } from '../state/workflow.ts';
import {
  approvalMarks,
  commitLink,
  commitMarks,
  cut,
  mergeMarks,
  ms,
  spaced,
  toolMarks,
  until,
  waitOf,
  type Known,
} from './timeline-marks.ts';
import {
  MAX_ITEMS,
  MAX_ROWS,
  type TimelineIntent,
  type TimelineMark,
  type TimelineModel,
  type TimelineRow,
  type TimelineRun,
  type TimelineSpan,
  type Tone,
} from './timeline.ts';

const RUN_TONE: Record<RunStatus, Tone> = {
  queued: 'idle',
  running: 'running',
  waiting_approval: 'waiting',
  paused: 'waiting',
  success: 'success',
  failure: 'failure',
  canceled: 'canceled',
};
const STAGE_TONE: Record<StageStatus, Tone> = {
  deciding: 'running',
  admitted: 'running',
  running: 'running',
  checking: 'running',
  completed: 'success',
  failed: 'failure',
  skipped: 'skipped',
  canceled: 'canceled',
};
const ATTEMPT_TONE: Record<AttemptStatus, Tone> = {
  starting: 'running',
  running: 'running',
  succeeded: 'success',
  failed: 'failure',
  timeout: 'failure',
  canceled: 'canceled',
  interrupted: 'canceled',
};

interface Part {
  rows: TimelineRow[];
  spans: TimelineSpan[];
  marks: TimelineMark[];
}

/** The timeline of `runId` at `now` (ms since the epoch); undefined when the state does not have the run. */
export function buildTimeline(state: State, definition: WorkflowDefinition, runId: string, now: number): TimelineModel | undefined {
  const run = state.runs.get(runId);
  if (!run) return undefined;
  const attempts = groupByStage(state.attempts.values(), runId);
  const approvals = groupByStage(state.approvals.values(), runId);
  const names = new Map(definition.stages.map((stage) => [stage.id, stage.name]));
  const parts = definition.stages.map((stage) =>
    buildStage(state, names, {
      run,
      definition: stage,
      stage: state.stages.get(runId)?.get(stage.id),
      attempts: attempts.get(stage.id) ?? [],
      approvals: approvals.get(stage.id) ?? [],
      links: artifactLinks(state, runId, stage.id),
    }),
  );
  const allRows = parts.flatMap((part) => part.rows);
  const rows = allRows.slice(0, MAX_ROWS);
  const hidden = new Set(allRows.slice(MAX_ROWS).map((row) => row.id));
  const spans = parts.flatMap((part) => part.spans);
  const marks = parts.flatMap((part) => part.marks);
  const keptSpans = keepNewest(hidden.size === 0 ? spans : spans.filter((span) => !hidden.has(span.row)), (span) => span.start);
  const keptMarks = keepNewest(hidden.size === 0 ? marks : marks.filter((mark) => !hidden.has(mark.row)), (mark) => mark.at);
  const omitted = spans.length - keptSpans.length + marks.length - keptMarks.length;
  return { run: describeRun(run, omitted), now, rows, spans: keptSpans, marks: keptMarks };
}

function describeRun(run: Run, omitted: number): TimelineRun {
  const { id, workflow, status, summary } = run;
  const text = { title: cut(workflow.name), tone: RUN_TONE[status], status: spaced(status), summary: cut(summary) };
  const by = run.startedBy ? { startedBy: cut(`${run.startedBy.trigger}: ${run.startedBy.summary}`) } : {};
  return {
    id,
    version: workflow.version,
    ...text,
    ...by,
    start: ms(run.submittedAt),
    ...until(run.endedAt),
    live: !runEnded(run),
    omitted,
  };
}

function groupByStage<Entry extends { run?: string; stage?: string }>(entries: Iterable<Entry>, run: string): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    if (entry.run !== run || entry.stage === undefined) continue;
    const group = groups.get(entry.stage);
    if (group) group.push(entry);
    else groups.set(entry.stage, [entry]);
  }
  return groups;
}

function keepNewest<Item>(items: Item[], startOf: (item: Item) => number): Item[] {
  if (items.length <= MAX_ITEMS) return items;
  return items.sort((a, b) => startOf(a) - startOf(b)).slice(-MAX_ITEMS);
}

function artifactLinks(state: State, run: string, stage: string): TimelineIntent[] {
  const own = [...(state.artifacts.get(run) ?? [])].filter(([, artifact]) => artifact.stage === stage).slice(0, 10);
  return own.map(([name, { digest }]) => ({ kind: 'artifact', run, name, digest }));
}

function buildStage(state: State, names: ReadonlyMap<string, string>, known: Known): Part {
  const { stage, definition, approvals } = known;
  const row = `stage/${definition.id}`;
  const head: TimelineRow = {
    id: row,
    kind: 'stage',
    stage: definition.id,
    label: cut(definition.name),
    ...describeStage(state, names, known),
  };
  if (!stage) return { rows: [head], spans: [], marks: [] };
  const { tone, status } = head;
  const newest = known.attempts.at(-1);
  const links = [...(newest ? [logOf(known, newest)] : []), ...known.links];
  const own: TimelineSpan = {
    id: row,
    row,
    kind: 'stage',
    label: head.label,
    tone,
    status,
    start: ms(stage.startedAt),
    ...until(stage.endedAt),
    note: cut(stage.reason),
    links,
  };
  const lanes = lanesOf(known);
  return {
    rows: [head, ...lanes.rows],
    spans: [own, ...approvals.map((approval) => waitOf(known, row, approval)), ...lanes.spans],
    marks: [...approvals.flatMap((approval) => approvalMarks(known, row, approval)), ...mergeMarks(known, row), ...lanes.marks],
  };
}

/** Status, tone and what the stage waits for, in words. */
function describeStage(
  state: State,
  names: ReadonlyMap<string, string>,
  known: Known,
): Pick<TimelineRow, 'tone' | 'status' | 'needs' | 'waitsFor' | 'note'> {
  const { run, stage, definition } = known;
  if (!stage) {
    const stages = state.stages.get(run.id);
    const open = definition.needs.filter((need) => stages?.get(need)?.endedAt === undefined);
    return { tone: 'idle', status: '', needs: open.map((need) => cut(names.get(need) ?? need)), note: '' };
  }
  const asked = known.approvals.some((approval) => approval.status === 'pending');
  const open = stage.endedAt === undefined;
  const waitsFor = open ? state.tasks.get(stage.task ?? '')?.waitsFor : undefined;
  const common = { needs: [], note: cut(stage.reason), ...(waitsFor === undefined ? {} : { waitsFor }) };
  if (asked && open) return { ...common, tone: 'waiting', status: 'waiting' };
  return { ...common, tone: STAGE_TONE[stage.status], status: spaced(stage.status) };
}

const logOf = ({ run, definition }: Known, attempt: Attempt): TimelineIntent => ({
  kind: 'log',
  run: run.id,
  stage: definition.id,
  attempt: attempt.id,
});

/**
 * The lanes that were made of a stage's attempts, by the newest of them. An entry of the state never changes, so the same attempts
 * give the same lanes: of 10,000 attempts a change makes only those of one stage anew.
 */
const made = new WeakMap<Attempt, { attempts: readonly Attempt[]; part: Part }>();

function lanesOf(known: Known): Part {
  const { attempts } = known;
  const newest = attempts.at(-1);
  if (!newest) return { rows: [], spans: [], marks: [] };
  const old = made.get(newest);
  if (old && old.attempts.length === attempts.length && attempts.every((attempt, index) => attempt === old.attempts[index]))
    return old.part;
  const part = buildLanes(known);
  made.set(newest, { attempts, part });
  return part;
}

/** Attempts come in the order in which they started: that is how the state keeps them. */
function buildLanes(known: Known): Part {
  const part: Part = { rows: [], spans: [], marks: [] };
  const lanes: { id: string; free: number; numbers: number[]; last: TimelineSpan }[] = [];
  for (const [index, attempt] of known.attempts.entries()) {
    const start = ms(attempt.startedAt);
    const free = lanes.findIndex((candidate) => candidate.free <= start);
    const at = free < 0 ? lanes.length : free;
    const id = `attempts/${known.definition.id}/${at + 1}`;
    const span = attemptSpan(known, { row: id, label: String(index + 1) }, attempt);
    const lane = (lanes[at] ??= { id, free: 0, numbers: [], last: span });
    lane.free = span.end ?? Infinity;
    lane.numbers.push(index + 1);
    lane.last = span;
    part.spans.push(span);
    part.marks.push(...commitMarks(known, id, attempt), ...toolMarks(known, id, attempt));
  }
  part.rows = lanes.map(({ id, numbers, last }) => {
    const { tone, status, note } = last;
    return { id, kind: 'attempts', stage: known.definition.id, label: laneLabel(numbers), tone, status, needs: [], note };
  });
  return part;
}

/** `2`, or `2-9` for the first and last attempt of a lane; the webview puts it into words. */
function laneLabel(numbers: readonly number[]): string {
  return numbers.length === 1 ? String(numbers[0]) : `${numbers[0]}-${numbers.at(-1)}`;
}

function attemptSpan(known: Known, place: { row: string; label: string }, attempt: Attempt): TimelineSpan {
  const { id, status, agent, message } = attempt;
  const note = cut(message === undefined ? agent : `${agent}: ${message}`);
  const links = [logOf(known, attempt), ...attempt.commits.slice(-5).map((commit) => commitLink(known, commit.commit))];
  return {
    id: `attempt/${id}`,
    ...place,
    kind: 'attempt',
    tone: ATTEMPT_TONE[status],
    status,
    start: ms(attempt.startedAt),
    ...until(attempt.endedAt),
    note,
    links,
  };
}
