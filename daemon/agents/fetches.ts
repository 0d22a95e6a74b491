// What an attempt in a sandbox wants to reach beyond this machine, as actions for the policy.
import type { Action } from '../../shared/state/action.ts';
import type { FetchRequest, FetchVerdict } from '../platform/sandbox/relay.ts';
import type { AttemptEvent, AttemptSpec, Permission } from './agent.ts';

/** Hosts that one attempt may want; each becomes a decision on the record. */
const MAX_HOSTS = 200;

/** Puts each host that the program wants to reach to the policy, once for the attempt. */
export function askForHosts(spec: AttemptSpec, emit: (event: AttemptEvent) => void): (request: FetchRequest) => Promise<FetchVerdict> {
  const verdicts = new Map<string, Promise<FetchVerdict>>();
  return ({ host, port }) => {
    const place = `${host}:${port}`;
    if (host.length > 253 || (verdicts.size >= MAX_HOSTS && !verdicts.has(place)))
      return Promise.resolve({ allow: false, reason: `An attempt may reach at most ${MAX_HOSTS} hosts.` });
    const known =
      verdicts.get(place) ??
      new Promise((resolve) => {
        const answer = (permission: Permission): void =>
          resolve(permission.allowed ? { allow: true, reason: '' } : { allow: false, reason: permission.reason });
        emit({ type: 'wants', wanted: { key: `fetch ${place}`.slice(0, 200), action: fetchAction(spec, host, port) }, answer });
      });
    verdicts.set(place, known);
    return known;
  };
}

function fetchAction({ agent, run, stage, task, repo }: AttemptSpec, host: string, port: number): Action {
  const url = `${port === 80 ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}${port === 80 || port === 443 ? '' : `:${port}`}/`;
  const about = { agent, run, stage, task, repo: repo?.path ?? '', risk: 'medium' as const };
  return { kind: 'agent.fetch', summary: `Connect to ${host}, port ${port}`, ...about, urls: [url], hosts: [host] };
}
