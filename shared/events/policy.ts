import type { Action, Decision } from '../state/action.ts';
import type { DecisionContext } from '../state/decision-context.ts';
import type { EventOf } from './envelope.ts';

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
  | EventOf<'policy.loaded', { files: { file: string; origin: string; digest: string; rules: number; trusted: boolean }[] }>;
