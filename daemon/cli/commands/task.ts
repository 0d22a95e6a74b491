import { type Command, Option } from 'commander';
import { uuidv7 } from 'uuidv7';
import { MAX_PROMPT } from '../../../shared/state/prompt-workflow.ts';
import { reachDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf } from '../context.ts';
import { EXIT, type ExitCode, usageFailure } from '../failure.ts';
import { shortId } from '../ids.ts';
import { chooseRepo } from '../workflow-choice.ts';
import { describeWork, taskWorkflow } from '../task-run.ts';
import { startOrJoin, watchToEnd } from './run.ts';

interface TaskOptions extends CommonOptions {
  agent: string;
  repo?: string;
  into?: string;
  timeout?: string;
  approve: 'ask' | 'deny';
  detach?: boolean;
}

const EXAMPLES = `
The agent works in a worktree of its own. What it did is committed on a branch, and merged where --into says so, after an approval.

Examples:
  signalbox task "Add a test for the parser" --agent claude-code
  signalbox task "Fix the failing build" --agent opencode --repo ~/projects/shop --into main
  signalbox task "Write the changelog" --agent gemini --approve=deny --json

Exit codes: 0 done, 1 failed, 2 wrong use, 3 something was denied, 4 canceled, 130 interrupted.`;

/** `signalbox task`: gives one prompt to one agent and watches it. */
export function addTask(program: Command, context: Context): void {
  program
    .command('task')
    .description('give a task to a coding agent and watch it')
    .argument('<prompt>', 'what it is to do, in words')
    .requiredOption('-a, --agent <agent>', 'a registered agent (signalbox agents)')
    .option('-r, --repo <path>', 'the repository (default: the current folder)')
    .option('--into <branch>', 'merge the result into this branch, after an approval')
    .option('--timeout <duration>', 'how long it may take, without the time in which it waits for an answer', '1h')
    .addOption(new Option('--approve <how>', 'what happens with questions').choices(['ask', 'deny']).default('ask'))
    .option('-d, --detach', 'start it and return')
    .option('--json', 'print one JSON document at the end; progress goes to standard error')
    .addHelpText('after', EXAMPLES)
    .action((prompt: string, options: TaskOptions) => perform(context, options, () => startTask(context, prompt, options)));
}

async function startTask(context: Context, prompt: string, options: TaskOptions): Promise<ExitCode> {
  const { terminal } = context;
  const bytes = Buffer.byteLength(prompt);
  if (prompt.trim() === '') throw usageFailure('There is nothing in the prompt.');
  if (bytes > MAX_PROMPT)
    throw usageFailure(
      `The prompt has ${bytes} bytes; ${MAX_PROMPT} is the most.`,
      'Put the details into a file of the repository, and name it in the prompt.',
    );
  const workflow = taskWorkflow(prompt, options);
  const repo = chooseRepo(options.repo, { name: workflow.file }, terminal.cwd);
  const params = {
    id: uuidv7(),
    workflow,
    inputs: { prompt },
    again: true,
    ...(repo === undefined ? {} : { repo }),
    ...(options.into === undefined ? {} : { into: options.into }),
  };
  const { connection } = await reachDaemon(reachOf(context));
  let id: string;
  try {
    id = await startOrJoin(context, connection.client, params);
  } catch (error) {
    connection.close();
    throw error;
  }
  if (options.detach) {
    connection.close();
    if (options.json) printJson(terminal, { run: id });
    else terminal.print(`run ${shortId(id)} goes on; signalbox runs show ${shortId(id)}`);
    return EXIT.ok;
  }
  const json = options.json ?? false;
  const code = await watchToEnd(context, connection, id, { answering: options.approve, json });
  if (!json) await sayWork(context, id);
  return code;
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
