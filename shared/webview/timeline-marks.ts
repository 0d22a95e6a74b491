/** The questions, commits and merge of a stage as spans and marks of its timeline. Pure, as timeline-model.ts is. */
import type { Approval } from '../state/approval.ts';
import type { Attempt } from '../state/attempt.ts';
import type { Run, Stage } from '../state/run.ts';
import { countToolCalls } from '../state/tool-call.ts';
import type { StageDefinition } from '../state/workflow.ts';
import { MAX_TEXT, type TimelineIntent, type TimelineMark, type TimelineSpan, type Tone } from './timeline.ts';

/** Everything of one stage that the state knows. */
export interface Known {
  run: Run;
  definition: StageDefinition;
  stage: Stage | undefined;
  attempts: Attempt[];
  approvals: Approval[];
  links: TimelineIntent[];
}

/** Milliseconds since the epoch of a recorded time. */
export const ms = (at: string): number => Date.parse(at);
/** The `end` of something that may still be under way. */
export const until = (at: string | undefined): { end?: number } => (at === undefined ? {} : { end: ms(at) });
/** A text of the record, within the bound of an item. */
export const cut = (words: string): string => (words.length > MAX_TEXT ? `${words.slice(0, MAX_TEXT - 1)}…` : words);
/** A status as words. */
export const spaced = (status: string): string => status.replaceAll('_', ' ');

/** Opens what a commit holds. */
export const commitLink = ({ run }: Known, id: string): TimelineIntent => ({ kind: 'diff', run: run.id, subject: 'commit', id });

/** The marks of an attempt's commits. A commit whose own time is not recorded is shown where its attempt ended, and not before. */
export function commitMarks(known: Known, row: string, attempt: Attempt): TimelineMark[] {
  const commits: readonly { commit: string; summary: string; at?: string }[] = attempt.commits;
  return commits.flatMap(({ commit, summary, at = attempt.endedAt }) => {
    if (at === undefined) return [];
    const id = `commit/${attempt.id}/${commit}`;
    return [
      {
        id,
        row,
        kind: 'commit',
        label: cut(summary),
        tone: 'success',
        status: commit.slice(0, 8),
        at: ms(at),
        note: '',
        links: [commitLink(known, commit)],
      },
    ];
  });
}

/** The marks of an attempt's last tool calls; those that nobody was asked about have a kind of their own. */
export function toolMarks({ run, definition }: Known, row: string, attempt: Attempt): TimelineMark[] {
  const { tools } = attempt;
  if (!tools) return [];
  const links: TimelineIntent[] = [{ kind: 'log', run: run.id, stage: definition.id, attempt: attempt.id }];
  // Numbered from the first call, because an agent may give two calls one id.
  const first = countToolCalls({ ...tools, omitted: 0 }) - tools.last.length;
  return tools.last.map(({ tool, kind, status, answer, summary, at }, index) => ({
    id: `tool/${attempt.id}/${first + index}`,
    row,
    kind: answer === 'not_asked' ? 'unasked' : 'tool',
    label: cut(summary || tool || kind),
    tone: answer === 'denied' || status === 'unfinished' ? 'canceled' : status === 'failed' ? 'failure' : 'success',
    status: `${kind}, ${spaced(answer)}, ${status}`,
    at: ms(at),
    note: cut(tool),
    links,
  }));
}

const ANSWER_TONE: Record<Approval['status'], Tone> = {
  pending: 'waiting',
  granted: 'success',
  used: 'success',
  lapsed: 'success',
  revoked: 'canceled',
  denied: 'failure',
  expired: 'failure',
  voided: 'canceled',
};

function approvalLinks({ run }: Known, approval: Approval): TimelineIntent[] {
  const answer: TimelineIntent[] = approval.status === 'pending' ? [{ kind: 'approval', run: run.id, approval: approval.id }] : [];
  const shown = Object.entries(approval.show).slice(0, 10);
  const isDiff = (name: string): boolean => name === 'diff' || name.endsWith('.diff');
  const others = shown.filter(([name]) => !isDiff(name));
  const artifacts = others.map(([name, digest]): TimelineIntent => ({ kind: 'artifact', run: run.id, name, digest }));
  const diff: TimelineIntent[] =
    others.length === shown.length ? [] : [{ kind: 'diff', run: run.id, subject: 'approval', id: approval.id }];
  return [...diff, ...answer, ...artifacts];
}

/** The time that a question waited for its answer. */
export function waitOf(known: Known, row: string, approval: Approval): TimelineSpan {
  const tone = approval.status === 'pending' ? 'waiting' : ANSWER_TONE[approval.status];
  const text = { label: cut(approval.summary), status: spaced(approval.status), note: cut(approval.why.join(' ')) };
  return {
    id: `wait/${approval.id}`,
    row,
    kind: 'wait',
    ...text,
    tone,
    start: ms(approval.requestedAt),
    ...until(approval.answeredAt),
    links: approvalLinks(known, approval),
  };
}

/** When a question was asked and when it was answered. */
export function approvalMarks(known: Known, row: string, approval: Approval): TimelineMark[] {
  const links = approvalLinks(known, approval);
  const label = cut(approval.summary);
  const asked: TimelineMark = {
    id: `asked/${approval.id}`,
    row,
    kind: 'asked',
    label,
    tone: 'waiting',
    status: 'asked',
    at: ms(approval.requestedAt),
    note: cut(approval.why.join(' ')),
    links,
  };
  if (approval.answeredAt === undefined) return [asked];
  const note = cut([approval.by, approval.reason].filter(Boolean).join(': '));
  const tone = ANSWER_TONE[approval.status];
  return [
    asked,
    {
      id: `answered/${approval.id}`,
      row,
      kind: 'answered',
      label,
      tone,
      status: spaced(approval.status),
      at: ms(approval.answeredAt),
      note,
      links,
    },
  ];
}

/** The merge and its undo; they show on the stage that made the merge. */
export function mergeMarks(known: Known, row: string): TimelineMark[] {
  const { run, stage, definition } = known;
  const merge = run.merge;
  if (!merge || definition.merge === undefined) return [];
  const links: TimelineIntent[] = merge.commit === undefined ? [] : [{ kind: 'diff', run: run.id, subject: 'merge', id: merge.commit }];
  const failed = merge.state === 'failed';
  const tone = failed ? 'failure' : merge.commit === undefined ? 'running' : 'success';
  const status = failed ? 'failed' : merge.commit === undefined ? 'started' : merge.commit.slice(0, 8);
  const at = merge.mergedAt ?? (merge.state === 'started' ? merge.startedAt : (stage?.endedAt ?? merge.startedAt));
  const marks: TimelineMark[] = [
    {
      id: `merge/${run.id}`,
      row,
      kind: 'merge',
      label: cut(merge.into),
      tone,
      status,
      at: ms(at),
      note: cut(failed ? (merge.problem ?? '') : merge.message),
      links,
    },
  ];
  if (!merge.undo) return marks;
  const undone = merge.state === 'undo_failed' ? 'failure' : merge.state === 'undone' ? 'canceled' : 'running';
  const undoStatus = { undo_failed: 'failed', undone: 'undone' }[merge.state as string] ?? 'started';
  marks.push({
    id: `undo/${run.id}`,
    row,
    kind: 'undo',
    label: cut(merge.into),
    tone: undone,
    status: undoStatus,
    at: ms(merge.undo.at),
    note: cut(merge.problem ?? merge.undo.by),
    links,
  });
  return marks;
}
