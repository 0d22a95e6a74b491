/**
 * From an action that an attempt wants to do to the answer: the policy's decision, or a person's.
 *
 * 1. Each `ask` resolves once; it never rejects. What went wrong is a no, with the reason.
 * 2. A yes means that its grant was used for this: the record has that before the adapter hears of it.
 * 3. Nothing about a question is kept here but who waits for it; after a restart the next attempt asks again, and finds
 *    the question or the grant in the record.
 */
import type { Permission, WantedAction } from '../agents/agent.ts';
import type { Approval } from '../../shared/state/approval.ts';
import type { Commit, EventNamed } from '../../shared/events/envelope.ts';
import { explain } from './merges.ts';
import type { EffectContext } from './reactor.ts';

/** Who asks: the attempt, its task and its lease. */
export interface Asker {
  attempt: string;
  task: string;
  token: number;
  cause: string;
}

export interface Permissions {
  ask(asker: Asker, wanted: WantedAction): Promise<Permission>;
  /** Something happened to an approval: whoever waits for it looks again. */
  note(approval: string): void;
  /** Nobody is left to hear an answer; the questions stay with their task. */
  leave(attempt: string): void;
}

const ENDED: Permission = { allowed: false, reason: 'The attempt has ended.' };

interface Waiter {
  approval: string;
  attempt: string;
  wake(approval: Approval | undefined): void;
}

export function createPermissions(context: EffectContext): Permissions {
  const { state } = context;
  const waiters = new Set<Waiter>();

  /** Resolves with the approval once nobody need answer it any more; with undefined when its attempt left. */
  const settled = (approval: string, attempt: string): Promise<Approval | undefined> => {
    const now = state.approvals.get(approval);
    if (now?.status !== 'pending') return Promise.resolve(now);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        approval,
        attempt,
        wake(found) {
          waiters.delete(waiter);
          resolve(found);
        },
      };
      waiters.add(waiter);
    });
  };

  return {
    async ask(asker, wanted) {
      try {
        return await settle(context, asker, { wanted, settled });
      } catch (error) {
        return { allowed: false, reason: explain(error).message };
      }
    },
    note(id) {
      const approval = state.approvals.get(id);
      if (approval?.status === 'pending') return;
      for (const waiter of [...waiters]) if (waiter.approval === id) waiter.wake(approval);
    },
    leave(attempt) {
      for (const waiter of [...waiters]) if (waiter.attempt === attempt) waiter.wake(undefined);
    },
  };
}

interface Request {
  wanted: WantedAction;
  settled(approval: string, attempt: string): Promise<Approval | undefined>;
}

async function settle(context: EffectContext, asker: Asker, { wanted, settled }: Request): Promise<Permission> {
  const { ports, tell } = context;
  const { attempt, token, cause } = asker;
  const artifact = (await ports.artifacts.putText(JSON.stringify(wanted.action))).digest;
  const texts = Object.entries(wanted.show ?? {});
  const shown = await Promise.all(texts.map(async ([name, text]) => [name, (await ports.artifacts.putText(text)).digest] as const));
  const asks = wanted.ask === undefined ? {} : { ask: wanted.ask };
  const proposal = { key: wanted.key, action: wanted.action, artifact, show: Object.fromEntries(shown), ...asks };
  for (;;) {
    const result = await tell({ type: 'action/decide', attempt, token, proposal }, cause);
    if (!result.ok) return { allowed: false, reason: result.refusal.message };
    const decided = readDecision(result.commit);
    if (decided === undefined) return ENDED;
    if (decided.effect !== 'require_approval' || decided.used) {
      return decided.effect === 'deny' ? { allowed: false, reason: decided.why, ...decided.put } : { allowed: true };
    }
    const approval = decided.asked ?? findQuestion(context, asker, decided.digest);
    if (approval === undefined) continue;
    const answered = await settled(approval, attempt);
    if (answered === undefined) return ENDED;
    if (answered.status === 'granted') {
      const used = await tell({ type: 'action/use', attempt, token, approval }, cause);
      if (used.ok) return { allowed: true };
      if (used.refusal.code !== 'approval_settled') return { allowed: false, reason: used.refusal.message };
      // The same action was asked for twice and the other one has used the grant; or it was taken back: it is a question again.
      continue;
    }
    if (answered.status === 'used' || answered.status === 'lapsed') continue;
    return { allowed: false, reason: describeNo(answered), ...decided.put };
  }
}

interface Decided {
  effect: string;
  digest: string;
  why: string;
  asked: string | undefined;
  used: boolean;
  /** What becomes of files that were changed without being asked for. */
  put: { unasked?: 'revert' };
}

function readDecision(commit: Commit | undefined): Decided | undefined {
  const decided = commit?.events.find((e): e is EventNamed<'policy.decided'> => e.type === 'policy.decided');
  if (!commit || !decided) return undefined;
  const { decision, digest } = decided.data;
  const why = decision.reasons.filter((r) => r.effect === decision.effect).map((r) => r.message);
  const asked = commit.events.find((e): e is EventNamed<'approval.requested'> => e.type === 'approval.requested');
  const used = commit.events.some((e) => e.type === 'approval.used');
  return {
    effect: decision.effect,
    digest,
    why: why.join(' '),
    asked: asked?.data.approval,
    used,
    put: decision.obligations.unasked ? { unasked: 'revert' } : {},
  };
}

/** The question that stands for this action already: open, or answered with no. */
function findQuestion({ state }: EffectContext, { task }: Asker, digest: string): string | undefined {
  for (const a of state.approvals.values())
    if (a.task === task && a.digest === digest && (a.status === 'pending' || a.status === 'denied')) return a.id;
  return undefined;
}

function describeNo({ status, by, reason }: Approval): string {
  if (status === 'denied') return `Denied by ${by ?? 'somebody'}${reason ? `: ${reason}` : '.'}`;
  return reason || `The question is ${status}.`;
}
