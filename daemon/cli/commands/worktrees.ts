import { type Command, InvalidArgumentError } from 'commander';
import type { Client } from '../../../shared/client/client.ts';
import type { WorktreeView } from '../../../shared/protocol/views.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { pickOne, shortId } from '../ids.ts';
import type { Paint } from '../render/paint.ts';
import { describeClash } from '../render/clash.ts';
import { type Column, renderTable } from '../render/table.ts';
import { cleanLine } from '../render/text.ts';
import { formatAgo } from '../render/time.ts';

/** Each worktree in use is read whole for it. */
const WEATHER_MS = 120_000;

const EXAMPLES = `
What holds uncommitted or untracked files goes to the trash, from which \`restore\` lays it out again; branches always stay.

Examples:
  signalbox worktrees
  signalbox worktrees remove 3f9a1c2e
  signalbox worktrees restore 3f9a1c2e
  signalbox worktrees prune --dry-run`;

/** `signalbox worktrees`: lists the worktrees of attempts, removes and restores them. */
export function addWorktrees(program: Command, context: Context): void {
  const worktrees = program
    .command('worktrees')
    .description('list the worktrees of attempts: used, kept for the work in them, in the trash')
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXAMPLES)
    .action((options: CommonOptions) => perform(context, options, () => withDaemon(context, (client) => list(context, client, options))));
  const one = (name: string, text: string, work: (client: Client, found: WorktreeView, options: CommonOptions) => Promise<void>) =>
    worktrees
      .command(name)
      .description(text)
      .argument('<attempt>', 'id of the attempt, or its beginning')
      .option('--json', 'print one JSON document')
      .action((given: string, _options: CommonOptions, command: Command) => {
        const options = command.optsWithGlobals<CommonOptions>();
        return perform(context, options, async () => {
          await withDaemon(context, async (client) => work(client, await find(client, given), options));
          return EXIT.ok;
        });
      });
  one('show', 'show one worktree', async (_client, found, options) => show(context, found, options));
  one('remove', 'remove a worktree that nobody uses', async (client, { attempt }, options) => {
    const { worktree } = await client.call('worktree/remove', { attempt });
    const left =
      worktree.state === 'trash' ? `It is in the trash: signalbox worktrees restore ${shortId(attempt)}` : 'It held nothing of its own.';
    say(context, options, { worktree }, `Removed the worktree of ${shortId(attempt)}. ${left}`);
  });
  one('restore', 'lay a worktree out again from the trash', async (client, { attempt }, options) => {
    const { worktree } = await client.call('worktree/restore', { attempt });
    say(context, options, { worktree }, `Restored ${worktree.path} on ${worktree.branch}.`);
  });
  worktrees
    .command('prune')
    .description('remove worktrees that hold nothing of their own, and empty the trash of what is old')
    .option('--dry-run', 'only say which')
    .option('--days <days>', 'how long the trash keeps a worktree', readDays, 30)
    .option('--json', 'print one JSON document')
    .action((_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & { dryRun?: boolean; days: number }>();
      return perform(context, options, () => withDaemon(context, (client) => prune(context, client, options)));
    });
}

function readDays(text: string): number {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 0 || days > 3_650) throw new InvalidArgumentError('It takes a whole number of days, at most 3650.');
  return days;
}

async function list({ terminal }: Context, client: Client, options: CommonOptions): Promise<ExitCode> {
  const { worktrees, clashes } = await client.call('worktree/list', { weather: true }, { timeoutMs: WEATHER_MS });
  const look = terminal.tableLook();
  if (options.json) printJson(terminal, { worktrees, clashes });
  else if (worktrees.length === 0) terminal.print('There are no worktrees: attempts take theirs away when nothing is left in them.');
  else terminal.print(...renderTable(columns(terminal.now(), look.paint), worktrees, look));
  if (!options.json) terminal.print(...clashes.map((clash) => look.paint.yellow(describeClash(clash))));
  return EXIT.ok;
}

function columns(now: number, paint: Paint): Column<WorktreeView>[] {
  return [
    { title: 'ATTEMPT', text: ({ attempt }) => shortId(attempt), style: (text) => paint.cyan(text) },
    { title: 'STATE', text: ({ state }) => state, style: (text, { state }) => (state === 'kept' ? paint.yellow(text) : text) },
    { title: 'STAGE', text: ({ stage }) => stage || '-', flex: 'end', min: 5 },
    { title: 'FILES', text: describeFiles, flex: 'end', min: 8 },
    { title: 'SINCE', text: ({ since }) => (since === '' ? '-' : formatAgo(since, now)) },
    { title: 'BRANCH', text: ({ branch }) => branch || '-', flex: 'end', min: 10 },
    { title: 'REPOSITORY', text: ({ repo }) => repo || '-', flex: 'start', min: 10 },
  ];
}

function describeFiles({ state, changed, untracked, problem }: WorktreeView): string {
  if (problem !== '') return `! ${cleanLine(problem)}`;
  if (state === 'trash') return 'in the trash';
  const parts = [...(changed > 0 ? [`${changed} changed`] : []), ...(untracked > 0 ? [`${untracked} untracked`] : [])];
  return parts.join(', ') || 'clean';
}

async function find(client: Client, given: string): Promise<WorktreeView> {
  const { worktrees } = await client.call('worktree/list', {});
  const named = worktrees.map((one) => ({ ...one, id: one.attempt }));
  return pickOne(given, named, 'worktree', ({ stage, state, branch }) => `${stage}, ${state}, ${branch}`);
}

function show({ terminal }: Context, found: WorktreeView, options: CommonOptions): void {
  if (options.json) return printJson(terminal, { worktree: found });
  const { attempt, run, stage, agent, state, path, branch, repo } = found;
  const rows = { attempt, run, stage, agent, state, files: describeFiles(found), path, branch, repository: repo };
  for (const [name, value] of Object.entries(rows)) if (value !== '') terminal.print(`${name.padEnd(11)} ${cleanLine(value)}`);
}

function say({ terminal }: Context, options: CommonOptions, document: object, text: string): void {
  if (options.json) printJson(terminal, document);
  else terminal.print(text);
}

async function prune(context: Context, client: Client, options: CommonOptions & { dryRun?: boolean; days: number }): Promise<ExitCode> {
  const dryRun = options.dryRun ?? false;
  const done = await client.call('worktree/prune', { dryRun, days: options.days });
  const { removed, emptied } = done;
  const names = (list: readonly WorktreeView[]): string =>
    list.length === 0 ? '' : ` (${list.map((one) => shortId(one.attempt)).join(', ')})`;
  const [first, second] = dryRun ? ['Would remove', 'would empty the trash of'] : ['Removed', 'emptied the trash of'];
  say(
    context,
    options,
    done,
    `${first} ${removed.length} worktree${removed.length === 1 ? '' : 's'}${names(removed)}, and ${second} ${emptied.length}${names(emptied)}.`,
  );
  return EXIT.ok;
}
