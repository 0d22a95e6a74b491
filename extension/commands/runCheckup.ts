import type { Command } from './command.ts';
import { pickRepository } from './pick.ts';
import { pickTarget, startRun } from './startRun.ts';

/** Starts the check-up that comes with Signalbox. */
export const runCheckup: Command = {
  id: 'signalbox.runCheckup',
  async run(services) {
    const repo = await pickRepository(services);
    const target = repo === undefined ? undefined : await pickTarget(repo);
    if (repo !== undefined && target) await startRun(services, { workflow: { name: 'checkup' }, repo, ...target });
  },
};
