import type { RunOrigin } from '../state/origin.ts';
import type { Answering, Continued, Run } from '../state/run.ts';
import type { StartedBy } from '../state/trigger.ts';
import type { EventOf } from './envelope.ts';

export type RunEvent =
  | EventOf<
      'run.submitted',
      {
        workflow: { name: string; version: number; digest: string; source?: string };
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
        /** The stage of another run that it is the work of. */
        parent?: { run: string; stage: string };
        /** Absent: somebody started it by hand. */
        startedBy?: StartedBy;
        continues?: Continued;
        /** It goes on from another run; what had ended there is inherited, and how often that had gone back counts. */
        origin?: RunOrigin;
      } & Pick<Run, 'turns' | 'returns' | 'earlier'>
    >
  | EventOf<'run.started', Record<string, never>>
  | EventOf<'run.waiting', { approvals: string[] }>
  | EventOf<'run.continued', Record<string, never>>
  | EventOf<'run.paused', { by: string; reason: string }>
  | EventOf<'run.resumed', { by: string }>
  /**
   * Goes back to a stage: it and what depends on it (`stages`) are done again. `by` is `workflow`, or who asked for it; `told` are the
   * stages that get the feedback, where that is not `to` alone (the branches of a stage that only waits for them).
   */
  | EventOf<'run.returned', { from: string; to: string; stages: string[]; code: string; feedback: string; by: string; told?: string[] }>
  /** Stages were added; the run goes on by the definition with this digest. */
  | EventOf<'run.extended', { digest: string; added: string[]; by: string }>
  | EventOf<'run.cancel_requested', { reason: string }>
  | EventOf<'run.succeeded', { summary: string }>
  | EventOf<'run.failed', { code: string; summary: string }>
  | EventOf<'run.canceled', { summary: string }>;
