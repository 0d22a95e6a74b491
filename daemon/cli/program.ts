import { Command } from 'commander';
import { PROGRAM_VERSION } from '../../shared/protocol/version.ts';
import type { Context } from './context.ts';
import { padText, wrapText } from './render/text.ts';

type Add = (program: Command, context: Context) => void;

const loadSteer = async (): Promise<Add> => (await import('./commands/steer.ts')).addSteer;

/** The commands by name: what one needs is loaded when it is called, and all of them only to be listed. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, () => Promise<Add>>>>> = {
  'Work:': {
    run: async () => (await import('./commands/run.ts')).addRun,
    task: async () => (await import('./commands/task.ts')).addTask,
    runs: async () => (await import('./commands/runs.ts')).addRuns,
    cancel: async () => (await import('./commands/cancel.ts')).addCancel,
    pause: loadSteer,
    resume: loadSteer,
    retry: loadSteer,
    skip: loadSteer,
    requeue: async () => (await import('./commands/requeue.ts')).addRequeue,
    extend: async () => (await import('./commands/extend.ts')).addExtend,
    merges: async () => (await import('./commands/merges.ts')).addMerges,
    undo: async () => (await import('./commands/undo.ts')).addUndo,
    workflows: async () => (await import('./commands/workflows.ts')).addWorkflows,
    triggers: async () => (await import('./commands/triggers.ts')).addTriggers,
    demo: async () => (await import('./commands/demo.ts')).addDemo,
  },
  'Decide:': {
    approvals: async () => (await import('./commands/approvals.ts')).addApprovals,
    approve: async () => (await import('./commands/approve.ts')).addApprove,
    deny: async () => (await import('./commands/deny.ts')).addDeny,
    revoke: async () => (await import('./commands/revoke.ts')).addRevoke,
    trust: async () => (await import('./commands/trust.ts')).addTrust,
    token: async () => (await import('./commands/token.ts')).addToken,
    init: async () => (await import('./commands/init.ts')).addInit,
    policy: async () => (await import('./commands/policy.ts')).addPolicy,
  },
  'Look:': {
    status: async () => (await import('./commands/status.ts')).addStatus,
    tasks: async () => (await import('./commands/tasks.ts')).addTasks,
    agents: async () => (await import('./commands/agents.ts')).addAgents,
    worktrees: async () => (await import('./commands/worktrees.ts')).addWorktrees,
    events: async () => (await import('./commands/events.ts')).addEvents,
    replay: async () => (await import('./commands/replay.ts')).addReplay,
    logs: async () => (await import('./commands/logs.ts')).addLogs,
    journal: async () => (await import('./commands/journal.ts')).addJournal,
    redact: async () => (await import('./commands/redact.ts')).addRedact,
    pin: async () => (await import('./commands/pin.ts')).addPin,
    gc: async () => (await import('./commands/gc.ts')).addGc,
  },
  'Daemon:': {
    up: async () => (await import('./commands/up.ts')).addUp,
    down: async () => (await import('./commands/down.ts')).addDown,
    mcp: async () => (await import('./commands/mcp.ts')).addMcp,
  },
  'Shell:': { completion: async () => (await import('./commands/completion.ts')).addCompletion },
};

const describeUse = (environment: string): string => `
Examples:
  signalbox demo                     shows all of it on a sample repository
  signalbox run checkup              looks at the repository you are in, repairs, asks, reports
  signalbox approvals                what waits for your answer
  source <(signalbox completion bash)

Every command takes --json. Ids may be shortened to their first characters, as the lists show them.

Environment:
${environment}

Exit codes: 0 done, 1 failed, 2 wrong use, 3 denied, 4 canceled, 5 nobody answered in time, 130 interrupted.`;

const NAME_WIDTH = 29;

/** The settings of the environment, from the one table, wrapped to a width. */
function describeEnvironment(table: Readonly<Record<string, { text: string; default: string }>>, width: number): string {
  const settings = Object.entries(table).map(([name, { text, default: fallback }]) => [name, `${text} (${fallback})`] as const);
  const colours = ['NO_COLOR, FORCE_COLOR', 'Without colours, or with them even when piped.'] as const;
  return [...settings, colours]
    .flatMap(([name, text]) =>
      wrapText(text, width - NAME_WIDTH).map((line, i) => `${padText(i === 0 ? `  ${name}` : '', NAME_WIDTH)}${line}`),
    )
    .join('\n');
}

/** The command line that the words behind `signalbox` need: one command where they name one, none for the version, else all. */
export async function buildProgram(context: Context, words: readonly string[]): Promise<Command> {
  const [first = ''] = words;
  const named = Object.values(GROUPS).find((commands) => Object.hasOwn(commands, first))?.[first];
  const program = startProgram(context);
  if (named !== undefined && first !== 'completion') (await named())(program, context);
  else if (first !== '--version' && first !== '-V') await addAll(program, context);
  return program;
}

async function addAll(program: Command, context: Context): Promise<void> {
  const { SETTINGS } = await import('../settings.ts');
  const width = Math.min(100, context.terminal.width());
  program.addHelpText('after', () => describeUse(describeEnvironment(SETTINGS, width)));
  for (const [heading, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(heading);
    for (const add of new Set(await Promise.all(Object.values(commands).map((load) => load())))) add(program, context);
  }
}

function startProgram({ terminal }: Context): Command {
  return new Command('signalbox')
    .description('Runs coding agents on your repositories, each in its own worktree, and asks you only where your policy says so.')
    .version(PROGRAM_VERSION)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: terminal.write,
      writeErr: terminal.writeError,
      outputError: (text, write) => write(text.replace(/^error:/, terminal.errorPaint.red(terminal.errorPaint.bold('error:')))),
      getOutHelpWidth: () => Math.min(100, terminal.width()),
      getErrHelpWidth: () => Math.min(100, terminal.width()),
      getOutHasColors: () => terminal.paint.isColorSupported,
      getErrHasColors: () => terminal.errorPaint.isColorSupported,
    })
    .configureHelp({ styleTitle: (title) => terminal.paint.bold(title) })
    .showHelpAfterError('(--help shows how it is used)');
}
