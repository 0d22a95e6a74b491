// A pending approval: its row, and the sentences of its notification. Pure.
import type { Approval } from '../../shared/state/approval.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import { formatRef } from '../refs.ts';
import { sayWorkflow } from './describeRun.ts';
import type { Node, TooltipLine } from './nodes.ts';
import { clip, sayRepository, sayTime, type Reader } from './words.ts';

/** What an approval's row is made from. */
export interface ApprovalView {
  readonly approval: Approval;
  readonly state: State;
  readonly definition: WorkflowDefinition | undefined;
  readonly named: boolean;
}

const ICONS: Readonly<Record<string, string>> = {
  'agent.execute': 'terminal',
  'agent.edit': 'edit',
  'workspace.merge': 'git-merge',
  'stage.advance': 'debug-step-over',
  'daemon.configure': 'shield',
};
const RISK_COLORS = { none: undefined, low: undefined, medium: 'charts.yellow', high: 'charts.red' } as const;

/** How the button that shows what an approval is about is called, by what there is to show. */
export function whatToShow({ show, kind }: Approval): 'diff' | 'repair' | 'details' {
  if (show['diff'] !== undefined) return 'diff';
  return kind === 'agent.edit' && show['plan.json'] !== undefined ? 'repair' : 'details';
}

/** Who asks: the workflow, the stage and its agent. */
export function sayAsker({ approval, state, definition }: ApprovalView, reader: Reader): string {
  const workflow = state.runs.get(approval.run ?? '')?.workflow.name;
  const stage = definition?.stages.find((entry) => entry.id === approval.stage);
  const parts = [workflow === undefined ? undefined : sayWorkflow(workflow, reader), stage?.name ?? approval.stage, stage?.agent];
  return parts.filter((part) => part !== undefined).join(' · ');
}

function sayStage({ approval, definition }: ApprovalView): string {
  return definition?.stages.find((entry) => entry.id === approval.stage)?.name ?? approval.stage ?? approval.kind;
}

/** The row of a pending approval. */
export function describeApproval(view: ApprovalView, reader: Reader): Node {
  const { approval } = view;
  const { t } = reader;
  const ref = formatRef({ kind: 'approval', approval: approval.id });
  const until = sayTime(approval.expiresAt, reader);
  const asker = sayAsker(view, reader);
  const where = view.named && approval.repo !== undefined ? `${sayRepository(approval.repo)} · ` : '';
  const color = RISK_COLORS[approval.risk];
  const label = clip(approval.summary, 200);
  return {
    id: ref,
    label,
    description: t('{0}{1} · since {2}', where, sayStage(view), sayTime(approval.requestedAt, reader)),
    tooltip: explainApproval(view, reader),
    icon: { id: ICONS[approval.kind] ?? 'question', ...(color === undefined ? {} : { color }) },
    context: `approval ${whatToShow(approval)}`,
    open: 'none',
    spoken: t('{0}. Asked by {1}. Risk {2}. Without an answer it is denied at {3}.', label, asker, sayRisk(approval, reader), until),
    command: { id: 'signalbox.showDiff', title: t('Show Changes'), args: [ref] },
    children: [],
  };
}

function sayRisk({ risk }: Approval, { t }: Reader): string {
  return { none: t('none'), low: t('low'), medium: t('medium'), high: t('high') }[risk];
}

function explainApproval(view: ApprovalView, reader: Reader): TooltipLine[] {
  const { approval } = view;
  const { t } = reader;
  return [
    { heading: approval.summary },
    ...approval.why.map((text) => ({ text })),
    { name: t('Asked by'), value: sayAsker(view, reader) },
    { name: t('Risk'), value: sayRisk(approval, reader) },
    { name: t('Since'), value: sayTime(approval.requestedAt, reader) },
    { name: t('Denied without an answer at'), value: sayTime(approval.expiresAt, reader) },
    ...(approval.repo === undefined ? [] : [{ name: t('Repository'), value: approval.repo }]),
  ];
}

const MAX_QUESTION = 380;

/** The notification's sentences: who wants what and why, and how many others wait. Without markup: a foreign text cannot make a link. */
export function sayQuestion(view: ApprovalView, others: number, reader: Reader): string {
  const { approval } = view;
  const { t } = reader;
  const count = others === 0 ? '' : ` ${t('({0} of {1})', 1, others + 1)}`;
  const sentence = t('{0} asks: {1}.', sayAsker(view, reader), clip(approval.summary, 160).replace(/\.$/, ''));
  const why = approval.why.length === 0 ? '' : ` ${approval.why.join(' ')}`;
  return `${clip(`${sentence}${why}`, MAX_QUESTION).replaceAll('](', '] (')}${count}`;
}

/** How an answered approval was answered, for whoever answers too late. */
export function sayAnswer(approval: Approval, { t }: Pick<Reader, 't'>): string {
  const by = approval.by ?? '';
  switch (approval.status) {
    case 'pending':
      return t('Nobody has answered yet.');
    case 'granted':
    case 'used':
    case 'lapsed':
      return t('{0} has approved it already.', by);
    case 'denied':
      return t('{0} has denied it already.', by);
    case 'expired':
      return t('Nobody answered in time, so it is denied.');
    case 'voided':
      return t('It is not asked any more: {0}', approval.reason ?? '');
    case 'revoked':
      return t('{0} has taken the approval back.', by);
    default:
      return approval.status satisfies never;
  }
}
