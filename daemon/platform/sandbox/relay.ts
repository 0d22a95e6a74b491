/**
 * The one way out of an attempt's sandbox: an HTTP proxy on a Unix socket, which knows the attempt and asks before it connects.
 *
 * 1. Nothing is connected before `decide` has allowed its host; a refusal is answered with 403 and the reason.
 * 2. What a name leads to is looked up once, and that address is connected to. Loopback and link-local addresses are reached
 *    only as ports that the attempt was given: never the daemon's own, never a cloud's metadata.
 * 3. Connections are bounded, and end with the attempt.
 */
import { lookup } from 'node:dns/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { BlockList, connect, isIP, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

/** Where an attempt wants to connect: `url` as far as the proxy can see it. */
export interface FetchRequest {
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

/** What is said about one such wish. */
export interface FetchVerdict {
  readonly allow: boolean;
  readonly reason: string;
}

/** What the relay answers itself, for its attempt: requests without a host of their own. */
export interface LocalDoor {
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface RelayOptions {
  decide(request: FetchRequest): Promise<FetchVerdict>;
  /** Ports of this machine's loopback that the attempt may reach: its model, its MCP servers. */
  loopbackPorts: readonly number[];
  local?: LocalDoor;
}

export interface Relay {
  readonly socket: string;
  /** Why the bridge could not start the program, as it said; undefined when it could. */
  notStarted(): string | undefined;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 128;
const CONNECT_MS = 30_000;

const NEVER = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  NEVER.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 127],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  NEVER.addSubnet(network, prefix, 'ipv6');

interface Target {
  address: string;
  port: number;
}

/** Opens the relay of one attempt; its socket lies in a folder that only this user can enter. */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-relay-'));
  const socket = join(folder, 's');
  const open = new Set<Socket | Duplex>();
  const keep = <S extends Socket | Duplex>(stream: S): S => {
    open.add(stream);
    stream.once('close', () => open.delete(stream));
    return stream;
  };
  let notStarted: string | undefined;
  const server = createServer((request, response) => {
    const said = /^\/not-started\/([A-Z0-9_]{1,40})$/.exec(request.url ?? '')?.[1];
    const local = options.local !== undefined && request.url?.startsWith('/') === true && said === undefined;
    if (local) return options.local?.request(request, response);
    if (said === undefined) return void passRequest(options, request, response, keep);
    notStarted = said;
    response.end();
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', keep);
  server.on('connect', (request, client, head) => void passTunnel(options, request, { client, head, keep }));
  server.on('upgrade', (request, socket, head) => {
    if (options.local && request.url?.startsWith('/') === true) options.local.upgrade(request, socket, head);
    else socket.destroy();
  });
  server.on('clientError', (_error, client) => client.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  return {
    socket,
    notStarted: () => notStarted,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const stream of open) stream.destroy();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Keep = <S extends Socket | Duplex>(stream: S) => S;

async function passTunnel(
  options: RelayOptions,
  request: IncomingMessage,
  { client, head, keep }: { client: Duplex; head: Buffer; keep: Keep },
): Promise<void> {
  client.on('error', () => client.destroy());
  const place = readAuthority(request.url ?? '');
  const target = place ? await resolveTarget(options, { ...place, url: `https://${place.host}:${place.port}/` }) : REFUSED;
  if ('status' in target) {
    client.end(
      `HTTP/1.1 ${target.status} ${target.status === 403 ? 'Forbidden' : 'Bad Gateway'}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n${target.reason}\n`,
    );
    return;
  }
  const upstream = keep(connect({ host: target.address, port: target.port, timeout: CONNECT_MS }));
  upstream.once('connect', () => {
    upstream.setTimeout(0);
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    upstream.write(head);
    client.pipe(upstream).pipe(client);
  });
  upstream.once('timeout', () => upstream.destroy());
  upstream.once('error', () => client.destroy());
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroy());
}

async function passRequest(options: RelayOptions, request: IncomingMessage, response: ServerResponse, keep: Keep): Promise<void> {
  const url = request.url ?? '';
  const place = readAddress(url);
  const target = place ? await resolveTarget(options, { ...place, url: url.slice(0, 2_000) }) : REFUSED;
  if ('status' in target) {
    response.writeHead(target.status, { 'content-type': 'text/plain', connection: 'close' }).end(`${target.reason}\n`);
    return;
  }
  const { 'proxy-connection': _, 'proxy-authorization': _authorization, ...headers } = request.headers;
  const { pathname, search, host } = new URL(url);
  const upstream = httpRequest({
    host: target.address,
    port: target.port,
    path: `${pathname}${search}`,
    method: request.method ?? 'GET',
    // The host that was decided, whatever the request says.
    headers: { ...headers, host, connection: 'close' },
    agent: false,
  });
  upstream.once('socket', keep);
  upstream.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  upstream.once('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end('The host did not answer.\n');
  });
  request.pipe(upstream);
}

interface Refused {
  status: 403 | 502;
  reason: string;
}

const REFUSED: Refused = { status: 403, reason: 'This is a proxy for http and https: name a host.' };

/** The host as URLs canonicalise it, so that `0x7f.1` is what it is; a final dot would be the same host under another name. */
function readHost(text: string): string | undefined {
  const url = `http://${text}/`;
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '') : '';
  return host === '' ? undefined : host;
}

function readAuthority(text: string): { host: string; port: number } | undefined {
  const [, name = '', port = ''] = /^([^/?#@]+):(\d{1,5})$/.exec(text) ?? [];
  const host = readHost(name);
  return host === undefined || Number(port) < 1 || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

function readAddress(text: string): { host: string; port: number } | undefined {
  if (!text.startsWith('http://') || !URL.canParse(text)) return undefined;
  const { hostname, port } = new URL(text);
  const host = readHost(hostname);
  return host === undefined ? undefined : { host, port: port === '' ? 80 : Number(port) };
}

/** Asks, looks up, and looks again at what was found. */
async function resolveTarget({ decide, loopbackPorts }: RelayOptions, request: FetchRequest): Promise<Target | Refused> {
  const { host, port } = request;
  if (isLoopbackName(host)) {
    if (loopbackPorts.includes(port)) return { address: '127.0.0.1', port };
    return { status: 403, reason: `Port ${port} of this machine was not given to the attempt.` };
  }
  const verdict = await decide(request).catch((error: unknown) => ({ allow: false, reason: `It could not be decided: ${String(error)}` }));
  if (!verdict.allow) return { status: 403, reason: verdict.reason };
  const address = isIP(host)
    ? host
    : await lookup(host).then(
        ({ address: found }) => found,
        () => undefined,
      );
  if (address === undefined) return { status: 502, reason: `${host} has no address.` };
  if (isForbidden(address)) return { status: 403, reason: `${host} leads to ${address}, which is no address beyond this machine.` };
  return { address, port };
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isForbidden(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return NEVER.check(mapped, 'ipv4');
  return NEVER.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
