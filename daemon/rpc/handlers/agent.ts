import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Handlers } from '../connection.ts';
import { refuseAttempts } from './approval.ts';
import { found, submitOrThrow, type Core } from './core.ts';

type AgentHandlers = Pick<
  Handlers,
  'agent/list' | 'agent/detect' | 'agent/examine' | 'agent/canary' | 'agent/add' | 'agent/reset' | 'agent/remove'
>;

export function agentHandlers(core: Core): AgentHandlers {
  const { state, acp } = core;
  return {
    'agent/list': () => ({ agents: [...state.agents.values()] }),
    'agent/detect': async () => ({ agents: await acp.detect() }),
    async 'agent/examine'({ agent }, connection) {
      await refuseAttempts(core, connection, `wanted to start ${agent}`);
      return { check: found(await acp.examine(agent), `profile of ${agent}`) };
    },
    async 'agent/canary'({ agent }, connection) {
      await refuseAttempts(core, connection, `wanted to try ${agent}`);
      return { report: found(await acp.canary(agent), `profile of ${agent}`) };
    },
    async 'agent/add'({ agent, slots }, connection) {
      await refuseAttempts(core, connection, `wanted to register ${agent}`);
      const { name: by } = connection.principal;
      const { action, title, enforcement } = found(await acp.registration(agent), `profile of ${agent}`);
      const proposal = { key: 'register', action, artifact: await core.keepText(JSON.stringify(action)), show: {} };
      const about = { role: title, capabilities: ['prompt'], tags: [], adapter: 'acp' as const, slots, enforcement };
      const { existing } = await submitOrThrow(core, { type: 'agent/register', agent, ...about, asked: { proposal, by } }, connection);
      return { agent: found(state.agents.get(agent), `agent ${agent}`), existing };
    },
    async 'agent/reset'({ agent }, connection) {
      await refuseAttempts(core, connection, `wanted to close the breaker of ${agent}`);
      const by = connection.principal.name;
      const { existing } = await submitOrThrow(core, { type: 'agent/breaker', agent, to: 'closed', by }, connection);
      return { agent, existing };
    },
    async 'agent/remove'({ agent }, connection) {
      await refuseAttempts(core, connection, `wanted to remove ${agent}`);
      if (found(state.agents.get(agent), `agent ${agent}`).adapter !== 'acp')
        throw new SignalboxError({
          code: 'invalid_transition',
          message: `${agent} comes with the daemon, or leaves with its worker.`,
          facts: { agent },
        });
      const reason = `Removed by ${connection.principal.name}.`;
      const { existing } = await submitOrThrow(core, { type: 'agent/leave', agent, reason }, connection);
      return { agent, existing };
    },
  };
}
