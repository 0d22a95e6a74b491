// Does one recorded command again, by other policies, and says which decision comes out otherwise.
import type { Commit, Event, EventNamed, NewEvent } from '../../../shared/events/envelope.ts';
import { Action, type Decision, type Effect } from '../../../shared/state/action.ts';
import type { State } from '../../../shared/state/evolve.ts';
import type { Command, Proposal } from '../../commands.ts';
import { isRefusal, type Context } from '../../decide/context.ts';
import { decide } from '../../decide/decide.ts';
import { sha256 } from '../../platform/digest.ts';
import { decideAction } from '../../policy/decide.ts';
import { loadPolicies } from '../../policy/load.ts';
import type { Kept } from '../policy/record.ts';
import type { Books } from './books.ts';
import { type EngineCheck, recordedContext } from './engine.ts';

/** What was said about one action: by whom (rules as `policy/rule`, or a principal), and their words. */
export interface Said {
  says: Effect | 'approve';
  by: string[];
  message: string;
}

/** Where a recorded decision, or the lack of one, comes out otherwise. */
export interface Turn {
  event: Event;
  summary: string;
  recorded: Said;
  now: Said;
  /** What would be recorded in place of the commit. */
  instead: NewEvent[];
}

export interface Again {
  /** What comes out otherwise in a commit, on the state before it; `unreadable` when what it rests on is not there any more. */
  look(state: State, commit: Commit): Turn | 'same' | 'unreadable';
}

type Decided = EventNamed<'policy.decided'>;

/** What the engine or an agent did that the policy has a word on, recorded or not. */
const JUDGED = new Set<Event['type']>(['policy.decided', 'stage.started', 'task.submitted', 'task.assigned']);

/** Looks at the commits of one run with the policies of some books. */
export function createAgain(run: string, { engine, kept, books }: { engine: EngineCheck; kept: Kept; books: Books }): Again {
  const admits = createAdmission();
  return {
    look(state, commit) {
      const mine = commit.events.filter((event) => event.run === run);
      const first = mine.find((event) => JUDGED.has(event.type));
      if (!first) return 'same';
      const command = engine.commandBehind(state, commit) ?? commandOf(state, mine, kept);
      const context = command && otherContext(state, { run, commit, books });
      if (!context) return mine.some(({ type }) => type === 'policy.decided') ? 'unreadable' : 'same';
      const verdict = decide(state, command, { ...context, admits });
      if (isRefusal(verdict)) return 'unreadable';
      return findTurn(first, mine, verdict) ?? 'same';
    },
  };
}

function findTurn(first: Event, recorded: readonly Event[], again: NewEvent[]): Turn | undefined {
  const before = recorded.filter((event): event is Decided => event.type === 'policy.decided');
  const now = again.filter((event): event is Extract<NewEvent, { type: 'policy.decided' }> => event.type === 'policy.decided');
  for (const key of new Set([...before, ...now].map(({ data }) => data.key))) {
    const was = before.find(({ data }) => data.key === key);
    const is = now.find(({ data }) => data.key === key);
    if (!differ(was?.data.decision, is?.data.decision)) continue;
    const summary = (was ?? is)?.data.summary ?? '';
    return { event: was ?? first, summary, recorded: sayDecision(was?.data.decision), now: sayDecision(is?.data.decision), instead: again };
  }
  return undefined;
}

/** A warning lets pass; a question is another one when others have to answer it. What was not put to the policy was allowed. */
function differ(was: Decision | undefined, is: Decision | undefined): boolean {
  const way = ({ effect, obligations: { quorum, approvers } }: Decision): string => {
    if (effect !== 'require_approval') return effect === 'warn' ? 'allow' : effect;
    return JSON.stringify([effect, quorum ?? 1, approvers ?? []]);
  };
  return (was ? way(was) : 'allow') !== (is ? way(is) : 'allow');
}

function sayDecision(decision: Decision | undefined): Said {
  if (!decision) return { says: 'allow', by: [], message: 'The rules allow every action of this kind.' };
  const deciding = decision.reasons.filter(({ effect }) => effect === decision.effect);
  return {
    says: decision.effect,
    by: deciding.map(({ policy, rule }) => `${policy}/${rule}`),
    message: deciding
      .map(({ message }) => message)
      .join(' ')
      .slice(0, 500),
  };
}

/** Time and outside as they were recorded in a commit, the word of the policies as the books have it; undefined when those are not there any more. */
export function otherContext(state: State, { run, commit, books }: { run: string; commit: Commit; books: Books }): Context | undefined {
  const policies = books(state, state.runs.get(run)?.repo ?? '');
  if (!policies) return undefined;
  const mine = commit.events.filter((event) => event.run === run);
  let ids = 0;
  return {
    ...recordedContext(commit, mine),
    newId: () => `fork-${state.seq}-${(ids += 1)}`,
    judge: (action, standing) => decideAction(policies, action, standing),
    permits: (kind) => policies.permits.has(kind),
  };
}

function createAdmission(): Context['admits'] {
  const known = new Map<string, ReturnType<typeof loadPolicies>>();
  return (text, action, standing) => {
    const loaded = known.get(text) ?? loadPolicies([{ text, file: 'remembered', origin: 'user', trusted: true }], sha256);
    known.set(text, loaded);
    return loaded.ok && decideAction(loaded.policies, action, standing).effect === 'allow';
  };
}

/** The command that a commit without a step of the engine came of: a preparation, an assignment, an action of an attempt. */
function commandOf(state: State, mine: readonly Event[], kept: Kept): Command | undefined {
  const decided = mine.filter((event): event is Decided => event.type === 'policy.decided');
  const [first] = decided;
  const assigned = mine.find(({ type }) => type === 'task.assigned');
  if (assigned || first?.data.key === 'dispatch') {
    const { task = '', attempt = 'fork', agent = state.tasks.get(task)?.wants ?? '' } = assigned ?? first ?? {};
    return { type: 'task/assign', task, attempt, agent };
  }
  const proposals = decided.flatMap((event) => proposalOf(event, mine, kept) ?? []);
  const [proposal] = proposals;
  if (!first || !proposal || proposals.length < decided.length) return undefined;
  const { attempt, run = '', stage } = first;
  if (attempt !== undefined) return { type: 'action/decide', attempt, token: state.attempts.get(attempt)?.token ?? 0, proposal };
  if (stage === undefined || first.task !== undefined) return undefined;
  const end = mine.find((event) => event.type === 'stage.proposed');
  const round = state.stages.get(run)?.get(stage)?.round ?? 1;
  const facts = end?.type === 'stage.proposed' ? end.data.facts : {};
  return { type: 'stage/propose', run, stage, round, proposals, done: end !== undefined, facts };
}

function proposalOf({ artifact = '', data }: Decided, mine: readonly Event[], kept: Kept): Proposal | undefined {
  const action = Action.safeParse(data.action ?? kept.json(artifact)).data;
  if (!action) return undefined;
  const asked = mine.find((event) => event.type === 'approval.requested' && event.data.key === data.key);
  const show = asked?.type === 'approval.requested' ? asked.data.show : {};
  const author = data.decision.reasons.find(({ policy, version }) => policy === 'workflow' && version === '');
  return { key: data.key, action, artifact, show, ...(author ? { ask: author.message } : {}) };
}
