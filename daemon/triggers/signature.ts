/**
 * Whether a delivery comes from whoever knows the secret. Pure.
 *
 * 1. Signatures are compared in constant time, and one is computed for every delivery, also of unknown hooks.
 * 2. What identifies a delivery is what was signed: the body (GitHub), or the id (Standard Webhooks). A header that nobody signed is
 *    no proof that something is new.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The two ways of signing that are known. */
export type Scheme = 'github' | 'standard';

export interface Delivery {
  /** Names in lower case. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
}

/** The id of the delivery, the same for the same; undefined when it is not signed as it must be. */
export type Signed = { id: string } | undefined;

/** How far the clock of a sender may be off, and how old a delivery may be, in milliseconds. */
export const TOLERANCE_MS = 5 * 60_000;
/** Signatures that one delivery may carry, for secrets that are being replaced. */
const MAX_SIGNATURES = 8;

/** Checks a delivery at `now`, in milliseconds since 1970. */
export function checkSignature(scheme: Scheme, secret: string, delivery: Delivery, now: number): Signed {
  return scheme === 'github' ? checkGithub(secret, delivery) : checkStandard(secret, delivery, now);
}

function checkGithub(secret: string, { headers, body }: Delivery): Signed {
  const expected = createHmac('sha256', secret).update(body).digest();
  const given = /^sha256=([0-9a-f]{64})$/i.exec(headers['x-hub-signature-256'] ?? '')?.[1] ?? '';
  return isSame(expected, Buffer.from(given, 'hex')) ? { id: createHash('sha256').update(body).digest('hex') } : undefined;
}

function checkStandard(secret: string, { headers, body }: Delivery, now: number): Signed {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  const given = (headers['webhook-signature'] ?? '').split(' ').slice(0, MAX_SIGNATURES);
  let same = false;
  // No early exit: how long it takes says nothing about which one it was.
  for (const one of given) if (one.startsWith('v1,') && isSame(expected, Buffer.from(one.slice(3), 'base64'))) same = true;
  const fresh = /^\d{1,12}$/.test(timestamp) && Math.abs(now - Number(timestamp) * 1_000) <= TOLERANCE_MS;
  return same && fresh && /^[\x21-\x7e]{1,200}$/.test(id) ? { id } : undefined;
}

function isSame(expected: Buffer, given: Buffer): boolean {
  const comparable = given.length === expected.length ? given : Buffer.alloc(expected.length);
  return timingSafeEqual(expected, comparable) && given.length === expected.length;
}
