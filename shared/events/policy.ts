import type { Decision } from '../state/action.ts';
import type { EventOf } from './envelope.ts';

export type PolicyEvent =
  /** The action itself is an artifact (`envelope.artifact`), so that it can be explained and replayed later. */
  | EventOf<'policy.decided', { key: string; kind: string; summary: string; digest: string; decision: Decision }>
  | EventOf<'policy.loaded', { files: { file: string; origin: string; digest: string; rules: number; trusted: boolean }[] }>;
