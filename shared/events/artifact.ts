import type { EventOf } from './envelope.ts';

export type ArtifactEvent =
  | EventOf<'artifact.recorded', { name: string; digest: string; size: number; mediaType: string }>
  /** The value was removed for good; what named it stays, so that the chain still verifies. */
  | EventOf<'artifact.redacted', { digest: string; by: string; reason: string }>;
