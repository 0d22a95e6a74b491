/** What happens to a question while nobody has answered it: reminders, the next level, and what agents say about it. */
import { LEVELS, type Approval, type ApprovalLevel } from '../../shared/state/approval.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Refusal } from '../../shared/protocol/errors.ts';
import type { CommandOf, Speaker } from '../commands.ts';
import { gone, isLate } from './answer.ts';
import { askFor, ofApproval } from './approval.ts';
import { event, refuse, type Context, type Verdict } from './context.ts';

/** Comments that one question takes; so that nobody fills the record with talk. */
const MAX_COMMENTS = 50;

/** The deadline passed: the answer is no. */
export function expireApproval(state: State, command: CommandOf<'approval/expire'>, context: Context): Verdict {
  const approval = state.approvals.get(command.approval);
  if (!approval) return gone(command.approval);
  if (!isLate(approval, context)) return [];
  return [event('approval.expired', `approval/${approval.id}`, ofApproval(approval), { approval: approval.id })];
}

/** Brings a question up again; each reminder once. */
export function remindOf(state: State, { approval: id, count }: CommandOf<'approval/remind'>): Verdict {
  const approval = state.approvals.get(id);
  if (!approval) return gone(id);
  if (approval.status !== 'pending' || (approval.reminders ?? 0) >= count) return [];
  return [event('approval.reminded', `approval/${id}`, ofApproval(approval), { approval: id, count })];
}

/** Takes a question to the next level; each level once, and never back. */
export function escalateApproval(state: State, { approval: id, level }: CommandOf<'approval/escalate'>): Verdict {
  const approval = state.approvals.get(id);
  if (!approval) return gone(id);
  if (approval.status !== 'pending' || (approval.level ?? 3) >= level) return [];
  const to = approval.escalate?.find((step) => step.level === level)?.to ?? [];
  return [event('approval.escalated', `approval/${id}`, ofApproval(approval), { approval: id, level, to })];
}

interface Said {
  approval: Approval;
  level: ApprovalLevel;
}

/** The open question and the level at which somebody may speak about it; a refusal that says why not. */
function hear(state: State, { approval: id, by }: { approval: string; by: Speaker }, context: Context): Said | Refusal {
  const approval = state.approvals.get(id);
  if (!approval) return gone(id);
  const level = levelOf(state, approval, by);
  if (level === undefined) {
    const text = `${by.name} is neither a person who may approve, nor the agent that asks, nor one that the question has come to.`;
    return refuse('forbidden', text, { approval: id, level: LEVELS[approval.level ?? 3] });
  }
  if (approval.status !== 'pending' || isLate(approval, context)) {
    const status = approval.status === 'pending' ? 'expired' : approval.status;
    return refuse('approval_settled', `That approval is ${status}.`, { approval: id, status });
  }
  return { approval, level };
}

/** The level of somebody for a question: a person, the agent that asks, or an agent that the question has come to. */
function levelOf(state: State, approval: Approval, { name, scopes }: Speaker): ApprovalLevel | undefined {
  if (scopes.includes('approve')) return 3;
  if (!scopes.includes('agent')) return undefined;
  const id = name.replace(/^agent:/, '');
  if (approval.agent === id) return 0;
  const reached = (approval.escalate ?? []).filter((step) => step.level < 3 && step.level <= (approval.level ?? 3));
  return reached.findLast((step) => isAsked(state, step, id))?.level;
}

/** Whether an agent is one of those that a level is about. */
export function isAsked(state: State, { level, to }: { level: ApprovalLevel; to: readonly string[] }, id: string): boolean {
  const agent = state.agents.get(id);
  if (!agent) return false;
  if (to.length === 0) return level === 1 || [agent.role, ...agent.tags].includes('lead');
  return [agent.id, agent.role, ...agent.tags, ...agent.capabilities].some((word) => to.includes(word));
}

export function commentOn(state: State, command: CommandOf<'approval/comment'>, context: Context): Verdict {
  const said = hear(state, command, context);
  if ('code' in said) return said;
  const { approval, level } = said;
  const comments = approval.comments ?? [];
  const by = command.by.name;
  if (comments.at(-1)?.by === by && comments.at(-1)?.text === command.text) return [];
  if (comments.length >= MAX_COMMENTS) return refuse('too_many', `A question takes ${MAX_COMMENTS} comments.`, { approval: approval.id });
  const data = { approval: approval.id, by, level, text: command.text };
  return [event('approval.commented', `approval/${approval.id}`, ofApproval(approval), data)];
}

/** What was asked is not wanted any more. */
export function withdrawApproval(state: State, command: CommandOf<'approval/withdraw'>, context: Context): Verdict {
  const before = state.approvals.get(command.approval);
  if (before?.status === 'voided' && before.by === command.by.name) return [];
  const said = hear(state, command, context);
  return 'code' in said ? said : [withdrawn(said.approval, command.by.name, command.reason || 'Withdrawn.')];
}

function withdrawn(approval: Approval, by: string, reason: string) {
  return event('approval.voided', `approval/${approval.id}`, ofApproval(approval), { approval: approval.id, by, reason });
}

/**
 * Asks for another action in place of the one that is asked about. The other one is decided like any: whoever proposes it
 * cannot get more than the policy gives, and who wanted the first hears what to do instead.
 */
export function changeApproval(state: State, command: CommandOf<'approval/change'>, context: Context): Verdict {
  const said = hear(state, command, context);
  if ('code' in said) return said;
  const { approval } = said;
  const { action } = command.proposal;
  if (approval.task === undefined) {
    return refuse('invalid_transition', 'What a stage asks before it begins follows from its plan; withdraw it instead.', {
      approval: approval.id,
    });
  }
  const same = action.kind === approval.kind && action.agent === approval.agent && action.task === approval.task;
  if (!same || action.run !== (approval.run ?? '') || action.repo !== (approval.repo ?? ''))
    return refuse('invalid_params', 'The other action has to be of the same kind, agent, task, run and repository.', {
      approval: approval.id,
    });
  const of = ofApproval(approval);
  const asked = askFor(state, { ...command.proposal, of, stream: `approval/${approval.id}`, replaces: approval.id }, context);
  const why = command.reason === '' ? '' : ` ${command.reason}`;
  return [withdrawn(approval, command.by.name, `${command.by.name} proposes instead: ${action.summary}.${why}`), ...asked];
}
