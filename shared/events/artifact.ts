import type { EventOf } from './envelope.ts';

export type ArtifactEvent = EventOf<'artifact.recorded', { name: string; digest: string; size: number; mediaType: string }>;
