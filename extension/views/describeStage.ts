// A stage and its attempts as rows. Pure.
import type { Attempt } from '../../shared/state/attempt.ts';
import { mergeAhead } from '../../shared/state/merge-turn.ts';
import { attemptsOf } from '../../shared/state/select.ts';
import type { Approval } from '../../shared/state/approval.ts';
import { runEnded, type Stage, type StageStatus } from '../../shared/state/run.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import { formatRef } from '../refs.ts';
import { describeAttempt } from './describeAttempt.ts';
import type { RunView } from './describeRun.ts';
import type { Node, TooltipLine } from './nodes.ts';
import { clip, sayDuration, sayId, sayTime, sayWorkflow, type Reader } from './words.ts';

interface StageView {
  readonly id: string;
  readonly definition: StageDefinition | undefined;
  /** Absent while the stage has not begun. */
  readonly stage: Stage | undefined;
  readonly view: RunView;
}

const ICONS: Readonly<Record<StageStatus, Node['icon']>> = {
  deciding: { id: 'law', color: 'charts.blue' },
  admitted: { id: 'circle-outline', color: 'charts.blue' },
  running: { id: 'sync~spin', color: 'charts.blue' },
  checking: { id: 'checklist', color: 'charts.blue' },
  completed: { id: 'pass', color: 'testing.iconPassed' },
  failed: { id: 'error', color: 'testing.iconFailed' },
  skipped: { id: 'debug-step-over', color: 'testing.iconSkipped' },
  canceled: { id: 'circle-slash', color: 'testing.iconSkipped' },
};
const WAITING: Node['icon'] = { id: 'bell-dot', color: 'charts.yellow' };
const NOT_BEGUN: Node['icon'] = { id: 'circle-outline', color: 'disabledForeground' };

/** The row of a stage with its attempts. */
export function describeStage(entry: StageView, reader: Reader): Node {
  const { id, definition, stage, view } = entry;
  const { t } = reader;
  const label = definition?.name ?? id;
  const how = sayStageStatus(entry, reader);
  const own = stage?.task === undefined ? [] : attemptsOf(view.state, stage.task);
  // Of a deliberation each member in each round is an attempt.
  const said = [...view.state.attempts.values()].filter(({ task }) => task.startsWith(`${stage?.task ?? ''}.say-`));
  const attempts = stage?.deliberation ? said : own;
  const children = attempts.map((attempt) => describeAttempt(attempt, { stage: label, atWork: isAgentAtWork(attempt, view) }, reader));
  const newest = attempts.at(-1);
  const ref = formatRef({ kind: 'stage', run: view.run.id, stage: id });
  const open = openApproval(entry) === undefined ? '' : ' asking';
  return {
    id: ref,
    label,
    description: how,
    tooltip: explainStage(entry, how, reader),
    icon: open === '' ? (stage ? ICONS[stage.status] : NOT_BEGUN) : WAITING,
    context: `stage${newest ? ' logged' : ''}${open}${sayWhatMayBeDone(entry)}`,
    open: newest === undefined ? 'none' : isAgentAtWork(newest, view) ? 'expanded' : 'collapsed',
    spoken: t('Stage {0}, {1}', label, how),
    ...(newest
      ? { command: { id: 'signalbox.showLog', title: t('Show Log'), args: [formatRef({ kind: 'attempt', attempt: newest.id })] } }
      : {}),
    children,
  };
}

/** Whether a person may do it again, or leave it out; the daemon looks again before it does. */
function sayWhatMayBeDone({ stage, view: { run } }: StageView): string {
  if (run.cancelReason !== undefined || run.status === 'success' || run.status === 'canceled') return '';
  if (!stage) return runEnded(run) ? '' : ' skippable';
  return run.merge === undefined || run.merge.state === 'failed' ? ' retriable' : '';
}

/** What a coding agent means to do is seen while it does it. */
function isAgentAtWork({ agent, endedAt }: Attempt, { state }: RunView): boolean {
  return endedAt === undefined && state.agents.get(agent)?.adapter === 'acp';
}

function openApproval({ id, view: { run, state } }: StageView): Approval | undefined {
  return [...state.asked].flatMap((asked) => state.approvals.get(asked) ?? []).find((a) => a.run === run.id && a.stage === id);
}

/** What a stage is doing, waits for since when, or how it ended. */
export function sayStageStatus(entry: StageView, reader: Reader): string {
  const { definition, stage, view } = entry;
  const { t } = reader;
  if (!stage) return sayNotBegun(entry, reader);
  const asked = openApproval(entry);
  if (asked) return t('waits for you since {0}', sayTime(asked.requestedAt, reader));
  const took = stage.endedAt === undefined ? '' : sayDuration(stage.startedAt, stage.endedAt, reader);
  switch (stage.status) {
    case 'deciding':
      return t('being decided since {0}', sayTime(stage.startedAt, reader));
    case 'admitted':
      return t('about to start');
    case 'running':
      return definition?.matrix ? sayItems(entry, reader) : sayRunning(stage, view, reader);
    case 'checking':
      return t('its work is being checked');
    case 'completed':
      return stage.inherited ? t('done in run {0}', sayId(view.run.origin?.run ?? '')) : t('done in {0}', took);
    case 'failed':
      return t('failed: {0}', clip(stage.reason, 80));
    case 'skipped':
      return t('skipped: {0}', clip(stage.reason, 80));
    case 'canceled':
      return t('canceled');
    default:
      return stage.status satisfies never;
  }
}

/** How many of the items of its list have ended. */
function sayItems({ id, stage, view }: StageView, { t }: Reader): string {
  const stages = view.state.stages.get(view.run.id);
  const mine = view.definition?.stages.filter(({ instance }) => instance?.of === id) ?? [];
  return t('{0} of {1} items done', mine.filter((one) => stages?.get(one.id)?.endedAt !== undefined).length, stage?.items ?? mine.length);
}

function sayRunning(stage: Stage, { state }: RunView, reader: Reader): string {
  const { t } = reader;
  const task = state.tasks.get(stage.task ?? '');
  if (task?.status === 'pending') return t('waits for the agent {0} since {1}', task.wants, sayTime(task.submittedAt, reader));
  if (task?.cancelReason !== undefined) return t('being canceled');
  return t('running since {0}', sayTime(state.attempts.get(task?.attempt ?? '')?.startedAt ?? stage.startedAt, reader));
}

function sayNotBegun({ definition, view }: StageView, reader: Reader): string {
  const { t } = reader;
  if (runEnded(view.run)) return t('did not run');
  const ended = new Set(['completed', 'failed', 'skipped', 'canceled']);
  const open = (definition?.needs ?? []).filter((id) => !ended.has(view.state.stages.get(view.run.id)?.get(id)?.status ?? ''));
  const ahead = open.length === 0 && definition?.merge ? mergeAhead(view.state, view.run) : undefined;
  if (ahead) return t('waits for its turn to merge, behind {0} {1}', sayWorkflow(ahead.workflow.name, reader), sayId(ahead.id));
  if (open.length === 0) return t('about to start');
  const names = open.map((id) => view.definition?.stages.find((other) => other.id === id)?.name ?? id);
  return t('waits for: {0}', names.join(', '));
}

function explainStage({ id, definition, stage, view }: StageView, how: string, reader: Reader): TooltipLine[] {
  const { t } = reader;
  const lines: TooltipLine[] = [{ heading: definition?.name ?? id }, { text: how }];
  if (definition?.agent !== undefined) lines.push({ name: t('Agent'), value: definition.agent });
  if (stage?.reason) lines.push({ text: stage.reason });
  for (const result of stage?.results ?? []) {
    if (!result.allowed) lines.push({ name: t('Not allowed: {0}', result.key), value: result.reason });
  }
  if (stage) lines.push({ name: t('Began'), value: sayTime(stage.startedAt, reader) });
  if (stage?.endedAt !== undefined) lines.push({ name: t('Ended'), value: sayTime(stage.endedAt, reader) });
  if (stage?.commit !== undefined) lines.push({ name: t('Commit'), value: stage.commit });
  const made = [...(view.state.artifacts.get(view.run.id) ?? [])].filter(([, artifact]) => artifact.stage === id).map(([name]) => name);
  if (made.length > 0) lines.push({ name: t('Artifacts'), value: made.join(', ') });
  return lines;
}
