import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { verifyJournal } from '../../journal/verify.ts';
import { findHome } from '../connect/endpoint.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, usageFailure } from '../failure.ts';
import { cleanLine } from '../render/text.ts';

/** `signalbox journal verify`: looks at every byte of the record; needs no daemon. */
export function addJournal(program: Command, context: Context): void {
  const journal = program.command('journal').description('look after the record itself (needs no daemon)');
  journal
    .command('verify')
    .description('check every line, hash and link of the journal')
    .option('--head <seq:hash>', 'a head that was written down earlier and must still be in the chain')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nA lost end of the journal shows only against a head that was kept elsewhere.\n\nExamples:\n  signalbox journal verify\n  signalbox journal verify --json',
    )
    .action((options: CommonOptions & { head?: string }) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const home = findHome(context.env);
        const expect = options.head === undefined ? undefined : readHead(options.head);
        if (!existsSync(join(home, 'journal')))
          throw new CliFailure(`There is no journal in ${home}.`, {
            code: 'not_found',
            hint: 'It is made at the first start of the daemon.',
          });
        const result = await verifyJournal(home, expect ? { expect } : {});
        if (options.json) printJson(terminal, result);
        else {
          terminal.print(...result.problems.map((problem) => terminal.paint.red(cleanLine(problem.message))));
          if (result.problemCount > result.problems.length)
            terminal.print(`and ${result.problemCount - result.problems.length} more problems`);
          if (result.tail)
            terminal.print(
              `${cleanLine(result.tail.file)} ends in an unfinished batch of ${result.tail.bytes} bytes: being written now, or left by a crash.`,
            );
          terminal.print(
            result.ok
              ? terminal.paint.green(`The journal is sound: ${result.commits} commits, head ${result.head.seq}:${result.head.hash}`)
              : `${result.commits} commits are sound; the last of them is ${result.head.seq}:${result.head.hash}`,
          );
        }
        return result.ok ? EXIT.ok : EXIT.failure;
      }),
    );
}

function readHead(text: string): { seq: number; hash: string } {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (!match) throw usageFailure(`--head ${text} is not a head.`, 'A head is seq:hash, as `signalbox journal verify` prints it.');
  return { seq: Number(match[1]), hash: match[2] ?? '' };
}
