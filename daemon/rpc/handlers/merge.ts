import type { Handlers } from '../connection.ts';
import { readRun } from './archived.ts';
import { found, originOf, type Core } from './core.ts';

/** Merges in their line, and what becomes of those that conflict. */
export function mergeHandlers(core: Core): Pick<Handlers, 'merge/list' | 'merge/resolve'> {
  return {
    'merge/list': ({ repo, limit }) => ({
      merges: core
        .listMerges()
        .filter((merge) => repo === undefined || merge.repo === repo)
        .slice(0, limit),
    }),
    async 'merge/resolve'({ run, ...request }, connection) {
      const document = found(await readRun(core, run), `run ${run}`);
      return core.resolveConflicts({ document, ...request }, originOf(connection));
    },
  };
}
