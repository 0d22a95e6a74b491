import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../../shared/client/client.ts';
import type { Attempt } from '../../../shared/state/attempt.ts';
import { type CommonOptions, type Context, perform, withDaemon } from '../context.ts';
import { CliFailure, EXIT, type ExitCode } from '../failure.ts';
import { matchIds, pickOne, shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';
import { cleanText } from '../render/text.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';

interface LogOptions extends CommonOptions {
  follow?: boolean;
}

const POLL_MS = 250;
const LIMIT = 1_000;

/** `signalbox logs`: prints what an attempt wrote, or all attempts of a run. */
export function addLogs(program: Command, context: Context): void {
  program
    .command('logs')
    .description('print the output of an attempt, or of all attempts of a run')
    .argument('<id>', 'id of an attempt or of a run, or its beginning')
    .option('-f, --follow', 'go on until the attempt has ended')
    .option('--json', 'print one JSON object a line: { attempt, stage, text }')
    .addHelpText(
      'after',
      '\nOutput is shown without control sequences; --json gives it as it was.\n\nExamples:\n  signalbox logs 3f9a1c2e\n  signalbox logs 3f9a1c2e --follow',
    )
    .action((given: string, options: LogOptions) =>
      perform(context, options, () => withDaemon(context, (client) => printLogs(context, client, given, options))),
    );
}

async function printLogs(context: Context, client: Client, given: string, options: LogOptions): Promise<ExitCode> {
  const { terminal } = context;
  const attempts = await findAttempts(client, given, terminal.now());
  let interrupted = false;
  const interrupts = options.follow
    ? listenForInterrupts(
        () => (interrupted = true),
        () => undefined,
      )
    : undefined;
  try {
    for (const attempt of attempts) {
      if (attempts.length > 1 && !options.json) terminal.print(terminal.paint.bold(`${attempt.stage ?? 'task'} ${shortId(attempt.id)}`));
      await printSpool(context, client, attempt, { ...options, interrupted: () => interrupted });
    }
    return interrupted ? EXIT.interrupted : EXIT.ok;
  } finally {
    interrupts?.close();
  }
}

type Spool = Pick<Attempt, 'id' | 'stage'>;

async function findAttempts(client: Client, given: string, now: number): Promise<Spool[]> {
  const { runs } = await client.call('run/list', { limit: LIMIT });
  const ofRun = matchIds(
    given,
    runs.map((run) => run.id),
  );
  if (ofRun.length > 0) {
    const { attempts } = await client.call('run/get', { run: (await findRun(client, given, now)).id });
    if (attempts.length === 0) throw new CliFailure('No attempt of that run has begun, so there is no output.', { code: 'not_found' });
    return attempts;
  }
  const { tasks } = await client.call('task/list', { limit: LIMIT });
  const newest = tasks.flatMap(({ attempt, stage }): Spool[] =>
    attempt === undefined ? [] : [{ id: attempt, ...(stage === undefined ? {} : { stage }) }],
  );
  return [pickOne(given, newest, 'attempt', (attempt) => attempt.stage ?? '')];
}

async function printSpool(
  { terminal }: Context,
  client: Client,
  attempt: Spool,
  options: LogOptions & { interrupted: () => boolean },
): Promise<void> {
  for (let offset = 0; !options.interrupted(); ) {
    const piece = await client.call('spool/read', { attempt: attempt.id, offset });
    if (piece.text !== '') {
      if (options.json) terminal.print(JSON.stringify({ attempt: attempt.id, stage: attempt.stage, text: piece.text }));
      else terminal.write(cleanText(piece.text.replace(/\r(?!\n)/g, '\n')));
    }
    const moved = piece.next > offset;
    offset = piece.next;
    if (moved) continue;
    if (piece.ended && piece.dropped > 0) terminal.note(`(${piece.dropped} bytes were over the bound and were not kept.)`);
    if (piece.ended || !options.follow) return;
    await sleep(POLL_MS);
  }
}
