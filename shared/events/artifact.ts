import type { EventOf } from './envelope.ts';

export type ArtifactEvent =
  | EventOf<'artifact.recorded', { name: string; digest: string; size: number; mediaType: string }>
  /** The value was removed for good; what named it stays, so that the chain still verifies. */
  | EventOf<'artifact.redacted', { digest: string; by: string; reason: string }>
  /** It stays in the store whatever the record still names, until somebody unpins it. */
  | EventOf<'artifact.pinned', { digest: string; by: string; reason: string }>
  | EventOf<'artifact.unpinned', { digest: string; by: string }>;
