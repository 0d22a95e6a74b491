// An agent as a row. Pure.
import type { Agent, AgentStatus } from '../../shared/state/agent.ts';
import type { State } from '../../shared/state/evolve.ts';
import { formatRef } from '../refs.ts';
import { sayEnforcement } from './describeAttempt.ts';
import type { Node } from './nodes.ts';
import { sayTime, type Reader } from './words.ts';

const ICONS: Readonly<Record<AgentStatus, Node['icon']>> = {
  starting: { id: 'loading~spin', color: 'charts.blue' },
  ready: { id: 'circle-filled', color: 'testing.iconPassed' },
  busy: { id: 'circle-filled', color: 'charts.yellow' },
  draining: { id: 'circle-outline', color: 'charts.yellow' },
  offline: { id: 'circle-outline', color: 'disabledForeground' },
  failed: { id: 'error', color: 'testing.iconFailed' },
};

/** The row of an agent; what it does now comes from the states of this window's repositories. */
export function describeAgent(agent: Agent, states: readonly State[], reader: Reader): Node {
  const { t } = reader;
  const doing = states.flatMap((state) =>
    [...state.active].flatMap((id) => state.attempts.get(id) ?? []).filter((a) => a.agent === agent.id),
  );
  const stages = [...new Set(doing.map((attempt) => attempt.stage ?? attempt.task))];
  const how = stages.length > 0 ? t('works on {0}', stages.join(', ')) : sayAgentStatus(agent, reader);
  return {
    id: formatRef({ kind: 'agent', agent: agent.id }),
    label: agent.id,
    description: t('{0}, {1} of {2} in use', how, agent.used, agent.slots),
    tooltip: [
      { heading: agent.id },
      ...(agent.role === '' ? [] : [{ text: agent.role }]),
      { name: t('Status'), value: t('{0} since {1}', sayAgentStatus(agent, reader), sayTime(agent.since, reader)) },
      ...(agent.reason === '' ? [] : [{ text: agent.reason }]),
      { name: t('Can do'), value: agent.capabilities.join(', ') },
      { name: t('Driven as'), value: agent.adapter },
      ...(agent.enforcement === undefined ? [] : [{ name: t('Sandbox'), value: sayEnforcement(agent.enforcement, reader) }]),
      ...(agent.provider === undefined ? [] : [{ name: t('Provider'), value: agent.provider }]),
      ...(agent.model === undefined ? [] : [{ name: t('Model'), value: agent.model }]),
    ],
    icon: ICONS[agent.status],
    context: `agent ${agent.status}`,
    open: 'none',
    spoken: t('Agent {0}, {1}, {2} of {3} in use', agent.id, how, agent.used, agent.slots),
    children: [],
  };
}

function sayAgentStatus({ status }: Agent, { t }: Reader): string {
  switch (status) {
    case 'starting':
      return t('starting');
    case 'ready':
      return t('ready');
    case 'busy':
      return t('busy');
    case 'draining':
      return t('takes no new work');
    case 'offline':
      return t('offline');
    case 'failed':
      return t('failed');
    default:
      return status satisfies never;
  }
}
