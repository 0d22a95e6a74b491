import type { Approval } from '../../shared/state/approval.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { CommandOf } from '../commands.ts';
import { ofApproval } from './approval.ts';
import { event, refuse, type Context, type Verdict } from './context.ts';

export const gone = (id: string) => refuse('not_found', `There is no approval ${id}.`, { approval: id });

/** True when nobody may answer any more, whether or not the clock has said so yet. */
export function isLate(approval: Approval, context: Context): boolean {
  return approval.status === 'pending' && Date.parse(approval.expiresAt) <= context.now;
}

/** An approval is answered once by everybody whose yes it needs; the same answer again changes nothing. A no ends it. */
export function answerApproval(state: State, command: CommandOf<'approval/answer'>, context: Context): Verdict {
  const approval = state.approvals.get(command.approval);
  if (!approval) return gone(command.approval);
  const { answer, by, reason } = command;
  if (isLate(approval, context)) return [about('approval.expired', approval, {})];
  if (approval.status === 'pending')
    return answer === 'grant' ? grant(approval, command) : [about('approval.denied', approval, { by, reason })];
  const granted = approval.status === 'granted' || approval.status === 'used';
  if ((answer === 'grant' && granted) || (answer === 'deny' && approval.status === 'denied')) return [];
  const facts = { approval: approval.id, status: approval.status, by: approval.by ?? '' };
  return refuse('approval_settled', `That approval is ${approval.status}${approval.by === undefined ? '' : `, by ${approval.by}`}.`, facts);
}

function grant(approval: Approval, { by, reason, remember, choice }: CommandOf<'approval/answer'>): Verdict {
  const { approvers, quorum = 1, grants = [], choices = [] } = approval;
  if (approvers && !approvers.includes('human') && !approvers.includes(by)) {
    const who =
      approvers.length === 0
        ? 'The rules agree on nobody who may approve this; change them'
        : `Only ${approvers.join(', ')} may approve this`;
    return refuse('forbidden', `${who}. Anybody who may approve can still deny it.`, { approval: approval.id, approvers });
  }
  if (choice !== undefined && !choices.includes(choice)) {
    const what = choices.length === 0 ? 'It is a plain question: yes or no.' : `A yes to it means one of ${choices.join(', ')}.`;
    return refuse('invalid_params', what, { approval: approval.id, choices });
  }
  if (remember && choices.length > 0)
    return refuse('invalid_params', 'What became of this failure says nothing about the next one.', { approval: approval.id });
  if (remember && quorum > 1)
    return refuse('invalid_params', 'Several people are asked about this each time; one answer cannot stand for them.', {
      approval: approval.id,
    });
  if (grants.some((g) => g.by === by)) return [];
  const meant = choice ?? choices[0];
  const granted =
    grants.length + 1 < quorum
      ? about('approval.seconded', approval, { by, reason })
      : about('approval.granted', approval, { by, reason, ...(meant === undefined ? {} : { choice: meant }) });
  if (!remember) return [granted];
  const { id } = approval;
  return [granted, event('approval.remembered', `approval/${id}`, ofApproval(approval), { approval: id, by, ...remember })];
}

type Final = 'approval.expired' | 'approval.denied' | 'approval.seconded' | 'approval.granted' | 'approval.revoked';

function about<T extends Final>(
  type: T,
  approval: Approval,
  data: T extends 'approval.expired' ? object : { by: string; reason: string; choice?: string },
) {
  return event(type, `approval/${approval.id}`, ofApproval(approval), { approval: approval.id, ...data } as Parameters<typeof event<T>>[3]);
}

/** Takes a grant back that nothing has used yet, and the rule for the rest of the run that came with it. */
export function revokeApproval(state: State, command: CommandOf<'approval/revoke'>): Verdict {
  const approval = state.approvals.get(command.approval);
  if (!approval) return gone(command.approval);
  const { by, reason } = command;
  const { id, remembered } = approval;
  const holds = remembered !== undefined && remembered.file === undefined && !remembered.forgotten;
  const forgotten = holds ? [event('approval.forgotten', `approval/${id}`, ofApproval(approval), { approval: id, by, reason })] : [];
  if (approval.status === 'granted') return [about('approval.revoked', approval, { by, reason }), ...forgotten];
  if (forgotten.length > 0) return forgotten;
  if (approval.status === 'revoked' || remembered?.forgotten) return [];
  const where = remembered?.file === undefined ? '' : ` Its rule ${remembered.rule} stands in ${remembered.file}; remove it there.`;
  const text = `Only a grant that nothing has used can be revoked; this one is ${approval.status}.${where}`;
  return refuse('approval_settled', text, { status: approval.status });
}
