// Who may open a WebSocket, from the headers alone. Pure.
// 1. A request with an Origin comes from a web page and is refused, whatever else it carries.
// 2. The Host must be this daemon's own address: a name that was rebound to loopback is refused.
// 3. The token is looked at last, so a web page learns nothing about it.
import type { Principal } from './connection.ts';

/** The part of an HTTP request that is looked at; `rawHeaders` as node gives it: names and values in turn. */
export interface UpgradeRequest {
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
}

/** What a refused client is told: an HTTP status and a sentence. */
export interface HttpRefusal {
  readonly kind: 'refused';
  readonly status: 401 | 403 | 404 | 503;
  readonly text: string;
}

/** How admission knows this daemon. */
export interface Door {
  readonly port: number;
  readonly full: boolean;
  authenticate(token: string): Principal | undefined;
}

/** Decides about an upgrade request. */
export function admit(request: UpgradeRequest, door: Door): HttpRefusal | { kind: 'admitted'; principal: Principal } {
  const strange = refuseStrange(request, door.port);
  if (strange) return strange;
  if (request.url !== '/') return refuse(404, 'There is nothing here. Open the WebSocket at /.');
  const [authorization = '', ...moreAuthorizations] = valuesOf(request, 'authorization');
  const token = moreAuthorizations.length === 0 ? /^Bearer ([\w-]{1,200})$/i.exec(authorization)?.[1] : undefined;
  const principal = token === undefined ? undefined : door.authenticate(token);
  if (!principal)
    return refuse(401, 'The token is missing or not one of this daemon. Read the endpoint file again; it changes at each start.');
  if (door.full) return refuse(503, 'The daemon has as many connections as it takes. Close one, or try again later.');
  return { kind: 'admitted', principal };
}

/** Why a request is none of a program that means this daemon; undefined when it may be. */
export function refuseStrange(request: UpgradeRequest, port: number): HttpRefusal | undefined {
  if (valuesOf(request, 'origin').length > 0 || valuesOf(request, 'sec-websocket-origin').length > 0) {
    return refuse(403, 'The daemon does not talk to web pages: the request carries an Origin.');
  }
  const [host, ...moreHosts] = valuesOf(request, 'host');
  const allowed = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
  if (host === undefined || moreHosts.length > 0 || !allowed.includes(host.toLowerCase())) {
    return refuse(403, 'The Host of the request is not this daemon. Use the address of the endpoint file.');
  }
  return undefined;
}

function refuse(status: HttpRefusal['status'], text: string): HttpRefusal {
  return { kind: 'refused', status, text };
}

/** All values of a header: node's own table keeps only the first of some that come twice. */
function valuesOf({ rawHeaders }: UpgradeRequest, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? '');
  return values;
}
