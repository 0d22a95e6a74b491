import type { Command } from './command.ts';

/** Shows the log of this extension. */
export const showOutput: Command = {
  id: 'signalbox.showOutput',
  async run({ log }) {
    log.show();
  },
};
