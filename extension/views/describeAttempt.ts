// An attempt as rows: how it is, and the plan of its agent below it. Pure.
import type { Enforcement } from '../../shared/state/agent.ts';
import type { Attempt, AttemptStatus } from '../../shared/state/attempt.ts';
import type { AgentPlan } from '../../shared/state/plan.ts';
import { countToolCalls } from '../../shared/state/tool-call.ts';
import { formatRef } from '../refs.ts';
import type { Node, TooltipLine } from './nodes.ts';
import { clip, sayDuration, sayTime, type Reader } from './words.ts';

const ATTEMPT_ICONS: Readonly<Record<AttemptStatus, Node['icon']>> = {
  starting: { id: 'circle-outline', color: 'charts.blue' },
  running: { id: 'sync~spin', color: 'charts.blue' },
  succeeded: { id: 'pass', color: 'testing.iconPassed' },
  failed: { id: 'error', color: 'testing.iconFailed' },
  canceled: { id: 'circle-slash', color: 'testing.iconSkipped' },
  timeout: { id: 'watch', color: 'testing.iconFailed' },
  interrupted: { id: 'debug-disconnect', color: 'testing.iconSkipped' },
};

/** The row of an attempt; a click on it opens its log. */
export function describeAttempt(attempt: Attempt, { stage, atWork }: { stage: string; atWork: boolean }, reader: Reader): Node {
  const { t } = reader;
  const ref = formatRef({ kind: 'attempt', attempt: attempt.id });
  const label = t('Attempt {0}', attempt.token);
  const how = sayAttemptStatus(attempt, reader);
  const lines: TooltipLine[] = [
    { heading: t('{0}, attempt {1}', stage, attempt.token) },
    { text: how },
    { name: t('Agent'), value: attempt.agent },
  ];
  if (attempt.message !== undefined) lines.push({ text: attempt.message });
  if (attempt.pid !== undefined && attempt.endedAt === undefined) lines.push({ name: t('Process'), value: String(attempt.pid) });
  const { enforcement, findings = [] } = attempt;
  for (const { message } of findings) lines.push({ name: t('Found'), value: message });
  if (enforcement) lines.push({ name: t('Sandbox'), value: sayEnforcement(enforcement, reader) });
  lines.push(...explainSession(attempt, reader), ...explainWork(attempt, reader));
  if (attempt.workspace)
    lines.push({ name: t('Branch'), value: attempt.workspace.branch }, { name: t('Worktree'), value: attempt.workspace.path });
  const steps = describePlan(attempt, ref, reader);
  return {
    id: ref,
    label,
    description: describeAttemptShort(attempt, how, reader),
    tooltip: lines,
    icon: ATTEMPT_ICONS[attempt.status],
    context: `attempt ${attempt.endedAt === undefined ? 'active' : 'ended'}`,
    // From its beginning: VS Code opens no row by itself that it showed without any below.
    open: atWork ? 'expanded' : steps.length === 0 ? 'none' : 'collapsed',
    spoken: t('{0}, {1}', label, how),
    command: { id: 'signalbox.showLog', title: t('Show Log'), args: [ref] },
    children: steps,
  };
}

const STEP_ICONS: Readonly<Record<AgentPlan['steps'][number]['status'], Node['icon']>> = {
  completed: { id: 'pass', color: 'testing.iconPassed' },
  in_progress: { id: 'arrow-right', color: 'charts.blue' },
  pending: { id: 'circle-outline', color: 'disabledForeground' },
};

/** The plan of its agent, a row for each step. */
function describePlan({ plan, endedAt }: Attempt, ref: string, { t }: Reader): Node[] {
  const said = { completed: t('done'), in_progress: endedAt === undefined ? t('now') : t('begun'), pending: '' };
  return (plan?.steps ?? []).map(({ text, status }, index) => ({
    id: `${ref}/plan/${index}`,
    label: clip(text, 120),
    description: said[status],
    tooltip: [{ text }],
    icon: STEP_ICONS[status],
    context: 'step',
    open: 'none',
    spoken: t('Step {0}: {1}, {2}', index + 1, text, said[status] || t('to be done')),
    children: [],
  }));
}

/** How the agent came to what it knows of earlier work. */
function explainSession({ session }: Attempt, { t }: Reader): TooltipLine[] {
  if (!session || session.how === 'new') return [];
  const value =
    session.how === 'loaded'
      ? t('goes on in the session that it had')
      : t('a new one, told what the record says of the earlier work. {0}', session.why ?? '');
  return [{ name: t('Session'), value: value.trim() }];
}

/** What the agent means to do, what its tools did, and what it used. */
function explainWork({ plan, tools, usage }: Attempt, { t, locale }: Reader): TooltipLine[] {
  const number = (value: number): string => value.toLocaleString(locale);
  const lines: TooltipLine[] = [];
  if (plan) {
    const next = plan.steps.find(({ status }) => status === 'in_progress') ?? plan.steps.find(({ status }) => status === 'pending');
    const value = next
      ? t('{0} of {1} done, now: {2}', plan.done, plan.total, clip(next.text, 120))
      : t('{0} of {1} done', plan.done, plan.total);
    lines.push({ name: t('Plan'), value });
  }
  if (tools) {
    const all = countToolCalls(tools);
    const value = tools.unasked > 0 ? t('{0}, {1} of them without asking', number(all), number(tools.unasked)) : number(all);
    lines.push({ name: t('Tool Calls'), value });
  }
  if (usage) {
    const { tokens, cost, source = '' } = usage;
    const said = t('{0} tokens, {1}', number(tokens), `$${cost.toFixed(2)}`);
    const plain = cost === 0 ? t('{0} tokens, no cost reported', number(tokens)) : said;
    lines.push({ name: t('Used'), value: source === '' ? plain : t('{0} (counted by: {1})', plain, source) });
  }
  return lines;
}

/** Whether the operating system keeps a program to what it may do. */
export function sayEnforcement({ level, why }: Enforcement, { t }: Reader): string {
  return level === 'enforced' ? t('enforced: {0}', why) : t('advisory, with all rights of your account: {0}', why);
}

/** How it is, how far its plan is, what it used in the end, and whether it runs without a sandbox. */
function describeAttemptShort({ enforcement, plan, endedAt, usage }: Attempt, how: string, { t, locale }: Reader): string {
  const busy = endedAt === undefined;
  const planned = plan && busy ? t('{0}, plan {1}/{2}', how, plan.done, plan.total) : how;
  const used = usage?.tokens.toLocaleString(locale, { notation: 'compact' });
  const far = used === undefined ? planned : t('{0}, {1} tokens', planned, used);
  return enforcement?.level === 'advisory' ? t('{0}, no sandbox', far) : far;
}

function sayAttemptStatus(attempt: Attempt, reader: Reader): string {
  const { t } = reader;
  const took = attempt.endedAt === undefined ? '' : sayDuration(attempt.startedAt, attempt.endedAt, reader);
  switch (attempt.status) {
    case 'starting':
      return t('{0}, starting', attempt.agent);
    case 'running':
      return t('{0}, running since {1}', attempt.agent, sayTime(attempt.startedAt, reader));
    case 'succeeded':
      return t('{0}, succeeded in {1}', attempt.agent, took);
    case 'failed':
      return t('{0}, failed after {1}', attempt.agent, took);
    case 'canceled':
      return t('{0}, canceled after {1}', attempt.agent, took);
    case 'timeout':
      return t('{0}, out of time after {1}', attempt.agent, took);
    case 'interrupted':
      return t('{0}, interrupted after {1}', attempt.agent, took);
    default:
      return attempt.status satisfies never;
  }
}
