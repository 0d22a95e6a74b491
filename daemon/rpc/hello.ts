import type { ValidParamsOf } from '../../shared/protocol/methods.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { commonVersion, PROTOCOL } from '../../shared/protocol/version.ts';
import type { HelloResult } from '../../shared/protocol/views.ts';
import type { Connection } from './connection.ts';

/** The highest version of the wire in common with a client; throws SignalboxError `protocol_mismatch` with both ranges. */
export function agreeOnProtocol({ protocol, client }: ValidParamsOf<'daemon/hello'>): number {
  const version = commonVersion(PROTOCOL, protocol);
  if (version !== undefined) return version;
  throw new SignalboxError({
    code: 'protocol_mismatch',
    message: `${client.name} speaks protocol ${protocol.min} to ${protocol.max}, the daemon ${PROTOCOL.min} to ${PROTOCOL.max}. Restart the older one: \`signalbox down\`, then \`signalbox up\`.`,
    facts: { daemon: { ...PROTOCOL }, client: { ...protocol } },
  });
}

/** The answer to hello, for the handler of daemon/hello: what this daemon is, and who the connection speaks for. */
export function answerHello(daemon: Pick<HelloResult, 'version' | 'epoch' | 'pid'>, { protocol, principal }: Connection): HelloResult {
  const { version, epoch, pid } = daemon;
  return { protocol, version, epoch, pid, principal: principal.name, scopes: [...principal.scopes] };
}
