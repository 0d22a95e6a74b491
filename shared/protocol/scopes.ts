import * as z from 'zod';

/** What a principal may do. A worker's or an agent's principal never has `approve` or `configure`. */
export const Scope = z.enum(['observe', 'submit', 'approve', 'configure', 'worker', 'agent']);
export type Scope = z.infer<typeof Scope>;

/** Scopes of the person whose machine this is. */
export const USER_SCOPES: readonly Scope[] = ['observe', 'submit', 'approve', 'configure'];

/** True when a token with these scopes may exist: who does the work never decides about it. */
export function mayCombine(scopes: readonly Scope[]): boolean {
  const works = scopes.includes('worker') || scopes.includes('agent');
  return !works || !(scopes.includes('approve') || scopes.includes('configure'));
}
