import type { Handlers } from '../connection.ts';
import { originOf, type Core } from './core.ts';

type RecordHandlers = Pick<
  Handlers,
  | 'artifact/read'
  | 'artifact/redact'
  | 'artifact/pin'
  | 'artifact/pins'
  | 'store/gc'
  | 'spool/read'
  | 'events/read'
  | 'events/subscribe'
  | 'events/unsubscribe'
>;

export function recordHandlers(core: Core): RecordHandlers {
  const mediaTypes = (digest: string): string => {
    for (const artifacts of core.state.artifacts.values()) for (const a of artifacts.values()) if (a.digest === digest) return a.mediaType;
    return 'application/json';
  };
  return {
    'artifact/read': async ({ digest, offset }) => ({ ...(await core.readArtifact(digest, offset)), mediaType: mediaTypes(digest) }),
    'artifact/redact': ({ digest, reason }, connection) =>
      core.redactArtifact({ digest, by: connection.principal.name, reason }, originOf(connection)),
    'artifact/pin': ({ digest, pinned, reason }, connection) =>
      core.pinArtifact({ digest, pinned, by: connection.principal.name, reason }, originOf(connection)),
    'artifact/pins': () => ({ pins: [...core.state.pins].map(([digest, pin]) => ({ digest, ...pin })) }),
    'store/gc': async ({ dryRun }) => ({ dryRun, ...(await core.collectGarbage(dryRun)) }),
    'spool/read': ({ attempt, offset }) => core.readSpool(attempt, offset),
    'events/read': ({ scope, cursor, limit }) => core.readEvents(scope, cursor, limit),
    'events/subscribe'({ scope, cursor }, connection) {
      const id = core.newId();
      connection.onClose(() => core.unsubscribe(id));
      return core.subscribe(connection, id, scope, cursor);
    },
    'events/unsubscribe'({ subscription }) {
      core.unsubscribe(subscription);
      return { subscription };
    },
  };
}
