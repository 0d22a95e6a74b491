/** What an agent reaches without a question: the hosts of its models, and models on this machine's loopback. */
import type { FetchRequest, FetchVerdict } from '../../platform/sandbox/relay.ts';

const URLS = /https?:\/\/(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?/g;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

export interface ModelPlaces {
  hosts: ReadonlySet<string>;
  loopbackPorts: number[];
}

/** The hosts of a profile, and those of the addresses that the person's variables and the profile's files name. */
export function listModelPlaces(hosts: readonly string[], texts: readonly string[]): ModelPlaces {
  const found = new Set(hosts);
  const ports = new Set<number>();
  for (const text of texts) {
    for (const [whole, host = '', port] of text.matchAll(URLS)) {
      if (!LOOPBACK.test(host)) found.add(host.toLowerCase());
      else ports.add(port === undefined ? (whole.startsWith('https') ? 443 : 80) : Number(port));
    }
  }
  return { hosts: found, loopbackPorts: [...ports] };
}

/** Lets the hosts of models pass; asks about all others. */
export function passModels({ hosts }: ModelPlaces, ask: (request: FetchRequest) => Promise<FetchVerdict>): typeof ask {
  return (request) => (hosts.has(request.host.toLowerCase()) ? Promise.resolve({ allow: true, reason: '' }) : ask(request));
}
