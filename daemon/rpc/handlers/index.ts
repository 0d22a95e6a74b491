import type { Handlers } from '../connection.ts';
import { agentHandlers } from './agent.ts';
import { approvalHandlers } from './approval.ts';
import { changesHandlers } from './changes.ts';
import type { Core } from './core.ts';
import { daemonHandlers } from './daemon.ts';
import { mergeHandlers } from './merge.ts';
import { policyHandlers } from './policy.ts';
import { recordHandlers } from './record.ts';
import { runHandlers } from './run.ts';
import { taskHandlers } from './task.ts';
import { triggerHandlers } from './trigger.ts';
import { worktreeHandlers } from './worktree.ts';

/** A handler for every method; a missing one does not compile. */
export function createHandlers(core: Core): Handlers {
  return {
    ...daemonHandlers(core),
    ...runHandlers(core),
    ...changesHandlers(core),
    ...triggerHandlers(core),
    ...taskHandlers(core),
    ...agentHandlers(core),
    ...approvalHandlers(core),
    ...recordHandlers(core),
    ...policyHandlers(core),
    ...mergeHandlers(core),
    ...worktreeHandlers(core),
  } satisfies Handlers;
}
