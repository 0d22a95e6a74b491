// What tests and benches use to talk to a daemon: the connection as one object.
import type { Client } from '../../shared/client/client.ts';
import { type ConnectOptions, openConnection } from '../../shared/client/connect.ts';
import type { Endpoint } from '../../shared/protocol/endpoint.ts';
import type { HelloResult } from '../../shared/protocol/views.ts';

/** A client that has said hello; `ended` resolves with a sentence when the connection is over, and never rejects. */
export type Connected = Client & { readonly hello: HelloResult; readonly ended: Promise<string> };

/** Connects and says hello; rejects as `openConnection` does. */
export async function connectTo(endpoint: Pick<Endpoint, 'host' | 'port' | 'token'>, options: ConnectOptions): Promise<Connected> {
  const { client, hello, ended } = await openConnection(endpoint, { timeoutMs: 10_000, ...options });
  return { ...client, hello, ended };
}
