/**
 * Deliveries of webhooks, from what arrived at the door to a firing.
 *
 * 1. Whoever does not know the secret learns nothing: an unknown hook, a paused one and a wrong signature get the same answer.
 * 2. The answer comes after the firing is on disk; the same delivery again gets the same run.
 */
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { Happened, Heard } from './listener.ts';
import type { FoundSecret } from './secrets.ts';
import { checkSignature, type Delivery } from './signature.ts';

/** What the sender is told. */
export interface HookAnswer {
  status: number;
  body: Readonly<Record<string, unknown>>;
}

export interface HookParts {
  find(trigger: string): RegisteredTrigger | undefined;
  secretOf(trigger: RegisteredTrigger): Promise<FoundSecret>;
  hear(trigger: RegisteredTrigger, happened: Happened): Promise<Heard>;
  problem(trigger: string, message: string): void;
  now(): number;
}

const STRANGER: HookAnswer = { status: 401, body: { error: 'Not accepted.' } };
/** In place of a secret that is not there, so that the work is the same. */
const NO_SECRET = 'there is no such hook';
const MAX_EVENT = 100;

/** Takes a delivery for the hook `name`, which is the id of its trigger. */
export async function receiveDelivery(parts: HookParts, name: string, delivery: Delivery): Promise<HookAnswer> {
  const trigger = parts.find(name);
  const definition = trigger?.definition.kind === 'webhook' ? trigger.definition : undefined;
  const secret = trigger && definition ? await parts.secretOf(trigger) : undefined;
  if (trigger && secret && !secret.ok) parts.problem(trigger.id, secret.problem);
  const signed = checkSignature(definition?.signature ?? 'github', secret?.ok ? secret.secret : NO_SECRET, delivery, parts.now());
  if (!trigger || !definition || !secret?.ok || !signed) return STRANGER;
  const event = (delivery.headers['x-github-event'] ?? '').slice(0, MAX_EVENT);
  // GitHub only wants to know whether somebody is there.
  if (definition.signature === 'github' && event === 'ping') return { status: 202, body: { run: null, reason: 'ping' } };
  const body = readBody(delivery.body);
  const summary = `a webhook came${event === '' ? '' : `: ${event}`}`;
  const heard = await parts.hear(trigger, { firing: `hook:${signed.id}`, facts: { id: signed.id, event, body }, summary, keep: true });
  return answerFor(heard);
}

/** JSON as what it is, anything else as its text. */
function readBody(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function answerFor(heard: Heard): HookAnswer {
  switch (heard.kind) {
    case 'fired':
      return { status: 202, body: { run: heard.run, existing: heard.existing } };
    case 'passed':
      return { status: 202, body: { run: null, reason: heard.code } };
    case 'unwanted':
      return { status: 202, body: { run: null, reason: 'when' } };
    case 'refused':
      return { status: heard.code === 'inputs' ? 422 : 503, body: { error: heard.message, code: heard.code } };
    default:
      return heard satisfies never;
  }
}
