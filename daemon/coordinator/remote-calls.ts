/** Calls of agents whose workers connect over the RPC: the same tools, for attempts that Signalbox itself does not drive. */
import type { AgentCall, CallAnswer } from '../../shared/protocol/agent-tools.ts';
import { type Callbacks, openCallbacks } from './callbacks.ts';
import { refuseCall } from './callback-tools.ts';
import type { Permissions } from './permissions.ts';
import type { EffectContext } from './reactor.ts';

export interface RemoteCalls {
  /** Answers one call of the attempt that holds this lease; never rejects. */
  call(attempt: string, token: number, call: AgentCall): Promise<CallAnswer>;
  /** The attempt has ended: nobody is left to hear an answer. */
  forget(attempt: string): void;
}

const WHY = 'A person or a worker runs it outside of Signalbox, which sees only what it says.';

/** Answers them as they come. */
export function startRemoteCalls(context: EffectContext, permissions: Permissions): RemoteCalls {
  const { state, ports, tell } = context;
  const open = new Map<string, Callbacks>();
  return {
    async call(id, token, call) {
      const attempt = state.attempts.get(id);
      const task = state.tasks.get(attempt?.task ?? '');
      if (!attempt || !task || attempt.endedAt !== undefined || attempt.token !== token)
        return refuseCall('stale_lease', 'The attempt was given up or has ended; nothing more can be said for it.');
      const cause = `attempt/${id}`;
      if (attempt.status === 'starting')
        await tell({ type: 'attempt/run', attempt: id, token, enforcement: { level: 'advisory', why: WHY } }, cause);
      const run = state.runs.get(task.run ?? '');
      const def = run && ports.definitionOf(run.workflow.digest)?.stages.find((stage) => stage.id === task.stage);
      const callbacks = open.get(id) ?? openCallbacks(context, permissions, { task, attempt: id, cause, run, def });
      open.set(id, callbacks);
      return callbacks.answer(call, false);
    },
    forget(attempt) {
      if (open.delete(attempt)) permissions.leave(attempt);
    },
  };
}
