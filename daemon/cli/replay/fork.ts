/**
 * Goes through a run again from one of its events, with something otherwise, up to where that makes a difference. Pure: commits come
 * in, what agents, people and preparations said in them is taken as it stands.
 *
 * 1. Until the paths part the state is the recorded one, so that the first difference is the change that was asked for and nothing else.
 * 2. Where this version of the engine would not have gone the recorded way, nothing is claimed.
 */
import type { Commit, Event, NewEvent } from '../../../shared/events/envelope.ts';
import type { Approval } from '../../../shared/state/approval.ts';
import { evolve, type State } from '../../../shared/state/evolve.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { ofApproval } from '../../decide/approval.ts';
import { event as makeEvent } from '../../decide/context.ts';
import type { PolicySource } from '../../policy/load.ts';
import type { Kept } from '../policy/record.ts';
import { type Again, createAgain, otherContext, type Said, type Turn } from './again.ts';
import { type Books, createBooks } from './books.ts';
import { createEngineCheck, type Difference, type EngineCheck, recordedContext } from './engine.ts';
import { type Following, followRun } from './follow.ts';

/** What is otherwise: policies in the place of their namesakes, and how the questions are answered. */
export interface Change {
  policies: readonly PolicySource[];
  answer: 'approve' | 'deny' | undefined;
}

/** Where the recorded path and the other one part. */
export interface Parting extends Following {
  event: string;
  at: string;
  stage: string;
  summary: string;
  recorded: Said;
  now: Said;
}

export interface ForkReport {
  /** The event from which on things are otherwise; absent when the run has none of that name. */
  from?: { event: string; at: string; what: string };
  /** What was gone through from there on, and decisions that could not be made again. */
  events: number;
  decisions: number;
  answers: number;
  unreadable: number;
  parting?: Parting;
  /** Where this version of the engine leaves the recorded path by itself. */
  outdated?: Difference;
}

export interface ForkOptions {
  run: string;
  /** Whether an event is the one from which on things are otherwise. */
  isStart(event: Event): boolean;
  change: Change;
  kept: Kept;
  definitionOf(digest: string): WorkflowDefinition | undefined;
}

interface Walk extends ForkOptions {
  books: Books;
  engine: EngineCheck;
  again: Again;
  report: ForkReport;
}

/** Goes over commits in order, from the state before the first, which is changed. */
export async function forkRun(options: ForkOptions, start: State, commits: AsyncIterable<readonly Commit[]>): Promise<ForkReport> {
  const { run, change, kept, definitionOf } = options;
  const books = createBooks(kept, change.policies);
  const engine = createEngineCheck(run, definitionOf);
  const again = createAgain(run, { engine, kept, books });
  const walk: Walk = { ...options, books, engine, again, report: { events: 0, decisions: 0, answers: 0, unreadable: 0 } };
  for await (const several of commits)
    for (const commit of several) {
      const mine = commit.events.filter((event) => event.run === run);
      if (mine.length > 0 && goOn(walk, start, commit, mine)) return walk.report;
      evolve(start, commit);
      if (mine.length > 0) engine.after(start, commit);
    }
  return walk.report;
}

/** Looks at a commit of the run; true when there is nothing more to go through. */
function goOn(walk: Walk, state: State, commit: Commit, mine: readonly Event[]): boolean {
  const { report, engine, again, change } = walk;
  const first = mine.find((event) => walk.isStart(event));
  if (first && !report.from) report.from = { event: first.id, at: commit.at, what: sayWhat(first) };
  const difference = engine.before(state, commit);
  if (!report.from) return false;
  if (difference) {
    report.outdated = difference;
    return true;
  }
  report.events += mine.length;
  report.decisions += mine.filter(({ type }) => type === 'policy.decided').length;
  const turn = change.policies.length > 0 ? again.look(state, commit) : 'same';
  if (turn === 'unreadable') report.unreadable += mine.filter(({ type }) => type === 'policy.decided').length;
  const parting = typeof turn === 'object' ? part(walk, state, commit, turn) : answerOtherwise(walk, state, commit, change.answer);
  if (parting) report.parting = parting;
  return parting !== undefined;
}

const sayWhat = ({ type, stage }: Event): string => (stage === undefined ? type : `${type} ${stage}`);

function part(walk: Walk, state: State, commit: Commit, { event, summary, recorded, now, instead }: Turn): Parting {
  const about = { event: event.id, at: commit.at, stage: event.stage ?? '', summary, recorded, now };
  const { run, definitionOf, books } = walk;
  const context = otherContext(state, { run, commit, books }) ?? recordedContext(commit, []);
  const definition = definitionOf(state.runs.get(run)?.workflow.digest ?? '');
  return { ...about, ...followRun(state, { run, definition, commit, context, first: instead }) };
}

const ANSWERS = { 'approval.granted': 'approve', 'approval.denied': 'deny', 'approval.expired': 'deny' } as const;
const isAnswer = (event: Event): event is Extract<Event, { type: keyof typeof ANSWERS }> => event.type in ANSWERS;

/** The first answer of a commit that is not the wanted one, given otherwise. */
function answerOtherwise(walk: Walk, state: State, commit: Commit, answer: Change['answer']): Parting | undefined {
  if (answer === undefined) return undefined;
  for (const [index, event] of commit.events.entries()) {
    if (event.run !== walk.run || !isAnswer(event)) continue;
    walk.report.answers += 1;
    if (ANSWERS[event.type] === answer) continue;
    // A question that was answered as it was asked stands in the same commit.
    evolve(state, { ...commit, seq: state.seq, events: commit.events.slice(0, index) });
    const approval = state.approvals.get(event.data.approval);
    if (!approval) throw new Error(`${event.id} answers a question that was never asked.`);
    const recorded = sayAnswer(event, ANSWERS[event.type]);
    const now: Said = { says: answer, by: [], message: 'Said by --with answer.' };
    return part(walk, state, commit, { event, summary: approval.summary, recorded, now, instead: [makeAnswer(approval, answer)] });
  }
  return undefined;
}

function sayAnswer(event: Extract<Event, { type: keyof typeof ANSWERS }>, says: 'approve' | 'deny'): Said {
  if (event.type === 'approval.expired') return { says, by: [], message: 'Nobody answered in time.' };
  return { says, by: [event.data.by], message: event.data.reason };
}

function makeAnswer(approval: Approval, answer: 'approve' | 'deny'): NewEvent {
  const type = answer === 'approve' ? 'approval.granted' : 'approval.denied';
  return makeEvent(type, `approval/${approval.id}`, ofApproval(approval), { approval: approval.id, by: 'replay', reason: '' });
}
