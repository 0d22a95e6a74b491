import type { Commit } from '../../../shared/events/envelope.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Remembered } from '../../../shared/state/approval.ts';
import type { Command, Speaker } from '../../commands.ts';
import type { Handlers } from '../connection.ts';
import type { Connection } from '../connection.ts';
import { found, originOf, submitOrThrow, type Core } from './core.ts';

type ApprovalHandlers = Pick<
  Handlers,
  'approval/list' | 'approval/answer' | 'approval/rule' | 'approval/revoke' | 'approval/comment' | 'approval/withdraw' | 'approval/change'
>;

export function approvalHandlers(core: Core): ApprovalHandlers {
  const { state } = core;
  return {
    'approval/list'({ run, pending, limit }) {
      const approvals = [...state.approvals.values()].filter(
        (a) => (run === undefined || a.run === run) && (!pending || a.status === 'pending'),
      );
      return { approvals: approvals.slice(-limit) };
    },
    async 'approval/answer'({ approval: id, answer, reason, remember, choice }, connection) {
      await refuseAttempts(core, connection, `answered ${id}`);
      const by = connection.principal.name;
      const rule = remember && answer === 'grant' ? await rememberAs(core, connection, id, remember) : undefined;
      await submitOrThrow(
        core,
        { type: 'approval/answer', approval: id, answer, by, reason, ...(rule ? { remember: rule } : {}), ...(choice ? { choice } : {}) },
        connection,
      );
      const approval = found(state.approvals.get(id) ?? (await core.archive.readApproval(id)), `approval ${id}`);
      if (approval.status === 'expired')
        throw new SignalboxError({
          code: 'approval_settled',
          message: 'The answer came after the deadline.',
          facts: { approval: id, status: 'expired' },
        });
      return { approval };
    },
    'approval/rule': ({ approval: id, for: scope }, { principal }) =>
      core.proposeRule(found(state.approvals.get(id), `approval ${id}`), scope, principal.name),
    async 'approval/revoke'({ approval: id, reason }, connection) {
      await refuseAttempts(core, connection, `revoked ${id}`);
      await submitOrThrow(core, { type: 'approval/revoke', approval: id, by: connection.principal.name, reason }, connection);
      return { approval: found(state.approvals.get(id), `approval ${id}`) };
    },
    ...speakingHandlers(core),
  };
}

/** The rule that an answer is made into; one that stays is written first, so that what the record says stands in the file. */
async function rememberAs(
  core: Core,
  { principal }: Connection,
  id: string,
  remember: { for: 'run' } | { for: 'always'; after: string },
): Promise<Remembered> {
  const approval = found(core.state.approvals.get(id), `approval ${id}`);
  if (approval.status !== 'pending')
    throw new SignalboxError({
      code: 'approval_settled',
      message: `That approval is ${approval.status}.`,
      facts: { status: approval.status },
    });
  if (remember.for === 'always' && !principal.scopes.includes('configure'))
    throw new SignalboxError({ code: 'forbidden', message: `A rule that stays needs the scope configure, which ${principal.name} lacks.` });
  const proposal = await core.proposeRule(approval, remember.for, principal.name);
  if (remember.for === 'run') return proposal.rule;
  if (proposal.digest !== remember.after)
    throw new SignalboxError({ code: 'invalid_transition', message: 'The rule would be another one by now. Look at it again.' });
  await core.writeRule(proposal);
  return proposal.rule;
}

type SpeakingHandlers = Pick<Handlers, 'approval/comment' | 'approval/withdraw' | 'approval/change'>;

/** What agents may do about a question, too. */
function speakingHandlers(core: Core): SpeakingHandlers {
  const { state } = core;
  return {
    async 'approval/comment'({ approval: id, text }, connection) {
      await speak(core, connection, `commented on ${id}`, (by) => ({ type: 'approval/comment', approval: id, by, text }));
      return { approval: found(state.approvals.get(id), `approval ${id}`) };
    },
    async 'approval/withdraw'({ approval: id, reason }, connection) {
      await speak(core, connection, `withdrew ${id}`, (by) => ({ type: 'approval/withdraw', approval: id, by, reason }));
      return { approval: found(state.approvals.get(id), `approval ${id}`) };
    },
    async 'approval/change'({ approval: id, action, reason }, connection) {
      const artifact = await core.keepText(JSON.stringify(action));
      const before = found(state.approvals.get(id), `approval ${id}`);
      const proposal = { key: before.key, action, artifact, show: {} };
      const commit = await speak(core, connection, `changed ${id}`, (by) => ({
        type: 'approval/change',
        approval: id,
        by,
        reason,
        proposal,
      }));
      const decided = commit?.events.find((e) => e.type === 'policy.decided');
      const asked = commit?.events.find((e) => e.type === 'approval.requested');
      const next = state.approvals.get(asked?.data.approval ?? '');
      return {
        approval: found(state.approvals.get(id), `approval ${id}`),
        effect: decided?.data.decision.effect ?? 'deny',
        ...(next ? { asked: next } : {}),
      };
    },
  };
}

/** Says something about a question in the name of a connection; what an agent may say follows from the question. */
async function speak(core: Core, connection: Connection, what: string, make: (by: Speaker) => Command): Promise<Commit | undefined> {
  const { name, scopes } = connection.principal;
  if (scopes.includes('approve')) await refuseAttempts(core, connection, what);
  const result = await core.submit(make({ name, scopes }), originOf(connection));
  if (!result.ok) throw new SignalboxError(result.refusal);
  return result.commit;
}

/** Who does the work never decides about it: a process that an attempt started is refused, and that is recorded. */
export async function refuseAttempts(core: Core, connection: Connection, what: string): Promise<void> {
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
