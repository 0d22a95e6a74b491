/** The ACP agents, opened when somebody first needs them: what drives them is as much code as the rest of the daemon runs at its start. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { State } from '../../shared/state/evolve.ts';
import type { AcpAgents, AcpParts } from './acp.ts';
import { loadedOnDemand } from './adapter-on-demand.ts';

/** Opens them at once only where the person has profiles, so that what is wrong with one is told, or where one was registered before. */
export async function openAcpOnDemand(parts: AcpParts): Promise<AcpAgents> {
  let opened: AcpAgents | undefined;
  let opening: Promise<AcpAgents> | undefined;
  const load = async (): Promise<AcpAgents> => {
    const { openAcpAgents } = await import('./acp.ts');
    return (opened = await openAcpAgents(parts));
  };
  const open = (): Promise<AcpAgents> => (opening ??= load());
  if (hasRegistered(parts.state) || (await readdir(join(parts.config, 'agents')).catch(() => [])).length > 0) await open();
  return {
    adapter: loadedOnDemand(async () => (await open()).adapter),
    detect: async () => (await open()).detect(),
    examine: async (agent) => (await open()).examine(agent),
    canary: async (agent) => (await open()).canary(agent),
    registration: async (agent) => (await open()).registration(agent),
    restore: async (tell) => opened?.restore(tell),
    notices: () => opened?.notices() ?? [],
  };
}

function hasRegistered(state: State): boolean {
  return [...state.agents.values()].some(({ adapter, status }) => adapter === 'acp' && status !== 'offline');
}
