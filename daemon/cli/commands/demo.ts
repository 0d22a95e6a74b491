import type { Command } from 'commander';
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { Endpoint, ENDPOINT_FILE } from '../../../shared/protocol/endpoint.ts';
import type { Run } from '../../../shared/state/run.ts';
import type { Connection } from '../../../shared/client/connect.ts';
import { isRunning } from '../connect/endpoint.ts';
import { reachDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf, withDaemon } from '../context.ts';
import { openDelegate } from '../demo/delegate.ts';
import { git } from '../demo/git.ts';
import { makeSample } from '../demo/sample.ts';
import { CliFailure, EXIT, type ExitCode } from '../failure.ts';
import { shortId } from '../ids.ts';
import { cleanText } from '../render/text.ts';
import { stopDaemon } from './down.ts';
import { startOrJoin, watchToEnd } from './run.ts';

/** Time that the demo's daemon gets to end by itself when the demo is broken off. */
const DRAIN_MS = 3_000;

interface DemoOptions extends CommonOptions {
  repo?: string;
  keep?: boolean;
}

const EXAMPLES = `
Without --repo it makes a sample repository with planted problems. It uses a state folder and a daemon of its
own, which end with it; your own Signalbox takes no part. On a terminal you are asked. Without one, a second
client answers as principal "demo", after showing each question.

With --repo it merges into the branch that is checked out there.

Examples:
  signalbox demo
  signalbox demo --keep
  signalbox demo --repo ~/projects/shop`;

/** `signalbox demo`: shows one whole check-up, from the scan to a merged repair. */
export function addDemo(program: Command, context: Context): void {
  program
    .command('demo')
    .description('show a whole check-up, from the scan to a merged repair')
    .option('-r, --repo <path>', 'use this repository instead of a sample')
    .option('--keep', 'keep the sample and its record, and say where')
    .option('--json', 'print one JSON document at the end')
    .addHelpText('after', EXAMPLES)
    .action((options: DemoOptions) => perform(context, options, () => runDemo(context, options)));
}

interface Stage {
  folder: string;
  repo: string;
  branch: string;
  own: Context;
  leave: Leave;
}

async function runDemo(context: Context, options: DemoOptions): Promise<ExitCode> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-demo-')));
  const env = { ...context.env, SIGNALBOX_HOME: join(folder, 'home') };
  const own: Context = { ...context, env };
  const given = options.repo === undefined ? undefined : resolve(context.terminal.cwd, options.repo);
  const leave = leaveNothing(folder, options.keep ?? false);
  try {
    const repo = given === undefined ? join(folder, 'shop') : await realpath(given);
    if (given === undefined) await makeSample(repo);
    const branch = await git(repo, ['symbolic-ref', '--quiet', '--short', 'HEAD']).catch(() => {
      throw new CliFailure(`${repo} has no branch checked out, or is not a repository.`, {
        code: 'repository',
        hint: 'Check out a branch first; the demo merges into it.',
      });
    });
    return await showCheckup({ folder, repo, branch, own, leave }, options);
  } finally {
    await stopDaemon(own);
    if (!options.keep) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    // Worktrees that lay in the folder are gone; the repository should not list them for ever.
    if (!options.keep && given !== undefined) await git(given, ['worktree', 'prune']).catch(() => undefined);
    leave.done();
  }
}

interface Leave {
  /** While a run is watched, an interrupt belongs to it. */
  watching: boolean;
  done(): void;
}

/** However the process ends, the demo's own daemon ends with it, and its folder goes. */
function leaveNothing(folder: string, keep: boolean): Leave {
  const onExit = (): void => {
    endDaemonNow(join(folder, 'home', ENDPOINT_FILE));
    if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const onInterrupt = (): void => {
    if (!leave.watching) process.exit(EXIT.interrupted);
  };
  const leave: Leave = {
    watching: false,
    done() {
      process.off('exit', onExit);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onInterrupt);
    },
  };
  process.on('exit', onExit);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onInterrupt);
  return leave;
}

/** Ends the daemon that wrote the endpoint file, without the event loop: the process is about to end. */
function endDaemonNow(file: string): void {
  try {
    const { pid } = Endpoint.parse(JSON.parse(readFileSync(file, 'utf8')));
    process.kill(pid, 'SIGTERM');
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    for (let waited = 0; waited < DRAIN_MS && isRunning(pid); waited += 20) Atomics.wait(nobody, 0, 0, 20);
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone, or there never was one.
  }
}

async function showCheckup(stage: Stage, options: DemoOptions): Promise<ExitCode> {
  const { repo, branch, own, folder } = stage;
  const { terminal } = own;
  const say = options.json ? terminal.note : terminal.print;
  const { paint } = terminal;
  const before = await readLog(repo);
  say(
    paint.bold(options.repo === undefined ? 'A sample repository with planted problems:' : 'The repository:') + ` ${repo}`,
    ...indent(before),
    '',
  );
  if (terminal.interactive && !options.json)
    say(paint.dim(`Signalbox looks at it, and asks you before anything moves: a says yes. It merges into ${branch}.`), '');

  const { connection } = await reachDaemon(reachOf(own));
  const id = await startOrJoin(own, connection.client, { id: uuidv7(), workflow: { name: 'checkup' }, repo, into: branch });
  stage.leave.watching = true;
  const exit = await watchDemo(own, connection, id, options);
  stage.leave.watching = false;
  const { run } = await withDaemon(own, (client) => client.call('run/get', { run: id }));

  const after = await readLog(repo);
  const commit = run.merge?.state === 'merged' ? run.merge.commit : undefined;
  const diff = commit === undefined ? '' : await git(repo, ['diff', '--stat=80', '--no-ext-diff', '--no-textconv', `${commit}^1`, commit]);
  if (options.json)
    printJson(terminal, {
      run: id,
      status: run.status,
      merged: commit !== undefined,
      ...(commit === undefined ? {} : { commit }),
      branch,
      repo,
      before,
      after,
    });
  else say('', ...describeResult(stage, options, run, { after, diff, commit }));
  if (options.keep) say('', `Kept: ${folder}`, `  SIGNALBOX_HOME=${join(folder, 'home')} signalbox runs show ${shortId(id)}`);
  if (exit === EXIT.ok && commit === undefined) say('Nothing was merged: there was nothing to repair.');
  return exit;
}

async function watchDemo(own: Context, connection: Connection, id: string, options: DemoOptions): Promise<ExitCode> {
  const { terminal } = own;
  const json = options.json ?? false;
  if (terminal.interactive && !json) return watchToEnd(own, connection, id, { answering: 'ask', json, hints: false, document: false });
  const delegate = await openDelegate(connection);
  const say = json ? terminal.note : terminal.print;
  say(terminal.paint.dim('Nobody is at a terminal, so a second client answers the questions, as principal demo.'), '');
  try {
    return await watchToEnd(own, connection, id, { answering: 'delegate', delegate: delegate.grant, json, hints: false, document: false });
  } finally {
    delegate.close();
  }
}

function describeResult(
  { repo, branch, own, folder }: Stage,
  options: DemoOptions,
  run: Run,
  { after, diff, commit }: { after: string[]; diff: string; commit: string | undefined },
): string[] {
  const { paint } = own.terminal;
  const undo =
    options.repo !== undefined
      ? `git -C ${repo} revert -m 1 ${commit?.slice(0, 12) ?? ''}`
      : options.keep
        ? `SIGNALBOX_HOME=${join(folder, 'home')} signalbox undo ${shortId(run.id)}`
        : `signalbox undo ${shortId(run.id)}   (with --keep, to try it here)`;
  return [
    paint.bold(`${branch} afterwards:`),
    ...indent(after),
    ...(commit === undefined
      ? []
      : ['', paint.bold('What the merge changed:'), ...indent(cleanText(diff).split('\n')), '', `To take it back: ${undo}`]),
  ];
}

async function readLog(repo: string): Promise<string[]> {
  return cleanText(await git(repo, ['log', '--graph', '--oneline', '--no-color', '--max-count=15', '--decorate=short', 'HEAD'])).split(
    '\n',
  );
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
