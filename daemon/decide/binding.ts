import type { Action } from '../../shared/state/action.ts';

/**
 * What an approval binds to: the whole action but the sentence that describes it, with paths inside the worktree relative to
 * it, so that a later attempt, which has another worktree, finds the grant for the same action.
 */
export function bindingOf(action: Action): unknown {
  const { summary: _, ...exact } = action;
  // What was asked for is bound as it always was.
  if (exact.kind !== 'agent.edit' || exact.unasked) return withoutRoot(exact);
  const { unasked: __, ...edit } = exact;
  return withoutRoot(edit);
}

function withoutRoot(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRoot);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const inside = 'inside' in value && value.inside === true && 'relative' in value;
  return Object.fromEntries(entries.filter(([name]) => !(inside && name === 'path')).map(([name, part]) => [name, withoutRoot(part)]));
}
