import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { EventScope } from '../../../shared/protocol/methods.ts';
import type { CloudEvent } from '../../../shared/protocol/views.ts';
import { reachDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, reachOf } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { findRun } from '../lookup.ts';
import { renderEvent } from '../render/event.ts';
import { follow } from '../watch/follow.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';

interface EventOptions extends CommonOptions {
  run?: string;
  repo?: string;
  follow?: boolean;
}

const PAGE = 1_000;

/** `signalbox events`: prints the record as CloudEvents. */
export function addEvents(program: Command, context: Context): void {
  program
    .command('events')
    .description('print the record, oldest first; with --json as CloudEvents, one a line')
    .option('--run <id>', 'only of this run')
    .option('-r, --repo <path>', 'only of this repository')
    .option('-f, --follow', 'go on with what is recorded from now on')
    .option('--json', 'print CloudEvents 1.0 as NDJSON')
    .addHelpText('after', '\nExamples:\n  signalbox events --run 3f9a1c2e\n  signalbox events --follow --json | jq .type')
    .action((options: EventOptions) => perform(context, options, () => printEvents(context, options)));
}

async function printEvents(context: Context, options: EventOptions): Promise<ExitCode> {
  const { terminal } = context;
  const reach = reachOf(context);
  const { connection } = await reachDaemon(reach);
  const scope: EventScope =
    options.run !== undefined
      ? { kind: 'run', run: (await findRun(connection.client, options.run, terminal.now())).id }
      : options.repo !== undefined
        ? { kind: 'repo', repo: resolve(terminal.cwd, options.repo) }
        : { kind: 'all' };
  const show = (event: CloudEvent): string => (options.json ? JSON.stringify(event) : renderEvent(event, terminal.tableLook()));
  let cursor: string | undefined;
  const readOn = async (call: typeof connection.client.call): Promise<void> => {
    for (;;) {
      const page = await call('events/read', { scope, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      cursor = page.cursor;
      if (page.events.length > 0) terminal.print(...page.events.map(show));
      if (!page.more) return;
    }
  };
  await readOn(connection.client.call);
  if (!options.follow) {
    connection.close();
    return EXIT.ok;
  }
  return followOn();

  async function followOn(): Promise<ExitCode> {
    let interrupt: () => void = () => undefined;
    const interrupted = new Promise<'interrupted'>((resolve) => (interrupt = () => resolve('interrupted')));
    const interrupts = listenForInterrupts(interrupt, () => undefined);
    // The subscription says that there is news; reading by cursor gives it whole and in order.
    let wake: () => void = () => undefined;
    let news = new Promise<void>((resolve) => (wake = resolve));
    const following = await follow({ reach, connection, scope, onChange: () => wake(), onNotice: (sentence) => terminal.note(sentence) });
    const stopped = following.ended.then((reason) => ({ reason }));
    try {
      for (;;) {
        await following.callAgain((client) => readOn(client.call));
        const end = await Promise.race([interrupted, stopped, news]);
        if (end === 'interrupted') return EXIT.interrupted;
        if (end) return EXIT.ok;
        news = new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      interrupts.close();
      following.close();
    }
  }
}
