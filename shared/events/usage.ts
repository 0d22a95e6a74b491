import type { EventOf } from './envelope.ts';

export type UsageEvent =
  /** What an attempt used since it was last told; `source` is who counted it. */
  EventOf<'usage.reported', { tokens: number; cost: number; source: string }>;
