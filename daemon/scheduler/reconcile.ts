import type { State } from '../../shared/state/evolve.ts';
import type { Command } from '../commands.ts';

/**
 * What a daemon that has just started must record before it does anything else: every attempt that was under way is
 * interrupted (its processes were ended by their tag before this), and remote workers have to attach again.
 */
export function reconcile(state: State): Command[] {
  const attempts = [...state.active].flatMap((id): Command[] => {
    const attempt = state.attempts.get(id);
    if (!attempt) return [];
    const message = 'The daemon stopped while it was under way.';
    return [
      {
        type: 'attempt/end',
        attempt: id,
        token: attempt.token,
        ending: { status: 'interrupted', code: 'interrupted', message, values: {} },
      },
    ];
  });
  const remote = [...state.agents.values()]
    .filter((a) => a.adapter === 'remote' && a.status !== 'offline')
    .map((a): Command => ({ type: 'agent/leave', agent: a.id, reason: 'The daemon restarted.' }));
  return [...attempts, ...remote];
}
