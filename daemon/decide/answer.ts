import type { State } from '../../shared/state/evolve.ts';
import type { CommandOf } from '../commands.ts';
import { ofApproval } from './approval.ts';
import { event, refuse, type Context, type Verdict } from './context.ts';

const gone = (id: string) => refuse('not_found', `There is no approval ${id}.`, { approval: id });

/** An approval is answered once; the same answer again changes nothing. */
export function answerApproval(state: State, command: CommandOf<'approval/answer'>, context: Context): Verdict {
  const approval = state.approvals.get(command.approval);
  if (!approval) return gone(command.approval);
  const { answer, by, reason } = command;
  if (approval.status === 'pending' && Date.parse(approval.expiresAt) <= context.now)
    return [event('approval.expired', `approval/${approval.id}`, ofApproval(approval), { approval: approval.id })];
  if (approval.status === 'pending') {
    const type = answer === 'grant' ? 'approval.granted' : 'approval.denied';
    return [event(type, `approval/${approval.id}`, ofApproval(approval), { approval: approval.id, by, reason })];
  }
  const granted = approval.status === 'granted' || approval.status === 'used';
  if ((answer === 'grant' && granted) || (answer === 'deny' && approval.status === 'denied')) return [];
  const facts = { approval: approval.id, status: approval.status, by: approval.by ?? '' };
  return refuse('approval_settled', `That approval is ${approval.status}${approval.by === undefined ? '' : `, by ${approval.by}`}.`, facts);
}

/** The deadline passed: the answer is no. */
export function expireApproval(state: State, command: CommandOf<'approval/expire'>, context: Context): Verdict {
  const approval = state.approvals.get(command.approval);
  if (!approval) return gone(command.approval);
  if (approval.status !== 'pending' || Date.parse(approval.expiresAt) > context.now) return [];
  return [event('approval.expired', `approval/${approval.id}`, ofApproval(approval), { approval: approval.id })];
}

/** Takes a grant back that nothing has used yet. */
export function revokeApproval(state: State, command: CommandOf<'approval/revoke'>): Verdict {
  const approval = state.approvals.get(command.approval);
  if (!approval) return gone(command.approval);
  if (approval.status === 'revoked') return [];
  if (approval.status !== 'granted') {
    return refuse('approval_settled', `Only a grant that nothing has used can be revoked; this one is ${approval.status}.`, {
      status: approval.status,
    });
  }
  const { by, reason } = command;
  return [event('approval.revoked', `approval/${approval.id}`, ofApproval(approval), { approval: approval.id, by, reason })];
}
