// A pending approval: its row, and the sentences of its notification. Pure.
import { LEVELS, type Approval } from '../../shared/state/approval.ts';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded } from '../../shared/state/run.ts';
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
    description: [
      t('{0}{1} · since {2}', where, sayStage(view), sayTime(approval.requestedAt, reader)),
      ...sayProgress(approval, reader),
    ].join(' · '),
    tooltip: explainApproval(view, reader),
    icon: { id: ICONS[approval.kind] ?? 'question', ...(color === undefined ? {} : { color }) },
    context: `approval ${whatToShow(approval)}${canRemember(approval) ? ' remember' : ''}${approval.run === undefined ? '' : ' ofRun'}`,
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
    ...(approval.quorum === undefined ? [] : [{ name: t('Approved by'), value: sayQuorum(approval, reader) }]),
    ...(approval.approvers === undefined ? [] : [{ name: t('Who may approve'), value: approval.approvers.join(', ') }]),
    ...(approval.level === undefined ? [] : [{ name: t('It is with'), value: sayLevel(approval.level, reader) }]),
    ...(approval.comments ?? []).map(({ by, level, text }) => ({ name: t('{0} ({1}) says', by, sayLevel(level, reader)), value: text })),
    ...(approval.repo === undefined ? [] : [{ name: t('Repository'), value: approval.repo }]),
  ];
}

/** True when a yes could be made a rule: not where several have to agree, nor about Signalbox itself. */
function canRemember({ quorum, kind, choices }: Approval): boolean {
  return quorum === undefined && choices === undefined && kind !== 'daemon.configure' && kind !== 'agent.register';
}

/** True for a yes that nothing has used, and for one that stands as a rule in a run that goes on. */
export function canRevoke({ status, remembered, run }: Approval, state: State): boolean {
  if (status === 'granted') return true;
  const of = state.runs.get(run ?? '');
  return remembered !== undefined && remembered.file === undefined && !remembered.forgotten && of !== undefined && !runEnded(of);
}

/** `1 of 2, by anna`. */
function sayQuorum({ quorum = 1, grants = [] }: Approval, { t }: Reader): string {
  return grants.length === 0
    ? t('{0} of {1}', 0, quorum)
    : t('{0} of {1}, by {2}', grants.length, quorum, grants.map(({ by }) => by).join(', '));
}

function sayLevel(level: number, { t }: Reader): string {
  return { agent: t('the agent that asks'), peer: t('a peer agent'), lead: t('a lead agent'), person: t('a person') }[
    LEVELS[level] ?? 'person'
  ];
}

/** How far a question is, in a few words: who said yes, whom it has come to, what was said. */
function sayProgress(approval: Approval, reader: Reader): string[] {
  const { t } = reader;
  const { comments = [], level, quorum } = approval;
  return [
    ...(quorum === undefined ? [] : [sayQuorum(approval, reader)]),
    ...(level === undefined || level === 3 ? [] : [t('with {0}', sayLevel(level, reader))]),
    ...(comments.length === 0 ? [] : [comments.length === 1 ? t('1 comment') : t('{0} comments', comments.length)]),
  ];
}

const MAX_QUESTION = 380;

/**
 * The notification's sentences: who wants what and why, and how many others wait. Brackets become such as mean nothing in a
 * message: a foreign text can neither make a link nor become a part of ours.
 */
export function sayQuestion(view: ApprovalView, others: number, reader: Reader): string {
  const { approval } = view;
  const { t } = reader;
  const count = others === 0 ? '' : ` ${t('({0} of {1})', 1, others + 1)}`;
  const sentence = t('{0} asks: {1}.', sayAsker(view, reader), clip(approval.summary, 160).replace(/\.$/, ''));
  const progress = sayProgress(approval, reader);
  const far = progress.length === 0 ? '' : ` (${progress.join(', ')})`;
  const why = approval.why.length === 0 ? '' : ` ${approval.why.join(' ')}`;
  const said = clip(`${sentence}${far}${why}`, MAX_QUESTION).replaceAll('[', '［').replaceAll(']', '］');
  return `${said}${count}`;
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
