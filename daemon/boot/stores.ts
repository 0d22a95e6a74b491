import { openArchive, type ArchiveStore } from '../store/archive.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import { openArtifactStore } from '../store/artifacts.ts';
import { openSpoolStore, type SpoolStore } from '../store/spools.ts';

export interface Stores {
  archive: ArchiveStore;
  artifacts: ArtifactStore;
  spools: SpoolStore;
}

/** Opens what lies beside the journal: the archive, artifacts, and the output of attempts. */
export async function openStores(home: string): Promise<Stores> {
  return { archive: await openArchive(home), artifacts: await openArtifactStore(home), spools: await openSpoolStore(home) };
}
