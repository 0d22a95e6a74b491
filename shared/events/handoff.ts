import type { EventOf } from './envelope.ts';

/** Something that a handoff requires and that is not there, or does not hold. */
export interface MissingItem {
  /** The artifact or the value that it is about. */
  item: string;
  detail: string;
  /** The stage that makes it, where one does. */
  stage?: string;
}

export type HandoffEvent =
  /** The receiving stage has what it needs; `artifacts` are digests by name. */
  | EventOf<
      'handoff.accepted',
      {
        handoff: string;
        from: string[];
        to: string;
        artifacts: Record<string, string>;
        context: Record<string, unknown>;
        acknowledgeMs?: number;
        firstOutputMs?: number;
      }
    >
  /** It is incomplete; `to` is the stage that the run goes back to, empty when it may go back no more. */
  | EventOf<'handoff.returned', { handoff: string; from: string[]; to: string; missing: MissingItem[] }>;
