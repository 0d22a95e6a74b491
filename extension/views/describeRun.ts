// A run as rows: the run, its stages, their attempts, with what each waits for and since when. Pure.
import type { State } from '../../shared/state/evolve.ts';
import { runEnded, type Run, type RunStatus, type Stage } from '../../shared/state/run.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import { formatRef } from '../refs.ts';
import { describeStage } from './describeStage.ts';
import type { Node, TooltipLine } from './nodes.ts';
import { clip, sayDuration, sayId, sayRepository, sayTime, sayWorkflow, type Reader } from './words.ts';

export { sayWorkflow } from './words.ts';

/** What a run's rows are made from. */
export interface RunView {
  readonly run: Run;
  readonly state: State;
  /** Absent until it was loaded: then only the stages that have begun are shown. */
  readonly definition: WorkflowDefinition | undefined;
  /** Say which repository it is, because the window has several. */
  readonly named: boolean;
  /** The definitions of the runs that do the work of its stages. */
  readonly definitionOf?: (run: Run) => WorkflowDefinition | undefined;
}

const ICONS: Readonly<Record<RunStatus, Node['icon']>> = {
  queued: { id: 'clock' },
  running: { id: 'sync~spin', color: 'charts.blue' },
  waiting_approval: { id: 'bell-dot', color: 'charts.yellow' },
  paused: { id: 'debug-pause', color: 'charts.yellow' },
  success: { id: 'pass', color: 'testing.iconPassed' },
  failure: { id: 'error', color: 'testing.iconFailed' },
  canceled: { id: 'circle-slash', color: 'testing.iconSkipped' },
};

/** The row of a run with all below it. */
export function describeRun(view: RunView, reader: Reader): Node {
  const { run, definition } = view;
  const { t } = reader;
  const label = sayWorkflow(run.workflow.name, reader);
  const how = sayRunStatus(view, reader);
  const where = view.named && run.repo !== undefined ? `${sayRepository(run.repo)} · ` : '';
  const by = run.startedBy ? ` · ${run.startedBy.trigger}` : '';
  const below = (id: string | undefined): Node[] => {
    const child = view.state.runs.get(id ?? '');
    return child ? [describeRun({ ...view, run: child, definition: view.definitionOf?.(child), named: false }, reader)] : [];
  };
  const children = listStages(view).map((entry) => {
    const node = describeStage({ ...entry, view }, reader);
    const runs = below(entry.stage?.child);
    return runs.length === 0 ? node : { ...node, open: 'expanded' as const, children: [...runs, ...node.children] };
  });
  return {
    id: formatRef({ kind: 'run', run: run.id }),
    label,
    description: `${where}${how}${by}`,
    tooltip: explainRun(view, reader),
    icon: undone(run) ? { id: 'discard', color: 'testing.iconSkipped' } : ICONS[run.status],
    context: contextOf(view),
    open: children.length === 0 && definition !== undefined ? 'none' : runEnded(run) ? 'collapsed' : 'expanded',
    spoken: t('Run {0}, {1}', label, `${where}${how}`),
    children,
  };
}

const undone = (run: Run): boolean => run.merge?.state === 'undone';

function contextOf({ run, state }: RunView): string {
  const words = ['run', runEnded(run) ? 'ended' : 'active'];
  if (run.status === 'paused') words.push('paused');
  else if (!runEnded(run) && run.cancelReason === undefined && run.status !== 'queued') words.push('pausable');
  if (run.merge?.state === 'merged' || run.merge?.state === 'undo_failed') words.push('undoable');
  if (runEnded(run) && [...state.attempts.values()].some((each) => each.run === run.id && each.session !== undefined))
    words.push('resumable');
  if (state.artifacts.get(run.id)?.has('report.md')) words.push('reported');
  if (state.artifacts.get(run.id)?.has('merge.diff')) words.push('changes');
  return words.join(' ');
}

/** What a run is doing or how it ended, in a few words. */
export function sayRunStatus({ run, state }: RunView, reader: Reader): string {
  const { t } = reader;
  switch (run.status) {
    case 'queued':
      return t('queued since {0}', sayTime(run.submittedAt, reader));
    case 'paused':
      return run.paused ? t('paused by {0}', run.paused.by) : t('paused');
    case 'running':
      return run.cancelReason === undefined ? t('running since {0}', sayTime(run.submittedAt, reader)) : t('being canceled');
    case 'waiting_approval': {
      const open = [...state.asked].flatMap((id) => state.approvals.get(id) ?? []).filter((a) => a.run === run.id);
      const since = open[0]?.requestedAt ?? run.submittedAt;
      return t('waits for you since {0}', sayTime(since, reader));
    }
    case 'success':
      if (undone(run)) return t('undone on {0}', run.merge?.into ?? '');
      if (run.merge?.state === 'merged') return t('merged into {0}, {1}', run.merge.into, sayTime(run.endedAt ?? '', reader));
      return t('done, {0}', sayTime(run.endedAt ?? '', reader));
    case 'failure':
      return t('failed: {0}', clip(run.summary, 80));
    case 'canceled':
      return t('canceled, {0}', sayTime(run.endedAt ?? '', reader));
    default:
      return run.status satisfies never;
  }
}

function explainRun({ run, state, definition }: RunView, reader: Reader): TooltipLine[] {
  const { t } = reader;
  const took = run.endedAt === undefined ? [] : [{ name: t('Took'), value: sayDuration(run.submittedAt, run.endedAt, reader) }];
  return [
    { heading: `${sayWorkflow(run.workflow.name, reader)} ${run.id}` },
    ...(definition?.description === undefined ? [] : [{ text: definition.description }]),
    ...(run.summary === '' ? [] : [{ text: run.summary }]),
    ...(run.repo === undefined ? [] : [{ name: t('Repository'), value: run.repo }]),
    { name: t('Target branch'), value: run.into ?? t('none, the work stays on its own branch') },
    { name: t('Status'), value: sayRunStatus({ run, state, definition, named: false }, reader) },
    { name: t('Started'), value: sayTime(run.submittedAt, reader) },
    ...took,
    ...(run.merge?.commit === undefined ? [] : [{ name: t('Merge commit'), value: run.merge.commit }]),
    ...explainHandoffs(run, reader),
    ...(run.paused?.reason ? [{ name: t('Paused because'), value: run.paused.reason }] : []),
    ...(run.origin ? [{ name: t('Goes on from'), value: t('run {0}, before {1}', sayId(run.origin.run), run.origin.event) }] : []),
    run.startedBy
      ? { name: t('Started by'), value: `${run.startedBy.trigger}: ${run.startedBy.summary}` }
      : { name: t('Asked for by'), value: run.principal },
  ];
}

function explainHandoffs({ handoffs }: Run, { t }: Reader): TooltipLine[] {
  if (!handoffs) return [];
  const { accepted, returned } = handoffs;
  return [{ name: t('Handoffs'), value: t('{0} accepted, {1} sent back as incomplete', accepted, returned) }];
}

/** The stages in the order of the definition; without one, those that have begun. */
function listStages({
  run,
  state,
  definition,
}: RunView): { id: string; definition: StageDefinition | undefined; stage: Stage | undefined }[] {
  const begun = state.stages.get(run.id) ?? new Map<string, Stage>();
  if (!definition) return [...begun.values()].map((stage) => ({ id: stage.id, definition: undefined, stage }));
  return definition.stages.map((entry) => ({ id: entry.id, definition: entry, stage: begun.get(entry.id) }));
}
