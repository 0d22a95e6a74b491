import type { Command } from 'commander';
import { resolve } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { Conflicts, type Side } from '../../../shared/artifacts/conflicts.ts';
import type { Client } from '../../../shared/client/client.ts';
import type { MergeView } from '../../../shared/protocol/views.ts';
import { parseDuration } from '../../../shared/state/workflow.ts';
import { readText } from '../artifacts.ts';
import { reachDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf, withDaemon } from '../context.ts';
import { EXIT, type ExitCode, usageFailure } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';
import type { Paint } from '../render/paint.ts';
import { type Column, renderTable } from '../render/table.ts';
import { cleanLine } from '../render/text.ts';
import { formatAgo } from '../render/time.ts';
import { watchToEnd } from './run.ts';

const EXAMPLES = `
Merges into one branch go one after the other. One that conflicts can be given to an agent: it works in a worktree that holds
both sides, and what it makes is checked, asked about and merged like any other work.

Examples:
  signalbox merges
  signalbox merges show 3f9a1c2e
  signalbox merges resolve 3f9a1c2e --agent claude-code`;

interface ResolveOptions extends CommonOptions {
  agent: string;
  timeout: string;
  detach?: boolean;
}

/** `signalbox merges`: the line before each branch, and what becomes of conflicts. */
export function addMerges(program: Command, context: Context): void {
  const merges = program
    .command('merges')
    .description('list merges: under way, waiting for their turn, refused; give conflicts to an agent')
    .option('-r, --repo <path>', 'only of this repository')
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXAMPLES)
    .action((options: CommonOptions & { repo?: string }) =>
      perform(context, options, () => withDaemon(context, (client) => list(context, client, options))),
    );
  merges
    .command('show')
    .description('show why a merge was refused: each file that conflicts, with the work on both sides')
    .argument('<run>', 'id of the run, or its beginning')
    .option('--json', 'print one JSON document')
    .action((given: string, _options: CommonOptions, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      return perform(context, options, () => withDaemon(context, (client) => show(context, client, given, options)));
    });
  merges
    .command('resolve')
    .description('give the conflicts of a merge to an agent, and watch it')
    .argument('<run>', 'id of the run whose merge conflicts, or its beginning')
    .requiredOption('-a, --agent <agent>', 'a registered agent (signalbox agents)')
    .option('--timeout <duration>', 'how long it may take', '1h')
    .option('-d, --detach', 'start it and return')
    .option('--json', 'print one JSON document at the end; progress goes to standard error')
    .action((given: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ResolveOptions>();
      return perform(context, options, () => resolveRun(context, given, options));
    });
}

async function list({ terminal }: Context, client: Client, options: CommonOptions & { repo?: string }): Promise<ExitCode> {
  const repo = options.repo === undefined ? {} : { repo: resolve(terminal.cwd, options.repo) };
  const { merges } = await client.call('merge/list', repo);
  const look = terminal.tableLook();
  if (options.json) printJson(terminal, { merges });
  else if (merges.length === 0) terminal.print('There are no merges: runs merge where --into names a branch.');
  else terminal.print(...renderTable(columns(terminal.now(), look.paint), merges, look));
  const conflict = merges.find(({ conflicts }) => conflicts !== undefined);
  if (conflict && !options.json) terminal.print('', `What conflicts: signalbox merges show ${shortId(conflict.run)}`);
  return EXIT.ok;
}

function columns(now: number, paint: Paint): Column<MergeView>[] {
  const colour = (text: string, { status }: MergeView): string =>
    status === 'failed' ? paint.red(text) : status === 'asked' ? paint.yellow(text) : text;
  return [
    { title: 'RUN', text: ({ run }) => shortId(run), style: (text) => paint.cyan(text) },
    { title: 'STATUS', text: ({ status, code }) => (status === 'failed' ? code.replaceAll('_', ' ') : status), style: colour },
    { title: 'HOW', text: ({ how }) => how },
    { title: 'INTO', text: ({ into }) => cleanLine(into), flex: 'end', min: 4 },
    { title: 'SINCE', text: ({ since }) => formatAgo(since, now) },
    { title: 'TASK', text: ({ task }) => cleanLine(task), flex: 'end', min: 10 },
    { title: 'REPOSITORY', text: ({ repo }) => repo, flex: 'start', min: 10 },
  ];
}

async function show({ terminal }: Context, client: Client, given: string, options: CommonOptions): Promise<ExitCode> {
  const { id } = await findRun(client, given, terminal.now());
  const { merges } = await client.call('merge/list', { limit: 1_000 });
  const merge = merges.find(({ run }) => run === id);
  const conflicts = merge?.conflicts === undefined ? undefined : Conflicts.parse(JSON.parse(await readText(client, merge.conflicts)));
  if (options.json) printJson(terminal, { merge: merge ?? null, ...(conflicts ? { conflicts } : {}) });
  else if (!merge) terminal.print(`Run ${shortId(id)} merges nothing, or is in the archive: signalbox runs show ${shortId(id)}`);
  else terminal.print(...describeMerge(merge), ...(conflicts ? describeFiles(conflicts, terminal.textLook().paint, merge.run) : []));
  return EXIT.ok;
}

function describeMerge({ run, status, into, how, task, reason, conflicts }: MergeView): string[] {
  const head = `Run ${shortId(run)} (${cleanLine(task)}): ${how} into ${cleanLine(into)}, ${status}.`;
  return reason === '' || conflicts !== undefined ? [head] : [head, ...reason.split('\n').map(cleanLine)];
}

function describeFiles({ into, files, omitted }: Conflicts, paint: Paint, run: string): string[] {
  const say = ({ commit, subject, run: by, task }: Side): string => {
    const made = commit === undefined ? 'a merge' : `${commit} ${cleanLine(subject ?? '')}`;
    return by === undefined ? made : `${made}, run ${shortId(by)}: ${cleanLine(task ?? '')}`;
  };
  return [
    ...files.flatMap(({ path, there, here }) => [
      '',
      paint.bold(cleanLine(path)),
      `  on ${cleanLine(into)}: ${say(there)}`,
      `  in this run: ${say(here)}`,
    ]),
    ...(omitted > 0 ? ['', `and ${omitted} more`] : []),
    '',
    `Give it to an agent: signalbox merges resolve ${shortId(run)} --agent NAME`,
  ];
}

async function resolveRun(context: Context, given: string, options: ResolveOptions): Promise<ExitCode> {
  const { terminal } = context;
  const timeoutMs = parseDuration(options.timeout);
  if (timeoutMs === undefined) throw usageFailure(`--timeout ${options.timeout} is no duration.`, 'Write 30s, 5m, 2h or 1d.');
  const { connection } = await reachDaemon(reachOf(context));
  let id: string;
  try {
    const { client } = connection;
    const found = await findRun(client, given, terminal.now());
    const started = await client.call('merge/resolve', { run: found.id, id: uuidv7(), agent: options.agent, timeoutMs });
    id = started.run;
    const { files } = started;
    terminal.note(
      ...started.notices.map(cleanLine),
      `${options.agent} resolves ${files.length} file${files.length === 1 ? '' : 's'} in run ${shortId(id)}: ${files.slice(0, 5).map(cleanLine).join(', ')}`,
    );
  } catch (error) {
    connection.close();
    throw error;
  }
  if (!options.detach) return watchToEnd(context, connection, id, { answering: 'ask', json: options.json ?? false });
  connection.close();
  if (options.json) printJson(terminal, { run: id });
  else terminal.print(`run ${shortId(id)} goes on; signalbox runs show ${shortId(id)}`);
  return EXIT.ok;
}
