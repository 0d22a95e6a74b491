/** Work for agents whose workers connect over the RPC. Nothing is kept here but who is connected. */
import type { Assignment } from '../../../shared/protocol/views.ts';
import type { Notifications } from '../../../shared/protocol/methods.ts';

export interface Worker {
  notify<N extends 'worker/assign' | 'worker/cancel'>(name: N, params: Notifications[N]): void;
}

export interface RemoteAgents {
  /** False when another worker already works for that agent. */
  attach(agent: string, worker: Worker): boolean;
  detach(agent: string, worker: Worker): boolean;
  isAttached(agent: string, worker: Worker): boolean;
  assign(agent: string, assignment: Assignment): boolean;
  cancel(agent: string, attempt: string, reason: string): void;
}

/** Makes the list of connected workers, one for each agent. */
export function createRemoteAgents(): RemoteAgents {
  const workers = new Map<string, Worker>();
  return {
    attach(agent, worker) {
      const other = workers.get(agent);
      if (other && other !== worker) return false;
      workers.set(agent, worker);
      return true;
    },
    detach: (agent, worker) => workers.get(agent) === worker && workers.delete(agent),
    isAttached: (agent, worker) => workers.get(agent) === worker,
    assign(agent, assignment) {
      const worker = workers.get(agent);
      worker?.notify('worker/assign', { assignments: [assignment] });
      return worker !== undefined;
    },
    cancel: (agent, attempt, reason) => workers.get(agent)?.notify('worker/cancel', { attempts: [{ attempt, reason }] }),
  };
}
