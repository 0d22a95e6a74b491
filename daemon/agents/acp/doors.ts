/** What an attempt reaches of the daemon itself, in its sandbox or on a loopback port: the tools with which its agent calls back, and its meter. */
import type { McpServer } from '@agentclientprotocol/sdk';
import { MCP_SERVER } from '../../../shared/protocol/agent-tools.ts';
import { type Listening, listenOnLoopback } from '../../platform/mcp/door.ts';
import type { LocalDoor } from '../../platform/sandbox/relay.ts';
import { doorPort, type Sandbox, type Wrapped } from '../../platform/sandbox/sandbox.ts';
import type { OwnCalls } from './callbacks.ts';
import type { Meter } from './meter.ts';
import type { Profile } from './profiles.ts';

/** Both behind one address; undefined when there is neither. */
export function joinDoors(calls: OwnCalls | undefined, meter: Meter | undefined): LocalDoor | undefined {
  if (!calls && !meter) return undefined;
  return {
    request(request, response) {
      if (meter && request.url?.startsWith('/model/') === true) meter.request(request, response);
      else if (calls) calls.door.request(request, response);
      else response.writeHead(404).end();
    },
    upgrade(request, socket, head) {
      if (calls) calls.door.upgrade(request, socket, head);
      else socket.destroy();
    },
  };
}

/** The port at which the attempt finds it, known before its agent starts. */
export async function placeDoors(local: LocalDoor, around: Sandbox, loopbackPorts: readonly number[]): Promise<Listening> {
  if (around.enforcement.level === 'enforced') return { port: doorPort(loopbackPorts), close: () => undefined };
  return listenOnLoopback(local);
}

/** The variables that lead an agent to its meter instead of its models. */
export function pointToMeter({ meter: said }: Profile, meter: Meter | undefined, place: Listening | undefined): Record<string, string> {
  if (!said || !meter || !place) return {};
  const url = `http://127.0.0.1:${place.port}${meter.path}`;
  return Object.fromEntries(Object.entries(said.env).map(([name, value]) => [name, value.replaceAll('{meter}', url)]));
}

/** What an agent is told of its door: over HTTP where it can, else as a program that joins its pipes with it. */
export type Entry = (http: boolean) => McpServer;

/** Makes the entry for `session/new`. */
export function describeEntry({ door, bridgePath }: OwnCalls, { local }: Wrapped, { port }: Listening): Entry {
  const [command, ...args] = local?.pipe ?? [process.execPath, bridgePath, '--mcp', String(port)];
  const electron = process.versions['electron'] === undefined ? [] : [{ name: 'ELECTRON_RUN_AS_NODE', value: '1' }];
  return (http) => {
    if (!http) return { name: MCP_SERVER, command, args, env: [{ name: 'SIGNALBOX_MCP_TOKEN', value: door.token }, ...electron] };
    const headers = [{ name: 'Authorization', value: `Bearer ${door.token}` }];
    return { type: 'http', name: MCP_SERVER, url: `http://127.0.0.1:${port}/mcp`, headers };
  };
}
