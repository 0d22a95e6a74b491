import type { ArtifactStore } from '../store/artifacts.ts';
import { openArtifactStore } from '../store/artifacts.ts';
import { openSpoolStore, type SpoolStore } from '../store/spools.ts';

export interface Stores {
  artifacts: ArtifactStore;
  spools: SpoolStore;
}

/** Opens what lies beside the journal: artifacts and the output of attempts. */
export async function openStores(home: string): Promise<Stores> {
  return { artifacts: await openArtifactStore(home), spools: await openSpoolStore(home) };
}
