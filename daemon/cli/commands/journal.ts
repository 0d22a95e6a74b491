import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { addCompact } from './compact.ts';
import { exportHead, formatHead, parseHead } from '../../journal/exported-head.ts';
import { type Head, JournalDamaged } from '../../journal/port.ts';
import type { Loss } from '../../journal/repair-loss.ts';
import { type Repair, repairJournal } from '../../journal/repair.ts';
import { type Verification, verifyJournal } from '../../journal/verify.ts';
import { acquireLock } from '../../platform/lock.ts';
import { findHome } from '../connect/endpoint.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, shortenPath, usageFailure } from '../failure.ts';
import { cleanLine } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';

const VERIFY_HELP = `
A lost end of the journal, or one that was rewritten as a whole, shows only against a head that was kept elsewhere.
HEAD is the line that \`signalbox journal head\` printed, a file that holds it, or seq:hash.

Examples:
  signalbox journal verify
  signalbox journal verify --expect head.json

Exit codes: 0 sound, 1 not as it was written (or no journal), 2 wrong use.`;

const HEAD_HELP = `
Examples:
  signalbox journal head > head.json       keep it on another machine
  signalbox journal verify --expect head.json

Exit codes: 0 printed, 1 no journal, or its end is damaged.`;

const REPAIR_HELP = `
Cuts the journal behind commit SEQ. The original stays beside it as journal.before-<time>; nothing is deleted.
\`signalbox journal verify\` names the first commit that is damaged; the one before it is the last that can be kept.
Stop the daemon first: signalbox down.

Examples:
  signalbox journal repair --to 4711 --dry-run   says what would be lost
  signalbox journal repair --to 4711

Exit codes: 0 repaired, or nothing to repair; 1 refused; 2 wrong use.`;

/** `signalbox journal`: looks after the record itself; needs no daemon. */
export function addJournal(program: Command, context: Context): void {
  const journal = program.command('journal').description('look after the record itself (needs no daemon)');
  addVerify(journal, context);
  addHead(journal, context);
  addRepair(journal, context);
  addCompact(journal, context);
}

function addVerify(journal: Command, context: Context): void {
  journal
    .command('verify')
    .description('check every line, hash and link of the journal; changes nothing')
    .option('--expect <head>', 'a head that was kept earlier and must still be in the chain')
    .option('--json', 'print one JSON document')
    .addHelpText('after', VERIFY_HELP)
    .action((options: CommonOptions & { expect?: string }) =>
      perform(context, options, async () => {
        const expect = options.expect === undefined ? undefined : await readExpected(options.expect);
        const result = await verifyJournal(openHome(context), expect ? { expect } : {});
        if (options.json) printJson(context.terminal, result);
        else printVerification(context.terminal, result);
        return result.ok ? EXIT.ok : EXIT.failure;
      }),
    );
}

function addHead(journal: Command, context: Context): void {
  journal
    .command('head')
    .description('print the newest commit as one line to keep elsewhere')
    .option('--json', 'the same: the line is JSON')
    .addHelpText('after', HEAD_HELP)
    .action((options: CommonOptions) =>
      perform(context, options, async () => {
        const home = openHome(context);
        const head = await exportHead(home).catch((error: unknown) => {
          if (error instanceof JournalDamaged) throw damaged(error);
          throw error;
        });
        if (!head) throw noJournal(home);
        context.terminal.print(formatHead(head));
        return EXIT.ok;
      }),
    );
}

function addRepair(journal: Command, context: Context): void {
  journal
    .command('repair')
    .description('cut a damaged journal behind a commit; keeps the original')
    .requiredOption('--to <seq>', 'the last commit to keep; 0 keeps none')
    .option('--dry-run', 'say what would be lost, and change nothing')
    .option('--json', 'print one JSON document')
    .addHelpText('after', REPAIR_HELP)
    .action((options: CommonOptions & { to: string; dryRun?: boolean }) =>
      perform(context, options, async () => {
        if (!/^\d{1,15}$/.test(options.to))
          throw usageFailure(
            `--to ${options.to} is not the number of a commit.`,
            '`signalbox journal verify` names the first that is damaged.',
          );
        return repair(context, { to: Number(options.to), dryRun: options.dryRun === true, json: options.json === true });
      }),
    );
}

async function repair(context: Context, { to, dryRun, json }: { to: number; dryRun: boolean; json: boolean }): Promise<ExitCode> {
  const { terminal } = context;
  const dir = openHome(context);
  const lock = await acquireLock(dir);
  if (lock.kind === 'foreign') {
    const facts = { pid: lock.heldBy.pid };
    throw new CliFailure(`A daemon holds the journal: process ${lock.heldBy.pid}.`, {
      code: 'daemon_running',
      hint: 'Stop it with `signalbox down`, then repair.',
      facts,
    });
  }
  try {
    const done = await repairJournal({ dir, to, now: new Date().toISOString(), dryRun });
    if (done.kind === 'refused') {
      const hint = done.sound.seq === to ? '' : `signalbox journal repair --to ${done.sound.seq} keeps everything that is sound.`;
      throw new CliFailure(done.message, { code: done.code, hint, facts: { sound: done.sound } });
    }
    if (json) printJson(terminal, done);
    else terminal.print(...describeRepair(done, terminal.cwd));
    return EXIT.ok;
  } finally {
    await lock.release();
  }
}

function describeRepair(done: Exclude<Repair, { kind: 'refused' }>, cwd: string): string[] {
  const { seq, hash } = done.head;
  if (done.kind === 'sound') return [`Nothing to repair: the journal is sound and ends at commit ${seq}.`];
  const planned = done.kind === 'planned';
  return [
    ...describeLoss(done.lost),
    planned ? `The journal would end at commit ${seq}. Nothing was changed.` : `The journal ends at commit ${seq}:${hash}`,
    `The original ${planned ? 'would stay' : 'is'} in ${cleanLine(shortenPath(done.before, cwd))}`,
  ];
}

function describeLoss({ commits, unreadable, first, last, events, runs, tasks }: Loss): string[] {
  if (commits + unreadable === 0) return ['No commit is lost: only what stands around them was damaged.'];
  const of = (what: string, { ids, count }: Loss['runs']): string[] =>
    count === 0
      ? []
      : [`  ${what}: ${ids.map((id) => cleanLine(id)).join(' ')}${count > ids.length ? ` and ${count - ids.length} more` : ''}`];
  const types = Object.entries(events).sort(([, a], [, b]) => b - a);
  const lines = unreadable > 0 ? ` and ${unreadable} line${unreadable === 1 ? '' : 's'} that nobody can read` : '';
  return [
    `Lost: ${commits} commit${commits === 1 ? '' : 's'}${lines}${first && last ? `, recorded from ${first.at} (${first.seq}) to ${last.at} (${last.seq})` : ''}`,
    ...of('runs', runs),
    ...of('tasks', tasks),
    ...(types.length > 0 ? [`  events: ${types.map(([type, count]) => `${count} ${cleanLine(type)}`).join(', ')}`] : []),
  ];
}

function printVerification(terminal: Terminal, result: Verification): void {
  const { paint, cwd } = terminal;
  const place = ({ file, line }: { file: string; line: number }): string => `${shortenPath(file, cwd)}${line > 0 ? `:${line}` : ''}`;
  terminal.print(...result.problems.map((one) => paint.red(cleanLine(`${place(one)}: commit ${one.seq}: ${one.message}`))));
  if (result.problemCount > result.problems.length) terminal.print(`and ${result.problemCount - result.problems.length} more problems`);
  if (result.tail) {
    const { file, bytes } = result.tail;
    terminal.print(
      `${cleanLine(shortenPath(file, cwd))} ends in an unfinished batch of ${bytes} bytes: being written now, or left by a crash.`,
    );
  }
  const { seq, hash } = result.head;
  if (result.ok) terminal.print(paint.green(`The journal is sound: ${result.commits} commits, head ${seq}:${hash}`));
  else {
    const first = Math.min(...result.problems.map((problem) => problem.seq));
    terminal.print(`${result.commits} commits are sound by themselves. Everything before commit ${first} can be trusted.`);
    terminal.print(`Bring the journal back from a copy, or cut it: signalbox journal repair --to ${first - 1} --dry-run`);
  }
}

function openHome({ env }: Context): string {
  const home = findHome(env);
  if (!existsSync(join(home, 'journal'))) throw noJournal(home);
  return home;
}

function noJournal(home: string): CliFailure {
  return new CliFailure(`There is no journal in ${home}.`, { code: 'not_found', hint: 'It is made at the first start of the daemon.' });
}

function damaged({ file, line, seq, code, message }: JournalDamaged): CliFailure {
  return new CliFailure(message, { code: 'journal_damaged', facts: { file, line, seq, damage: code } });
}

/** A kept head: the line itself, seq:hash, or a file with either. */
async function readExpected(text: string): Promise<Head & { installation?: string }> {
  const given = parseHead(text);
  if (given) return given;
  const kept = await readFile(text, 'utf8').catch(() => undefined);
  const head = kept === undefined ? undefined : parseHead(kept.slice(0, 1_000));
  if (head) return head;
  const what = kept === undefined ? 'is not a head, and there is no such file' : 'holds no head';
  throw usageFailure(`--expect ${text} ${what}.`, 'A head is what `signalbox journal head` prints, or seq:hash.');
}
