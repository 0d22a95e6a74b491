import type { ArtifactEvent } from '../events/artifact.ts';
import type { Event } from '../events/envelope.ts';
import type { State } from './evolve.ts';
import type { RunArtifact } from './run.ts';

/** Who wants an artifact kept, and why, by digest. */
export type PinTable = Map<string, { by: string; reason: string; at: string }>;

/** Folds one event about artifacts: the newest of each name in a run, and what is pinned. */
export function evolveArtifacts(state: State, event: Event & ArtifactEvent, at: string): void {
  switch (event.type) {
    case 'artifact.recorded': {
      if (event.run === undefined) return;
      const { name, digest, size, mediaType } = event.data;
      const ofRun = state.artifacts.get(event.run) ?? new Map<string, RunArtifact>();
      ofRun.set(name, { digest, size, mediaType, stage: event.stage ?? '' });
      state.artifacts.set(event.run, ofRun);
      return;
    }
    case 'artifact.redacted':
      return;
    case 'artifact.pinned': {
      const { digest, by, reason } = event.data;
      state.pins.set(digest, { by, reason, at });
      return;
    }
    case 'artifact.unpinned':
      state.pins.delete(event.data.digest);
      return;
    default:
      event satisfies never;
  }
}
