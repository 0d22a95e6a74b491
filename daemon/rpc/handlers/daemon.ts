import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { PROGRAM_VERSION } from '../../../shared/protocol/version.ts';
import type { Handlers } from '../connection.ts';
import { answerHello } from '../hello.ts';
import { originOf, submitOrThrow, type Core } from './core.ts';

type DaemonHandlers = Pick<
  Handlers,
  'daemon/hello' | 'daemon/status' | 'daemon/stop' | 'trust/show' | 'trust/grant' | 'trust/revoke' | 'token/issue'
>;

export function daemonHandlers(core: Core): DaemonHandlers {
  return {
    'daemon/hello': (_params, connection) => answerHello({ version: PROGRAM_VERSION, epoch: core.epoch, pid: process.pid }, connection),
    'daemon/status': () => core.status(),
    'daemon/stop'({ reason }) {
      // After the answer is on its way.
      setImmediate(() => core.stop(reason));
      return { stopping: true };
    },
    'trust/show': ({ repo }) => core.showTrust(repo),
    async 'trust/grant'({ repo, digest }, connection) {
      const shown = await core.showTrust(repo);
      if (shown.digest === '')
        throw new SignalboxError({ code: 'not_found', message: `${shown.repo} has no .signalbox/, so there is nothing to trust.` });
      if (shown.digest !== digest) {
        throw new SignalboxError({
          code: 'invalid_transition',
          message: 'The files changed since you looked at them. Look again.',
          facts: { digest: shown.digest },
        });
      }
      await submitOrThrow(
        core,
        { type: 'trust/grant', repo: shown.repo, digest, files: shown.files.slice(0, 100), by: connection.principal.name },
        connection,
      );
      await core.applyTrust(shown.repo, originOf(connection));
      return { ...shown, trusted: true };
    },
    async 'trust/revoke'({ repo }, connection) {
      const shown = await core.showTrust(repo);
      await submitOrThrow(core, { type: 'trust/revoke', repo: shown.repo, by: connection.principal.name }, connection);
      await core.applyTrust(shown.repo, originOf(connection));
      return { ...shown, trusted: false };
    },
    async 'token/issue'(request, connection) {
      const issued = core.issueToken({ ...request, by: connection.principal.scopes });
      await submitOrThrow(
        core,
        { type: 'principal/add', name: request.name, scopes: request.scopes, expiresAt: issued.expiresAt },
        connection,
      );
      return issued;
    },
  };
}
