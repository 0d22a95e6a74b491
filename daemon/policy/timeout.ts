// What rules say about the timeout of a task that is submitted.
import type { Obligations } from '../../shared/state/action.ts';
import type { Rule } from './rules.ts';

/** The strictest bounds; the default of a repository is only one more bound, since it never loosens. */
export function collectTimeout(matched: readonly Rule[]): Pick<Obligations, 'timeout'> {
  const bounds = matched.filter((rule) => rule.timeout !== undefined);
  if (bounds.length === 0) return {};
  const usual = bounds.flatMap(({ layer, timeout }) => (layer === 'host' ? (timeout?.default ?? []) : []));
  const most = bounds.flatMap(({ layer, timeout }) => [...(layer === 'host' ? [] : [timeout?.default ?? []]), timeout?.max ?? []].flat());
  return {
    timeout: {
      ...(usual.length > 0 ? { defaultMs: Math.min(...usual) } : {}),
      ...(most.length > 0 ? { maxMs: Math.min(...most) } : {}),
    },
  };
}
