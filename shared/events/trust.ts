import type { EventOf } from './envelope.ts';

export type TrustEvent =
  | EventOf<'trust.granted', { digest: string; files: string[]; by: string }>
  | EventOf<'trust.revoked', { by: string }>;
