/**
 * Questions: how an action becomes one, and how its grant is found again.
 *
 * 1. Every action that is put to the policy is recorded with its decision, whatever the decision is.
 * 2. A grant for an action of a task belongs to (run, task, digest), not to an attempt: a later attempt finds it, also after a restart.
 * 3. A grant is used once; so the same action a second time is a new question.
 * 4. What a person denied is denied for the rest of its task without asking again.
 */
import type { Correlation, NewEvent } from '../../shared/events/envelope.ts';
import type { Decision } from '../../shared/state/action.ts';
import type { Approval } from '../../shared/state/approval.ts';
import { contextOf, type DecisionContext } from '../../shared/state/decision-context.ts';
import type { State } from '../../shared/state/evolve.ts';
import { approvalsOf } from '../../shared/state/select.ts';
import type { Task } from '../../shared/state/task.ts';
import type { CommandOf, Proposal } from '../commands.ts';
import { event, later, refuse, type Context, type Verdict } from './context.ts';
import { holdLease, ofAttempt } from './lease.ts';

/** A proposal, whoever makes it, and what its events are about. One without an artifact is small, and stands in the record itself. */
export interface Wanted extends Omit<Proposal, 'artifact'> {
  artifact?: string;
  of: Correlation;
  stream: string;
  /** The question that this one is asked in place of. */
  replaces?: string;
}

export interface Judged {
  wanted: Wanted;
  decision: Decision;
  digest: string;
  decided: NewEvent;
}

/** Puts an action to the policy, as things stand, without asking anybody. */
export function judge(state: State, wanted: Wanted, context: Context): Judged {
  const { key, action, artifact, ask } = wanted;
  const standing = contextOf(state, action, context.now);
  const decision = withQuestion(withRunRules(state, { wanted, standing }, context.judge(action, standing), context), ask);
  const digest = context.digest(action, decision);
  const of = ofWanted(wanted);
  const { kind, summary } = action;
  const inline = artifact === undefined ? { action } : {};
  const decided = event('policy.decided', wanted.stream, of, { key, kind, summary, digest, decision, context: standing, ...inline });
  return { wanted, decision, digest, decided };
}

/** Decides actions for a client that only wants to know, and to have it in the record; nobody is asked. */
export function recordDecisions(state: State, { proposals }: CommandOf<'policy/evaluate'>, context: Context): Verdict {
  return proposals.map((proposal) => {
    const { repo, agent } = proposal.action;
    const of = { ...(repo === '' ? {} : { repo }), ...(agent === '' ? {} : { agent }) };
    return judge(state, { ...proposal, show: {}, of, stream: 'policy/evaluated' }, context).decided;
  });
}

const ofWanted = ({ of, artifact }: Wanted): Correlation => (artifact === undefined ? of : { ...of, artifact });

/** Puts an action to the policy: the decision, and a question where a person is to be asked. */
export function askFor(state: State, wanted: Wanted, context: Context): NewEvent[] {
  const judged = judge(state, wanted, context);
  return judged.decision.effect === 'require_approval' ? [judged.decided, ...askPerson(state, judged, context)] : [judged.decided];
}

/** The question that a decision asks of a person, and its answer where whoever started the run gave that beforehand. */
export function askPerson(state: State, judged: Judged, context: Context): NewEvent[] {
  const { wanted, decision } = judged;
  const run = state.runs.get(wanted.of.run ?? '');
  const question = makeQuestion(judged, run?.answering?.until, context);
  if (!run?.answering || run.answering.mode === 'ask') return [question];
  const { mode } = run.answering;
  // Configuration is a person's, whatever a policy says; so is what several, or only some, may grant, and what is no plain yes.
  const { quorum, approvers, choices } = question.data;
  const personal = [quorum, approvers, choices].some((one) => one !== undefined) || wanted.action.kind === 'daemon.configure';
  const yes = mode === 'policy' && decision.obligations.headless === 'grant' && !personal;
  const reason = yes
    ? 'The policy allows it where nobody is there to answer (headless: allow).'
    : mode === 'policy'
      ? 'Nobody is there to answer, and the policy does not allow it then (--approve=policy).'
      : 'The run was started with --approve=deny.';
  const data = { approval: question.data.approval, by: run.principal, reason };
  return [question, event(yes ? 'approval.granted' : 'approval.denied', question.stream, wanted.of, data)];
}

function makeQuestion({ wanted, decision, digest }: Judged, until: string | undefined, context: Context) {
  const { key, action, show, replaces, choices } = wanted;
  const approval = context.newId();
  const why = decision.reasons.filter((r) => r.effect === 'require_approval').map((r) => r.message);
  const { expiresMs, quorum, approvers, escalate = context.escalation } = decision.obligations;
  const about = { approval, key, kind: action.kind, summary: action.summary, risk: action.risk, digest, why, show };
  // The time to answer begins when a person is asked: nothing is denied because agents kept it to themselves.
  const expiresAt = later(context, (escalate?.at(-1)?.afterMs ?? 0) + (expiresMs ?? wanted.expiresMs ?? context.approvalMs));
  const demands = {
    expiresAt: until !== undefined && until < expiresAt ? until : expiresAt,
    ...(quorum === undefined ? {} : { quorum }),
    ...(approvers === undefined || approvers.includes('human') ? {} : { approvers }),
    ...(escalate === undefined ? {} : { escalate: [...escalate] }),
    ...(replaces === undefined ? {} : { replaces }),
    ...(choices === undefined ? {} : { choices }),
  };
  const agent = action.agent === '' ? {} : { agent: action.agent };
  return event('approval.requested', `approval/${approval}`, { ...agent, ...ofWanted(wanted) }, { ...about, ...demands });
}

/** What somebody allowed for the rest of the run is not asked again, as long as the same rules ask; what is denied stays denied. */
function withRunRules(
  state: State,
  { wanted, standing }: { wanted: Wanted; standing: DecisionContext },
  decision: Decision,
  context: Context,
): Decision {
  const { run } = wanted.of;
  if (decision.effect !== 'require_approval' || run === undefined) return decision;
  const asking = decision.reasons.filter((r) => r.effect === 'require_approval').map((r) => `${r.policy}/${r.rule}`);
  for (const { remembered } of approvalsOf(state, run)) {
    if (!remembered || remembered.forgotten || remembered.file !== undefined) continue;
    const { excepts, text, rule, by, says } = remembered;
    if (!asking.every((name) => excepts.includes(name) || name.endsWith('/default')) || !context.admits(text, wanted.action, standing))
      continue;
    const message = `${by} allowed ${says} for the rest of this run.`.slice(0, 500);
    const reason = { policy: 'run', version: '', rule, effect: 'allow', message, severity: 'info', values: {} } as const;
    return { effect: 'allow', reasons: [reason, ...decision.reasons], obligations: {} };
  }
  return decision;
}

/** What the workflow's author wants asked is asked, unless the policy forbids the action altogether. */
function withQuestion(decision: Decision, ask: string | undefined): Decision {
  if (ask === undefined || decision.effect === 'deny') return decision;
  const reason = {
    policy: 'workflow',
    version: '',
    rule: 'approval',
    effect: 'require_approval',
    message: ask,
    severity: 'medium',
    values: {},
  } as const;
  return { ...decision, effect: 'require_approval', reasons: [...decision.reasons, reason] };
}

/**
 * Decides an action that a running attempt wants to do. Allowed or denied, the decision is all; where a person is to be
 * asked, a grant that waits for this action is used at once, a question that is open already stays the question, and
 * otherwise a new one is asked.
 */
export function decideAction(state: State, command: CommandOf<'action/decide'>, context: Context): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  const of = ofAttempt(lease);
  const judged = judge(state, { ...command.proposal, of, stream: `attempt/${lease.attempt.id}` }, context);
  if (judged.decision.effect !== 'require_approval') return [judged.decided];
  const known = approvalsOfTask(state, lease.task);
  const outdated = known.filter((a) => a.key === judged.wanted.key && a.digest !== judged.digest);
  const before = [judged.decided, ...settleAll(outdated, 'What was asked has changed.')];
  const mine = known.filter((a) => a.digest === judged.digest);
  const grant = mine.find((a) => a.status === 'granted');
  if (grant) return [...before, event('approval.used', `approval/${grant.id}`, of, { approval: grant.id })];
  if (mine.some((a) => a.status === 'pending' || a.status === 'denied')) return before;
  return [...before, ...askPerson(state, judged, context)];
}

/** Uses a grant for the action that it was given for; only the newest attempt of its task can, and only once. */
export function useGrant(state: State, command: CommandOf<'action/use'>): Verdict {
  const lease = holdLease(state, command);
  if ('code' in lease) return lease;
  const grant = state.approvals.get(command.approval);
  if (!grant || grant.task !== lease.task.id) return refuse('not_found', `The task has no approval ${command.approval}.`);
  if (grant.status !== 'granted') {
    const facts = { approval: grant.id, status: grant.status };
    return refuse('approval_settled', `That approval is ${grant.status}; it allows nothing.`, facts);
  }
  return [event('approval.used', `approval/${grant.id}`, ofAttempt(lease), { approval: grant.id })];
}

/** What every event of an approval carries. */
export const ofApproval = (a: Approval): Correlation => ({
  ...(a.repo === undefined ? {} : { repo: a.repo }),
  ...(a.run === undefined ? {} : { run: a.run }),
  ...(a.stage === undefined ? {} : { stage: a.stage }),
  ...(a.task === undefined ? {} : { task: a.task }),
  ...(a.attempt === undefined ? {} : { attempt: a.attempt }),
  ...(a.agent === undefined ? {} : { agent: a.agent }),
});

/** The questions about actions of a task's attempts, oldest first; what its stage asked before it began is not among them. */
export function approvalsOfTask(state: State, task: Pick<Task, 'id'>): Approval[] {
  return [...state.approvals.values()].filter((a) => a.task === task.id);
}

/** Nothing can use what a task that has ended was granted, and nobody need answer what it asked. */
export function settleTaskApprovals(state: State, task: Task): NewEvent[] {
  return settleAll(approvalsOfTask(state, task), 'The task ended.');
}

/** Withdraws the questions that are open, and lets the grants that nothing has used lapse. */
export function settleAll(approvals: readonly Approval[], reason: string): NewEvent[] {
  return approvals.flatMap((a): NewEvent[] => {
    const of = ofApproval(a);
    if (a.status === 'pending') return [event('approval.voided', `approval/${a.id}`, of, { approval: a.id, reason })];
    return a.status === 'granted' ? [event('approval.lapsed', `approval/${a.id}`, of, { approval: a.id, reason })] : [];
  });
}
