import type { Command } from 'commander';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT, type ExitCode, usageFailure } from '../failure.ts';
import type { Pin } from '../../../shared/protocol/views.ts';
import { type Column, renderTable } from '../render/table.ts';

interface PinOptions extends CommonOptions {
  remove?: boolean;
  reason: string;
}

const COLUMNS: readonly Column<Pin>[] = [
  { title: 'ARTIFACT', text: (pin) => pin.digest },
  { title: 'SINCE', text: (pin) => pin.at.slice(0, 10) },
  { title: 'BY', text: (pin) => pin.by, flex: 'end' },
  { title: 'WHY', text: (pin) => pin.reason, flex: 'end' },
];

/** `signalbox pin`: keeps an artifact in the store whatever the record still names. */
export function addPin(program: Command, context: Context): void {
  program
    .command('pin')
    .description('keep an artifact when the record no longer names it; without one, list what is kept so')
    .argument('[artifact]', 'digest of the artifact, 64 hex digits, as `signalbox events --json` shows it')
    .option('--remove', 'keep it no longer')
    .option('--reason <text>', 'why; it stays on the record', '')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\n`journal compact` lets go of old commits, and `gc` of what only they named; a pin keeps the artifact.\n\nExamples:\n  signalbox pin 9f86d081884c7d65... --reason "evidence of the release"\n  signalbox pin\n  signalbox pin 9f86d081884c7d65... --remove',
    )
    .action((digest: string | undefined, options: PinOptions) =>
      perform(context, options, async () => (digest === undefined ? listPins(context, options) : changePin(context, digest, options))),
    );
}

async function listPins(context: Context, { json, remove }: PinOptions): Promise<ExitCode> {
  if (remove) throw usageFailure('--remove needs the digest of an artifact.', '`signalbox pin` lists those that are pinned.');
  const { terminal } = context;
  const { pins } = await withDaemon(context, (client) => client.call('artifact/pins', {}));
  if (json) printJson(terminal, { pins });
  else if (pins.length === 0) terminal.print('Nothing is pinned.');
  else terminal.print(...renderTable(COLUMNS, pins, terminal.tableLook()));
  return EXIT.ok;
}

async function changePin(context: Context, digest: string, { json, remove, reason }: PinOptions): Promise<ExitCode> {
  if (!/^[0-9a-f]{64}$/.test(digest)) throw usageFailure(`${digest.slice(0, 80)} is not a digest.`, 'A digest is 64 hex digits.');
  const done = await withDaemon(context, (client) => client.call('artifact/pin', { digest, pinned: remove !== true, reason }));
  if (json) printJson(context.terminal, done);
  else if (remove) context.terminal.print(done.existing ? 'It was not pinned.' : `${digest} is kept no longer than the record names it.`);
  else context.terminal.print(done.existing ? 'It was pinned before.' : `${digest} is kept until you unpin it.`);
  return EXIT.ok;
}
