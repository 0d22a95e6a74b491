import type { Command } from 'commander';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import { readEndpoint } from '../connect/endpoint.ts';
import { findDaemon, stopProcess, waitForEnd } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';

/** `signalbox down`: lets the daemon drain and end. */
export function addDown(program: Command, context: Context): void {
  program
    .command('down')
    .description('stop the daemon; what runs gets a moment, and is taken up at the next start')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox down')
    .action((options: CommonOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const pid = await stopDaemon(context);
        if (options.json) printJson(terminal, { stopped: pid !== undefined, ...(pid === undefined ? {} : { pid }) });
        else terminal.print(pid === undefined ? 'No daemon runs.' : `The daemon has stopped (process ${pid}).`);
        return EXIT.ok;
      }),
    );
}

/** Stops the daemon of this home, if one runs, and waits until its process is gone; returns its process id. */
export async function stopDaemon(context: Context): Promise<number | undefined> {
  const reach = reachOf(context);
  const endpoint = await readEndpoint(reach.home);
  try {
    const connection = await findDaemon(reach);
    if (!connection) return undefined;
    const { pid } = connection.endpoint;
    await connection.client.call('daemon/stop', { reason: 'signalbox down' }).catch(ignoreGone);
    connection.close();
    await waitForEnd(pid);
    return pid;
  } catch (error) {
    // One that speaks another protocol understands a signal.
    if (!(error instanceof CliFailure) || error.code !== 'protocol_mismatch' || !endpoint) throw error;
    await stopProcess(endpoint.pid);
    return endpoint.pid;
  }
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof SignalboxError) || error.code !== 'disconnected') throw error;
}
