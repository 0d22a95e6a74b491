// The one door of the daemon that is no WebSocket: POST /hooks/NAME.
// 1. It is for programs only: no Origin, and the Host must be this daemon's own address, as for a WebSocket.
// 2. Everything is bounded before it is looked at: the rate, what is under way, the body and its time.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuseStrange } from './admission.ts';

/** What becomes of a delivery: an HTTP status and a JSON document. */
export interface HookResult {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Takes deliveries; `headers` have names in lower case, of a repeated one the first. */
export type ReceiveHook = (
  name: string,
  delivery: { headers: Readonly<Record<string, string | undefined>>; body: Buffer },
) => Promise<HookResult>;

/** Largest body, in bytes. */
export const MAX_HOOK_BYTES = 1024 * 1024;
/** Deliveries at once, and how many may come in a burst; one more each second. */
const MAX_UNDER_WAY = 16;
const BURST = 60;
const PATH = /^\/hooks\/([A-Za-z0-9][A-Za-z0-9_.-]{0,149})$/;

/** Answers a request to a hook; says whether it was one. */
export function createHookDoor(receive: ReceiveHook, { port, now }: { port(): number; now(): number }) {
  let underWay = 0;
  let tokens = BURST;
  let last = now();
  const take = (): boolean => {
    const at = now();
    tokens = Math.min(BURST, tokens + Math.max(0, at - last) / 1_000);
    last = at;
    if (tokens < 1 || underWay >= MAX_UNDER_WAY) return false;
    tokens -= 1;
    return true;
  };
  const answer = async (name: string, request: IncomingMessage): Promise<HookResult> => {
    const strange = refuseStrange(request, port());
    if (strange) return { status: strange.status, body: { error: strange.text } };
    if (!take()) return { status: 429, body: { error: 'Too many deliveries. Try again later.' } };
    underWay += 1;
    try {
      const body = await readBody(request);
      if (!body) return { status: 413, body: { error: `A delivery has at most ${MAX_HOOK_BYTES} bytes.` } };
      return await receive(name, { headers: firstOf(request.rawHeaders), body });
    } finally {
      underWay -= 1;
    }
  };
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const name = request.method === 'POST' ? PATH.exec(request.url ?? '')?.[1] : undefined;
    if (name === undefined) return false;
    answer(name, request).then(
      (result) => say(response, result),
      () => say(response, { status: 500, body: { error: 'The daemon failed at this delivery. Its log has the details.' } }),
    );
    return true;
  };
}

function firstOf(rawHeaders: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers[rawHeaders[i]?.toLowerCase() ?? ''] ??= rawHeaders[i + 1] ?? '';
  return headers;
}

/** The body, or undefined as soon as it is too large. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= MAX_HOOK_BYTES) return;
      // Not destroyed: the answer goes out on the same socket.
      request.removeAllListeners('data').pause();
      resolve(undefined);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => reject(new Error('The sender went away')));
  });
}

function say(response: ServerResponse, { status, body }: HookResult): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    Connection: 'close',
    ...(status === 429 ? { 'Retry-After': '10' } : {}),
  });
  response.end(`${JSON.stringify(body)}\n`, () => response.req.destroy());
}
