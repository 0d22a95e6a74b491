import type { Enforcement } from '../../shared/state/agent.ts';
import type { Sandbox } from '../platform/sandbox/sandbox.ts';

/** Starts programs as they are, with all rights of the daemon's user; every attempt says so, with the reason. */
export function withoutSandbox(why: string): Sandbox {
  const enforcement: Enforcement = { level: 'advisory', why };
  const wrap: Sandbox['wrap'] = ({ argv, env }) =>
    Promise.resolve({ argv, env, enforcement, notStarted: () => undefined, close: () => Promise.resolve() });
  return { enforcement, wrap };
}
