// An approval as a question to a person: who wants what, why, how risky, and what exactly. Pure.
import type { Operation, Repair } from '../../../shared/artifacts/plan.ts';
import type { Action, Risk } from '../../../shared/state/action.ts';
import { LEVELS, type Approval } from '../../../shared/state/approval.ts';
import type { Evidence } from '../artifacts.ts';
import { shortId } from '../ids.ts';
import type { Look, Paint } from './paint.ts';
import { cleanLine, cleanText, cutText, wrapText } from './text.ts';
import { formatUntil } from './time.ts';

export interface Question {
  approval: Approval;
  /** The agent that asks, or what stands for it. */
  who: string;
  evidence?: Evidence;
  /** Its place among the open ones, from 1. */
  position?: { index: number; total: number };
}

const LABEL = 9;
const MAX_OPERATIONS = 12;

/** The question in full, without what its evidence says at length. */
export function renderQuestion(question: Question, now: number, look: Look): string[] {
  const { approval, who, position, evidence } = question;
  const { paint } = look;
  const place = position && position.total > 1 ? ` ${position.index} of ${position.total}` : '';
  const repair = evidence?.plan?.repairs.find((candidate) => candidate.id === approval.key);
  return [
    `${paint.yellow(paint.bold(`Question${place}`))} ${paint.cyan(shortId(approval.id))}  risk ${paintRisk(approval.risk, paint)}  ${paint.dim(approval.kind)}`,
    ...wrapText(`${who} wants to: ${cleanLine(approval.summary)}`, look.width).map((line) => paint.bold(line)),
    ...field('why', approval.why.map(cleanLine).join(' '), look),
    ...(repair ? describeRepair(repair, look) : []),
    ...field('stage', `${cleanLine(approval.stage ?? '-')}${approval.repo === undefined ? '' : `, in ${cleanLine(approval.repo)}`}`, look),
    ...field('asked', describeAsked(approval), look),
    ...field('answers', describeChoices(approval), look),
    ...field('rule', describeRule(approval), look),
    ...(approval.comments ?? []).flatMap(({ by, level, text }) =>
      field('said', `${cleanLine(by)} (${LEVELS[level]}): ${cleanLine(text)}`, look),
    ),
    ...field('deadline', `${formatUntil(approval.expiresAt, now)}; without an answer it is a no`, look),
  ];
}

/** What a yes and a no mean, where a yes may mean several things. */
function describeChoices({ id, choices }: Approval): string {
  if (!choices) return '';
  const others = choices.slice(1).map((choice) => `--choose ${choice}`);
  return `approve does it again, with your --reason as a word to whoever does it; approve ${shortId(id)} ${others.join(' or ')}; deny lets it fail.`;
}

/** The rule that the answer was made into, and how to take it back; empty where there is none. */
export function describeRule({ id, remembered }: Approval): string {
  if (!remembered) return '';
  const { says, by, file, forgotten } = remembered;
  const what = `${cleanLine(by)} allowed ${cleanLine(says)}`;
  if (file !== undefined) return `${what} always: the rule ${remembered.rule} in ${cleanLine(file)}.`;
  return forgotten
    ? `${what} for the rest of the run, and it was taken back.`
    : `${what} for the rest of the run; signalbox revoke ${shortId(id)} takes it back.`;
}

/** How many have to say yes and who did, who may, and whom the question has come to; empty where any one person is asked. */
function describeAsked(approval: Approval): string {
  const { approvers, escalate, level, status } = approval;
  const next = status === 'pending' ? escalate?.find((step) => step.level > (level ?? 3)) : undefined;
  return [
    renderQuorum(approval),
    approvers === undefined ? '' : `Only ${approvers.map(cleanLine).join(', ') || 'nobody'} may approve.`,
    level === undefined
      ? ''
      : `It is with the ${LEVELS[level]}${next ? `, next the ${LEVELS[next.level]}` : ''}; you can answer at any time.`,
  ]
    .filter((text) => text !== '')
    .join(' ');
}

/** `1 of 2, by anna`; empty where one yes is enough. */
export function renderQuorum({ quorum, grants = [] }: Approval): string {
  if (quorum === undefined) return '';
  const by = grants.map((grant) => `${cleanLine(grant.by)}${grant.reason ? ` (${cleanLine(grant.reason)})` : ''}`);
  return `${grants.length} of ${quorum} have said yes${by.length > 0 ? `, by ${by.join(', ')}` : ''}.`;
}

/** What has happened to an open question since it was asked, a sentence each. */
export function describeNews(approval: Approval): string[] {
  const { grants = [], comments = [], reminders = 0, level } = approval;
  return [
    ...(level === undefined || level === 0 ? [] : [`It has come to the ${LEVELS[level]}.`]),
    ...comments.map(({ by, text }) => `${cleanLine(by)} says: ${cleanLine(text)}`),
    ...(grants.length === 0 ? [] : [renderQuorum(approval)]),
    ...(reminders === 0 ? [] : [`It still waits for an answer; reminder ${reminders}.`]),
  ];
}

function field(name: string, text: string, { width, paint }: Look): string[] {
  if (text === '') return [];
  const lines = wrapText(text, Math.max(20, width - LABEL - 2));
  return lines.map((line, i) => `  ${paint.dim((i === 0 ? name : '').padEnd(LABEL - 1))} ${line}`);
}

function describeRepair(repair: Repair, look: Look): string[] {
  const shown = repair.operations.slice(0, MAX_OPERATIONS);
  const more = repair.operations.length - shown.length;
  const does = [
    ...shown.map((operation) => describeOperation(operation, look.width - LABEL - 2)),
    ...(more > 0 ? [`and ${more} more`] : []),
  ];
  return [
    ...field('changes', cleanLine(repair.changes), look),
    ...does.map((line, i) => `  ${look.paint.dim((i === 0 ? 'does' : '').padEnd(LABEL - 1))} ${line}`),
    ...field('undo', cleanLine(repair.undo), look),
  ];
}

function describeOperation(operation: Operation, width: number): string {
  const path = cleanLine(operation.path);
  switch (operation.op) {
    case 'append_lines':
      return cutText(`adds to ${path}: ${operation.lines.map(cleanLine).join(', ')}`, width);
    case 'create_file':
      return cutText(`makes ${path}: ${operation.lines.map(cleanLine).join(', ')}`, width);
    case 'untrack':
      return cutText(`takes ${path}${operation.folder ? '/ with all below it' : ''} out of the branch`, width);
    default:
      return operation satisfies never;
  }
}

/** What the evidence says at length: a diff with colours, a plan as its list (unless `plan` is false), anything else as it stands. */
export function renderEvidence(
  { approval, evidence }: Pick<Question, 'approval' | 'evidence'>,
  look: Look,
  { plan = true } = {},
): string[] {
  if (!evidence) return [];
  const lines: string[] = [];
  for (const [name, text] of Object.entries(evidence.texts)) {
    if (name === 'plan.json' && evidence.plan) {
      if (plan) lines.push(...evidence.plan.repairs.flatMap((repair, i) => describePlanned(repair, i, repair.id === approval.key, look)));
    } else if (name === 'diff' || name.endsWith('.diff')) lines.push(...renderDiff(text, look.paint));
    else lines.push(look.paint.dim(`${name}:`), ...cleanText(text).trimEnd().split('\n'));
  }
  return lines;
}

function describePlanned(repair: Repair, index: number, asked: boolean, look: Look): string[] {
  const title = `${index + 1}. ${cleanLine(repair.title)}`;
  return [
    `${asked ? look.paint.bold(title) : title}  risk ${paintRisk(repair.risk, look.paint)}${asked ? look.paint.yellow('  (this question)') : ''}`,
    ...repair.operations.map((operation) => `     ${describeOperation(operation, look.width - 5)}`),
  ];
}

/** A unified diff with its lines coloured; control and reordering characters are visible. */
export function renderDiff(text: string, paint: Paint): string[] {
  const lines = cleanText(text).trimEnd().split('\n');
  return lines.map((line) => {
    if (/^index [0-9a-f]{7,}\.\./.test(line)) return paint.dim(line.replace(/([0-9a-f]{12})[0-9a-f]+/g, '$1'));
    if (line.startsWith('diff --git') || line.startsWith('+++') || line.startsWith('---')) return paint.bold(line);
    if (line.startsWith('@@')) return paint.cyan(line);
    if (line.startsWith('+')) return paint.green(line);
    return line.startsWith('-') ? paint.red(line) : line;
  });
}

function paintRisk(risk: Risk, paint: Paint): string {
  return risk === 'high' ? paint.red(risk) : risk === 'medium' ? paint.yellow(risk) : paint.green(risk);
}

/** The keys that answer a question; what there is to view is named. */
export function renderKeys({ evidence, approval }: Pick<Question, 'evidence' | 'approval'>, { paint, width }: Look): string[] {
  const names = Object.keys(evidence?.texts ?? {});
  const what = names.some((name) => name === 'diff' || name.endsWith('.diff'))
    ? 'the diff'
    : names.includes('plan.json')
      ? 'the plan'
      : 'more';
  const keys = [
    ['a', approval.choices ? ' try again' : 'pprove'],
    ...(approval.choices?.includes('skip') ? [['s', 'kip it']] : []),
    ['d', approval.choices ? ' let it fail' : 'eny'],
    ...(names.length > 0 ? [['v', `iew ${what}`]] : []),
    ['l', 'ater'],
    ['q', 'uit watching'],
  ];
  const plain = keys.map(([key, rest]) => `[${key}]${rest}`);
  if (plain.join('  ').length > width) return wrapText(plain.map((text) => text.replaceAll(' ', '\u00a0')).join(' '), width);
  return [keys.map(([key = '', rest]) => `[${paint.bold(key)}]${rest}`).join('  ')];
}

/** The exact action, key by key, without what the question says already; long values are cut. */
export function renderAction(action: Action, look: Look): string[] {
  const { summary: _, risk: _risk, ...exact } = action;
  const lines = Object.entries(exact).flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return text === '' || text === '[]'
      ? []
      : [`  ${look.paint.dim(name.padEnd(9))} ${cutText(cleanLine(text), Math.max(40, look.width - 12))}`];
  });
  return [look.paint.dim('exactly:'), ...lines];
}
