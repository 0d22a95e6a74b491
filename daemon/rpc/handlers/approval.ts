import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Handlers } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { found, originOf, submitOrThrow, type Core } from './core.ts';

type ApprovalHandlers = Pick<Handlers, 'approval/list' | 'approval/answer' | 'approval/revoke'>;

export function approvalHandlers(core: Core): ApprovalHandlers {
  const { state } = core;
  return {
    'approval/list'({ run, pending, limit }) {
      const approvals = [...state.approvals.values()].filter(
        (a) => (run === undefined || a.run === run) && (!pending || a.status === 'pending'),
      );
      return { approvals: approvals.slice(-limit) };
    },
    async 'approval/answer'({ approval: id, answer, reason }, connection) {
      await refuseAttempts(core, connection, `answered ${id}`);
      await submitOrThrow(core, { type: 'approval/answer', approval: id, answer, by: connection.principal.name, reason }, connection);
      const approval = found(state.approvals.get(id) ?? (await core.archive.readApproval(id)), `approval ${id}`);
      if (approval.status === 'expired')
        throw new SignalboxError({
          code: 'approval_settled',
          message: 'The answer came after the deadline.',
          facts: { approval: id, status: 'expired' },
        });
      return { approval };
    },
    async 'approval/revoke'({ approval: id, reason }, connection) {
      await refuseAttempts(core, connection, `revoked ${id}`);
      await submitOrThrow(core, { type: 'approval/revoke', approval: id, by: connection.principal.name, reason }, connection);
      return { approval: found(state.approvals.get(id), `approval ${id}`) };
    },
  };
}

/** Who does the work never decides about it: a process that an attempt started is refused, and that is recorded. */
async function refuseAttempts(core: Core, connection: Connection, what: string): Promise<void> {
  const attempt = await core.attemptBehind(connection);
  if (attempt === undefined) return;
  const code = 'attempt_may_not_answer';
  await core.submit(
    { type: 'principal/refuse', name: connection.principal.name, code, what: `attempt ${attempt} ${what}` },
    originOf(connection),
  );
  throw new SignalboxError({
    code,
    message: 'The answer came from a process that an attempt started. Only a person outside of it can answer.',
    facts: { attempt },
  });
}
