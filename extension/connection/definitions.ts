import type { Run } from '../../shared/state/run.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import { createListeners } from './listeners.ts';
import type { Link } from './link.ts';

/** The definitions that runs were started with; content-addressed, so each is loaded once. */
export interface Definitions {
  /** The definition of a run, or undefined while it is being loaded. */
  of(run: Run): WorkflowDefinition | undefined;
  onLoaded(listener: () => void): () => void;
}

const RETRY_MS = 2_000;

/** Loads definitions over the connection when they are first asked for. */
export function createDefinitions(link: Pick<Link, 'client'>): Definitions {
  const loaded = new Map<string, WorkflowDefinition>();
  const tried = new Map<string, number>();
  const listeners = createListeners();
  const load = async ({ id, workflow }: Run): Promise<void> => {
    const client = await link.client();
    const { definition } = await client.call('run/get', { run: id });
    loaded.set(workflow.digest, definition);
    listeners.call();
  };
  return {
    of(run) {
      const { digest } = run.workflow;
      const known = loaded.get(digest);
      if (known || Date.now() - (tried.get(digest) ?? 0) < RETRY_MS) return known;
      tried.set(digest, Date.now());
      // Without it the stages that have begun are shown; the next look asks again.
      load(run).catch(() => {});
      return undefined;
    },
    onLoaded: listeners.add,
  };
}
