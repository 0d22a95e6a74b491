/**
 * The metering proxy of one attempt: the agent asks its model there, the daemon passes it on to the real host, and counts from the
 * answers what was used, also where the agent says nothing of it.
 *
 * 1. It leads to one address only, by an unguessable path, and ends with the attempt.
 * 2. Keys and texts pass through and are kept nowhere; the encryption to the real host is the daemon's.
 * 3. What streams keeps streaming: it is listened to, not held.
 */
import { randomBytes } from 'node:crypto';
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import type { LocalDoor } from '../../platform/sandbox/relay.ts';
import type { AttemptEvent } from '../agent.ts';
import { readUsage } from './metered-usage.ts';
import type { PriceTable } from './prices.ts';
import type { Profile } from './profiles.ts';
import { priced, type TurnUsage } from './usage.ts';

export interface Meter extends Pick<LocalDoor, 'request'> {
  /** What its paths begin with. */
  readonly path: string;
  close(): void;
}

interface MeterParts {
  meter: NonNullable<Profile['meter']>;
  prices: PriceTable | undefined;
  emit(event: AttemptEvent): void;
}

/** Headers that belong to one connection and not to the request. */
const OWN_HEADERS = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'transfer-encoding',
  'upgrade',
  'te',
]);

/** Opens the meter of one attempt. */
export function openMeter({ meter, prices, emit }: MeterParts): Meter {
  const path = `/model/${randomBytes(18).toString('base64url')}`;
  const to = new URL(meter.to);
  const open = new Set<() => void>();
  let closed = false;
  const refuse = (response: ServerResponse, status: number, why: string): void => {
    if (response.headersSent) response.destroy();
    else response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${why}\n`);
  };
  return {
    path,
    request(request, response) {
      if (closed || request.url?.startsWith(`${path}/`) !== true) return refuse(response, 404, 'There is no such path.');
      const upstream = (to.protocol === 'https:' ? httpsRequest : httpRequest)({
        host: to.hostname.replace(/^\[|\]$/g, ''),
        ...(to.port === '' ? {} : { port: Number(to.port) }),
        path: `${to.pathname.replace(/\/$/, '')}${request.url.slice(path.length)}`,
        method: request.method ?? 'GET',
        headers: { ...keepHeaders(request.headers), host: to.host, 'accept-encoding': 'identity' },
        agent: false,
      });
      let tellUse = (): void => undefined;
      const end = (): void => {
        // What was said until now was used; after the end of the attempt nobody would hear it.
        tellUse();
        upstream.destroy();
        response.destroy();
      };
      open.add(end);
      response.once('close', () => {
        open.delete(end);
        upstream.destroy();
      });
      upstream.once('error', (error) => refuse(response, 502, `The model's host did not answer: ${error.message}`));
      upstream.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, keepHeaders(answer.headers));
        tellUse = count(answer, (used) => emit({ type: 'used', ...sayUse(used, prices) }));
        answer.on('error', end);
        answer.pipe(response);
      });
      request.on('error', end);
      request.pipe(upstream);
    },
    close() {
      closed = true;
      for (const end of open) end();
    },
  };
}

function keepHeaders(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined && !OWN_HEADERS.has(entry[0])),
  );
}

/** Listens to an answer; what is returned tells at once what it used so far, and ends the listening. */
function count(answer: IncomingMessage, tell: (used: TurnUsage) => void): () => void {
  const decoder = new StringDecoder('utf8');
  const reader = readUsage(answer.headers['content-type'] ?? '');
  let told = false;
  const end = (): void => {
    if (told) return;
    told = true;
    const used = reader.end();
    if (used) tell(used);
  };
  answer.on('data', (chunk: Buffer) => told || reader.take(decoder.write(chunk)));
  answer.once('close', end);
  return end;
}

function sayUse(usage: TurnUsage, prices: PriceTable | undefined): { tokens: number; cost: number; source: string } {
  const { tokens, cost, source } = priced(usage, { cost: 0, told: false, prices });
  return { tokens, cost, source: source === 'agent' ? 'metered' : `metered, ${source}` };
}
