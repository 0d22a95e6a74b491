import type { Action, Decision } from '../state/action.ts';
import type { DecisionContext } from '../state/decision-context.ts';
import type { EventOf } from './envelope.ts';

/** A policy file in force; `artifact` is its text. */
export interface LoadedPolicyFile {
  file: string;
  origin: string;
  /** Hash of the text, whose first 12 digits are the version that decisions name. */
  digest: string;
  rules: number;
  trusted: boolean;
  artifact: string;
}

export type PolicyEvent =
  /** The action itself is an artifact (`envelope.artifact`), or stands in `action` when it is small, so that it can be explained and replayed later. */
  | EventOf<
      'policy.decided',
      {
        key: string;
        kind: string;
        summary: string;
        digest: string;
        decision: Decision;
        /** How things stood, so that it can be decided again later; older records have none. */
        context?: DecisionContext;
        action?: Action;
      }
    >
  /** What is in force from now on: of the host, or what a repository adds. */
  | EventOf<'policy.loaded', { files: LoadedPolicyFile[] }>;
