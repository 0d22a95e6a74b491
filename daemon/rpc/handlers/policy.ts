import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Handlers } from '../connection.ts';
import { originOf, type Core } from './core.ts';

export function policyHandlers(core: Core): Pick<Handlers, 'policy/evaluate'> {
  return {
    'policy/evaluate'(params, connection) {
      const { scopes } = connection.principal;
      if (params.record && !scopes.includes('submit'))
        throw new SignalboxError({
          code: 'forbidden',
          message: 'To have decisions recorded, this connection needs the scope submit. Leave `record` out to only know them.',
          facts: { method: 'policy/evaluate', scope: 'submit', scopes: [...scopes] },
        });
      return core.evaluate(params, originOf(connection));
    },
  };
}
