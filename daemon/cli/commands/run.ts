import { type Command, InvalidArgumentError, Option } from 'commander';
import { uuidv7 } from 'uuidv7';
import type { Client } from '../../../shared/client/client.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { ParamsOf } from '../../../shared/protocol/methods.ts';
import type { Answering } from '../../../shared/state/run.ts';
import { parseDuration, type WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { readText } from '../artifacts.ts';
import type { Connection } from '../../../shared/client/connect.ts';
import { reachDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf, withDaemon } from '../context.ts';
import { CliFailure, EXIT, type ExitCode } from '../failure.ts';
import { shortId } from '../ids.ts';
import { renderMarkdown } from '../render/markdown.ts';
import { outcomeOf, renderOutcome } from '../render/outcome.ts';
import { countActions, renderPlan } from '../render/plan.ts';
import type { Picture } from '../render/stages.ts';
import { cleanLine } from '../render/text.ts';
import { formatAgo } from '../render/time.ts';
import { watchRun, type WatchOptions } from '../watch/watch.ts';
import { explainWorkflow } from '../workflows/explain.ts';
import { chooseRepo, chooseWorkflow, parseInputs } from '../workflow-choice.ts';

interface RunOptions extends CommonOptions {
  repo?: string;
  into?: string;
  base?: string;
  input: string[];
  approve?: Answering['mode'];
  deadline?: number;
  detach?: boolean;
  again?: boolean;
  dryRun?: boolean;
  bindings?: string;
}

const EXAMPLES = `
Examples:
  signalbox run checkup                          looks at the repository you are in
  signalbox run checkup --into main              and merges into main what you approve
  signalbox run ./release.yaml --input tag=v1.2  runs a workflow file
  signalbox run checkup --approve=deny --json    nobody there to ask: every question is a no
  signalbox run checkup --into main --dry-run    what it would do and ask, without doing it
  signalbox run checkup --deadline 10m           questions wait ten minutes, here or for anybody else

With no terminal, questions wait for an answer from elsewhere (--approve=ask) until their deadline. Where CI is set and
nobody is at a terminal, --approve=policy is the default: what no policy allows with \`headless: allow\` is a no.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 something was denied, 4 canceled, 5 nobody answered in time,
130 interrupted.`;

/** `signalbox run`: starts a workflow and watches it. */
export function addRun(program: Command, context: Context): void {
  program
    .command('run')
    .description('start a workflow on a repository and watch it')
    .argument('<workflow>', 'a built-in name (checkup), a name in .signalbox/workflows/, or a path to a .yaml file')
    .option('-r, --repo <path>', 'the repository (default: the current folder)')
    .option('--into <branch>', 'merge the result into this branch, after an approval')
    .option('--base <ref>', 'start from this branch, tag or commit (default: what --into names, or is checked out)')
    .option(
      '-i, --input <name=value>',
      'an input of the workflow; name:=json for numbers, true, false and lists',
      (pair: string, all: string[]) => [...all, pair],
      [],
    )
    .addOption(
      new Option(
        '--approve <how>',
        'what happens with questions: ask waits, deny is a no to all, policy does what `headless` says',
      ).choices(['ask', 'deny', 'policy']),
    )
    .option('--deadline <time>', 'after so long (30s, 10m, 2h) its questions are a no', readDuration)
    .option('-b, --bindings <file>', 'who the roles of the workflow file are, and what its checks do')
    .option('-d, --detach', 'start it and return')
    .option('--dry-run', 'start nothing: say what it would do, who would get it, and what the policies say')
    .option('--again', 'start another one although the same is running')
    .option('--json', 'print one JSON document at the end; progress goes to standard error')
    .addHelpText('after', EXAMPLES)
    .action((workflow: string, options: RunOptions) => perform(context, options, () => run(context, workflow, options)));
}

/** Says what a run would do; with something that is denied the exit code says so. */
async function dryRun(context: Context, given: string, options: RunOptions): Promise<ExitCode> {
  const { terminal } = context;
  const workflow = await chooseWorkflow(given, terminal.cwd, options.bindings);
  const repo = chooseRepo(options.repo, workflow, terminal.cwd);
  const where = { ...(repo === undefined ? {} : { repo }), ...(options.into === undefined ? {} : { into: options.into }) };
  const params = { workflow, inputs: parseInputs(options.input), ...where };
  const plan = await withDaemon(context, (client) => client.call('run/plan', params));
  terminal.note(...plan.notices.map((notice) => `${terminal.errorPaint.yellow('note:')} ${cleanLine(notice)}`));
  const explain = (definition: WorkflowDefinition) =>
    new Map(explainWorkflow(definition).map(({ stage, sentences }) => [stage, sentences]));
  if (options.json) printJson(terminal, plan);
  else terminal.print(...renderPlan(plan, explain, terminal.textLook()));
  return plan.start.allowed && countActions(plan).deny === 0 ? EXIT.ok : EXIT.denied;
}

async function run(context: Context, given: string, options: RunOptions): Promise<ExitCode> {
  if (options.dryRun) return dryRun(context, given, options);
  const { terminal } = context;
  const approve = chooseAnswering(context, options.approve);
  const workflow = await chooseWorkflow(given, terminal.cwd, options.bindings);
  const repo = chooseRepo(options.repo, workflow, terminal.cwd);
  const params = {
    id: uuidv7(),
    workflow,
    inputs: parseInputs(options.input),
    again: options.again ?? false,
    approve,
    ...(options.deadline === undefined ? {} : { deadlineMs: options.deadline }),
    ...(repo === undefined ? {} : { repo }),
    ...(options.into === undefined ? {} : { into: options.into }),
    ...(options.base === undefined ? {} : { base: options.base }),
  };
  const { connection, id } = await beginRun(context, () => params);
  if (options.detach) return detach(context, connection, id, options);
  return watchToEnd(context, connection, id, { answering: approve === 'deny' ? 'deny' : 'ask', json: options.json ?? false });
}

/** What was asked for; else a person where one can be asked, and the policy's word in CI. */
function chooseAnswering({ terminal, env }: Context, given: Answering['mode'] | undefined): Answering['mode'] {
  if (given !== undefined) return given;
  if (terminal.interactive || !env.CI || env.CI === 'false') return 'ask';
  terminal.note(
    'CI is set and nobody is at a terminal, so questions are answered by the policy (--approve=policy); what it does not allow is a no.',
  );
  return 'policy';
}

function readDuration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1_000) throw new InvalidArgumentError('It takes a time such as 30s, 10m or 2h, at least 1s.');
  return ms;
}

/** Reaches the daemon and starts a run there, or finds the one that runs already; the connection stays open. */
export async function beginRun(
  context: Context,
  describe: (client: Client) => ParamsOf<'run/start'> | Promise<ParamsOf<'run/start'>>,
): Promise<{ connection: Connection; id: string }> {
  const { connection } = await reachDaemon(reachOf(context));
  try {
    return { connection, id: await startOrJoin(context, connection.client, await describe(connection.client)) };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Starts the run, or finds the one that runs already; says so, and what there is to know beforehand. */
export async function startOrJoin({ terminal }: Context, client: Client, params: ParamsOf<'run/start'>): Promise<string> {
  try {
    const { run: id, notices } = await client.call('run/start', params);
    terminal.note(...notices.map((notice) => `${terminal.errorPaint.yellow('note:')} ${cleanLine(notice)}`));
    return id;
  } catch (error) {
    const active = error instanceof SignalboxError && error.code === 'run_active' ? error.facts.run : undefined;
    if (typeof active !== 'string') throw error;
    const { run } = await client.call('run/get', { run: active });
    terminal.note(
      `Going on with run ${shortId(active)}, started ${formatAgo(run.submittedAt, terminal.now())}; --again starts another one.`,
    );
    return active;
  }
}

/** Leaves a run to itself, and says how to look at it. */
export function detach({ terminal }: Context, connection: Connection, id: string, { json }: CommonOptions): ExitCode {
  connection.close();
  if (json) printJson(terminal, { run: id });
  else terminal.print(`run ${shortId(id)} goes on; signalbox runs show ${shortId(id)}`);
  return EXIT.ok;
}

/** Watches a run and prints its report and outcome (with `json` as one document, unless `document` is false); the exit code says how it ended. */
export async function watchToEnd(
  context: Context,
  connection: Connection,
  id: string,
  options: Pick<WatchOptions, 'answering' | 'delegate'> & { json: boolean; hints?: boolean; document?: boolean },
): Promise<ExitCode> {
  const { terminal } = context;
  const { json, hints = true, document = true, ...answering } = options;
  const end = await watchRun({ terminal, reach: reachOf(context), connection, run: id, aside: json, ...answering });
  switch (end.kind) {
    case 'left':
      terminal.note(`Run ${shortId(id)} goes on. The same command comes back to it; signalbox cancel ${shortId(id)} ends it.`);
      return EXIT.ok;
    case 'stopped':
      throw new CliFailure(`The daemon was stopped (${cleanLine(end.reason)}).`, {
        code: 'daemon_stopped',
        hint: `Run ${shortId(id)} is taken up again when the daemon starts: signalbox up`,
      });
    case 'interrupted':
      terminal.note(...renderOutcome(end.picture, { ...terminal.textLook(), paint: terminal.errorPaint }, { hints }));
      return EXIT.interrupted;
    case 'ended':
      if (!json || document) await showEnd(context, end.picture, { json, hints });
      return outcomeOf(end.picture).exit;
    default:
      return end satisfies never;
  }
}

async function showEnd(context: Context, picture: Picture, { json, hints }: { json: boolean; hints: boolean }): Promise<void> {
  const { terminal } = context;
  const { connection } = await reachDaemon(reachOf(context));
  try {
    const { client } = connection;
    const digest = picture.state.artifacts.get(picture.run.id)?.get('report.md')?.digest;
    const report = digest === undefined ? undefined : await readText(client, digest);
    if (json) {
      const detail = await client.call('run/get', { run: picture.run.id });
      printJson(terminal, { ...detail, outcome: outcomeOf(picture), ...(report === undefined ? {} : { report }) });
      return;
    }
    const look = terminal.textLook();
    if (report !== undefined) terminal.print('', ...renderMarkdown(report, look));
    terminal.print('', ...renderOutcome(picture, look, { hints }));
  } finally {
    connection.close();
  }
}
