import { type Command, Option } from 'commander';
import { uuidv7 } from 'uuidv7';
import type { Client } from '../../../shared/client/client.ts';
import type { ParamsOf } from '../../../shared/protocol/methods.ts';
import { MergeHow } from '../../../shared/state/action.ts';
import { MAX_PROMPT } from '../../../shared/state/prompt-workflow.ts';
import { reachDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, reachOf } from '../context.ts';
import { type ExitCode, usageFailure } from '../failure.ts';
import { chooseRepo } from '../workflow-choice.ts';
import { describeWork, findEarlierRun, readCheck, taskWorkflow } from '../task-run.ts';
import { beginRun, detach, watchToEnd } from './run.ts';

interface TaskOptions extends CommonOptions {
  agent?: string;
  continue?: string;
  repo?: string;
  into?: string;
  base?: string;
  timeout?: string;
  how?: MergeHow;
  check: string[];
  approve: 'ask' | 'deny';
  detach?: boolean;
}

const EXAMPLES = `
The agent works in a worktree of its own. What it did is committed on a branch, and merged where --into says so, after an approval.

Examples:
  signalbox task "Add a test for the parser" --agent claude-code
  signalbox task "Fix the failing build" --agent opencode --repo ~/projects/shop --into main
  signalbox task "Rename the module" --agent claude-code --into main --how rebase --check tests
  signalbox task "Write the changelog" --agent gemini --approve=deny --json
  signalbox task "Now do the same for the printer" --continue 3f9a1c2e

With --continue the same agent goes on where it ended in that run: in the same worktree and, where it can, in the same session,
with all that it remembers. One that cannot, or another agent (--agent), is told what the record says of the work.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 something was denied, 4 canceled, 130 interrupted.`;

/** `signalbox task`: gives one prompt to one agent and watches it. */
export function addTask(program: Command, context: Context): void {
  program
    .command('task')
    .description('give a task to a coding agent and watch it')
    .argument('<prompt>', 'what it is to do, in words')
    .option('-a, --agent <agent>', 'a registered agent (signalbox agents); with --continue, that of the earlier run')
    .option('-c, --continue <run>', 'go on from the work of an earlier run: its id, or its beginning')
    .option('-r, --repo <path>', 'the repository (default: the current folder)')
    .option('--into <branch>', 'merge the result into this branch, after an approval')
    .option('--base <ref>', 'start from this branch, tag or commit (default: what --into names, or is checked out)')
    .addOption(
      new Option('--how <how>', 'how the branch takes it up: by a merge commit, commit by commit on top of it, or as one').choices(
        MergeHow.options,
      ),
    )
    .option(
      '--check <command>',
      "what the merged result has to pass before the branch moves; `tests` finds the repository's own",
      (one: string, all: string[]) => [...all, one],
      [],
    )
    .option('--timeout <duration>', 'how long it may take, without the time in which it waits for an answer', '1h')
    .addOption(new Option('--approve <how>', 'what happens with questions').choices(['ask', 'deny']).default('ask'))
    .option('-d, --detach', 'start it and return')
    .option('--json', 'print one JSON document at the end; progress goes to standard error')
    .addHelpText('after', EXAMPLES)
    .action((prompt: string, options: TaskOptions) => perform(context, options, () => startTask(context, prompt, options)));
}

async function startTask(context: Context, prompt: string, options: TaskOptions): Promise<ExitCode> {
  const bytes = Buffer.byteLength(prompt);
  if (prompt.trim() === '') throw usageFailure('There is nothing in the prompt.');
  if (bytes > MAX_PROMPT)
    throw usageFailure(
      `The prompt has ${bytes} bytes; ${MAX_PROMPT} is the most.`,
      'Put the details into a file of the repository, and name it in the prompt.',
    );
  if (options.agent === undefined && options.continue === undefined)
    throw usageFailure('Nobody is named who is to do it.', 'Add --agent and one of `signalbox agents`, or --continue and an earlier run.');
  if (options.into === undefined && (options.how !== undefined || options.check.length > 0))
    throw usageFailure('--how and --check are about a merge, and nothing is merged.', 'Name the branch with --into.');
  const { connection, id } = await beginRun(context, (client) => describeTask(context, client, prompt, options));
  if (options.detach) return detach(context, connection, id, options);
  const json = options.json ?? false;
  const code = await watchToEnd(context, connection, id, { answering: options.approve, json });
  if (!json) await sayWork(context, id);
  return code;
}

async function describeTask(context: Context, client: Client, prompt: string, options: TaskOptions): Promise<ParamsOf<'run/start'>> {
  const { terminal } = context;
  const earlier = options.continue === undefined ? undefined : await findEarlierRun(client, options.continue, terminal.now());
  const { timeout, how, check } = options;
  const checks = check.length > 0 ? { checks: check.map(readCheck) } : {};
  const workflow = taskWorkflow(prompt, { agent: options.agent ?? earlier?.agent ?? '', timeout, how, ...checks });
  // What goes on stays in its repository.
  const repo = earlier && options.repo === undefined ? undefined : chooseRepo(options.repo, { name: workflow.file }, terminal.cwd);
  return {
    id: uuidv7(),
    workflow,
    inputs: { prompt },
    again: true,
    ...(earlier === undefined ? {} : { continues: earlier.run }),
    ...(repo === undefined ? {} : { repo }),
    ...(options.into === undefined ? {} : { into: options.into }),
    ...(options.base === undefined ? {} : { base: options.base }),
  };
}

async function sayWork(context: Context, run: string): Promise<void> {
  const { terminal } = context;
  const { connection } = await reachDaemon(reachOf(context));
  try {
    terminal.print('', ...(await describeWork(connection.client, run, terminal.textLook().paint)));
  } finally {
    connection.close();
  }
}
