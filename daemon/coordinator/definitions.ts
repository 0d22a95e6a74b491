import { WorkflowDefinition } from '../../shared/state/workflow.ts';

export interface Definitions {
  /** The definition, if it is in memory; those of runs that have not ended always are. */
  get(digest: string): WorkflowDefinition | undefined;
  /** The definition, read from the store when it is not in memory. */
  load(digest: string): Promise<WorkflowDefinition>;
  keep(definition: WorkflowDefinition): Promise<string>;
}

interface Store {
  putArtifact(content: string): Promise<{ digest: string }>;
  readText(digest: string): Promise<string>;
}

/** Definitions by the digest of their JSON; a run keeps the one that it started with. */
export function createDefinitions(store: Store): Definitions {
  const known = new Map<string, WorkflowDefinition>();
  return {
    get: (digest) => known.get(digest),
    async load(digest) {
      const definition = known.get(digest) ?? WorkflowDefinition.parse(JSON.parse(await store.readText(digest)));
      known.set(digest, definition);
      return definition;
    },
    async keep(definition) {
      const { digest } = await store.putArtifact(JSON.stringify(definition));
      known.set(digest, definition);
      return digest;
    },
  };
}
