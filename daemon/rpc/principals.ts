// Tokens of this start of the daemon, in memory only.
// 1. Only the sha256 of a token is kept, and every kept one is compared, in constant time, at each look.
// 2. Who does the work never decides about it: no token joins `worker` or `agent` with `approve` or `configure`.
// 3. Nobody issues a right to decide that he does not have, and nobody but the user is named `user`.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { mayCombine, type Scope, USER_SCOPES } from '../../shared/protocol/scopes.ts';
import type { Principal } from './connection.ts';

/** What a new token shall be good for, and (`by`) the scopes of who asks for it. */
export interface TokenRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly ttlMs: number;
  readonly by?: readonly Scope[];
}

/** The tokens that open a connection. */
export interface Principals {
  /** The token of the person whose machine this is; all of USER_SCOPES, until the daemon stops. */
  readonly userToken: string;
  /** Makes a token; throws SignalboxError `forbidden`, `id_taken` or `too_many`. */
  issue(request: TokenRequest): { token: string; expiresAt: string };
  /** Who a token speaks for at `now` (milliseconds since 1970), or undefined. */
  authenticate(token: string, now: number): Principal | undefined;
}

interface Kept {
  readonly digest: Buffer;
  readonly principal: Principal;
}

const MAX_TOKENS = 1_000;
const USER = 'user';

/** Makes the tokens of one start; `now` in milliseconds since 1970. */
export function createPrincipals({ now }: { now: () => number }): Principals {
  const userToken = makeToken();
  let kept: Kept[] = [{ digest: digestOf(userToken), principal: { name: USER, scopes: [...USER_SCOPES] } }];

  return {
    userToken,
    issue(request) {
      kept = kept.filter(({ principal }) => isCurrent(principal, now()));
      refuseIssue(request, kept.length);
      const token = makeToken();
      const expiresAt = now() + request.ttlMs;
      kept.push({ digest: digestOf(token), principal: { name: request.name, scopes: [...new Set(request.scopes)], expiresAt } });
      return { token, expiresAt: new Date(expiresAt).toISOString() };
    },
    authenticate(token, at) {
      const digest = digestOf(token);
      let found: Principal | undefined;
      // No early exit: how long it takes says nothing about which token it was.
      for (const entry of kept) if (timingSafeEqual(entry.digest, digest)) found = entry.principal;
      return found && isCurrent(found, at) ? found : undefined;
    },
  };
}

function refuseIssue({ name, scopes, by }: TokenRequest, count: number): void {
  if (name === USER)
    throw new SignalboxError({
      code: 'id_taken',
      message: 'The name `user` is kept for the person whose machine this is. Choose another name.',
    });
  if (!mayCombine(scopes)) {
    throw new SignalboxError({
      code: 'forbidden',
      message: 'A worker or an agent never approves or configures. Issue two tokens instead.',
      facts: { scopes },
    });
  }
  const lacking = by ? scopes.filter((scope) => (scope === 'approve' || scope === 'configure') && !by.includes(scope)) : [];
  if (lacking.length > 0)
    throw new SignalboxError({
      code: 'forbidden',
      message: `You cannot issue what you do not have: ${lacking.join(', ')}.`,
      facts: { lacking },
    });
  if (count >= MAX_TOKENS)
    throw new SignalboxError({
      code: 'too_many',
      message: `There are ${MAX_TOKENS} tokens already. Wait until some expire.`,
      facts: { limit: MAX_TOKENS },
    });
}

function isCurrent({ expiresAt }: Principal, now: number): boolean {
  return expiresAt === undefined || now < expiresAt;
}

function makeToken(): string {
  return randomBytes(32).toString('base64url');
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
