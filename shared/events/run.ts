import type { Answering } from '../state/run.ts';
import type { EventOf } from './envelope.ts';

export type RunEvent =
  | EventOf<
      'run.submitted',
      {
        workflow: { name: string; version: number; digest: string };
        inputs: Record<string, unknown>;
        /** The commit that the run starts from; absent without a repository. */
        base?: string;
        /** Git directory, common directory and branch, as found when the run was submitted. */
        gitDir?: string;
        commonDir?: string;
        head?: string;
        /** Branch that a granted merge moves; absent: the run leaves its own branch. */
        into?: string;
        answering?: Answering;
      }
    >
  | EventOf<'run.started', Record<string, never>>
  | EventOf<'run.waiting', { approvals: string[] }>
  | EventOf<'run.continued', Record<string, never>>
  | EventOf<'run.cancel_requested', { reason: string }>
  | EventOf<'run.succeeded', { summary: string }>
  | EventOf<'run.failed', { code: string; summary: string }>
  | EventOf<'run.canceled', { summary: string }>;
