import type { Handlers } from '../connection.ts';
import { originOf, submitOrThrow, type Core } from './core.ts';

type TriggerHandlers = Pick<
  Handlers,
  'trigger/list' | 'trigger/add' | 'trigger/remove' | 'trigger/fire' | 'trigger/pause' | 'trigger/resume'
>;

export function triggerHandlers(core: Core): TriggerHandlers {
  const { triggers } = core;
  return {
    'trigger/list': () => ({ triggers: triggers.list() }),
    'trigger/add': async (params, connection) => ({ triggers: await triggers.add(params, originOf(connection)) }),
    async 'trigger/remove'({ trigger, reason }, connection) {
      await submitOrThrow(core, { type: 'trigger/remove', trigger, by: connection.principal.name, reason }, connection);
      return { trigger };
    },
    'trigger/fire': (params, connection) => triggers.fire(params, originOf(connection)),
    async 'trigger/pause'({ trigger, reason }, connection) {
      await submitOrThrow(core, { type: 'trigger/pause', trigger, by: connection.principal.name, reason }, connection);
      return { trigger };
    },
    async 'trigger/resume'({ trigger }, connection) {
      await submitOrThrow(core, { type: 'trigger/resume', trigger, by: connection.principal.name }, connection);
      return { trigger };
    },
  };
}
