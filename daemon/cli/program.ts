import { Command } from 'commander';
import { PROGRAM_VERSION } from '../../shared/protocol/version.ts';
import { SETTINGS } from '../settings.ts';
import { addAgents } from './commands/agents.ts';
import { addApprovals } from './commands/approvals.ts';
import { addApprove } from './commands/approve.ts';
import { addCancel } from './commands/cancel.ts';
import { addCompletion } from './commands/completion.ts';
import { addDemo } from './commands/demo.ts';
import { addDeny } from './commands/deny.ts';
import { addDown } from './commands/down.ts';
import { addEvents } from './commands/events.ts';
import { addExtend } from './commands/extend.ts';
import { addGc } from './commands/gc.ts';
import { addInit } from './commands/init.ts';
import { addJournal } from './commands/journal.ts';
import { addLogs } from './commands/logs.ts';
import { addPolicy } from './commands/policy.ts';
import { addPin } from './commands/pin.ts';
import { addRedact } from './commands/redact.ts';
import { addReplay } from './commands/replay.ts';
import { addRevoke } from './commands/revoke.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addStatus } from './commands/status.ts';
import { addTask } from './commands/task.ts';
import { addSteer } from './commands/steer.ts';
import { addTasks } from './commands/tasks.ts';
import { addToken } from './commands/token.ts';
import { addTriggers } from './commands/triggers.ts';
import { addTrust } from './commands/trust.ts';
import { addUndo } from './commands/undo.ts';
import { addUp } from './commands/up.ts';
import { addWorktrees } from './commands/worktrees.ts';
import { addWorkflows } from './commands/workflows.ts';
import type { Context } from './context.ts';
import { padText, wrapText } from './render/text.ts';

const GROUPS: readonly (readonly [string, readonly ((program: Command, context: Context) => void)[]])[] = [
  ['Work:', [addRun, addTask, addRuns, addCancel, addSteer, addExtend, addUndo, addWorkflows, addTriggers, addDemo]],
  ['Decide:', [addApprovals, addApprove, addDeny, addRevoke, addTrust, addToken, addInit, addPolicy]],
  ['Look:', [addStatus, addTasks, addAgents, addWorktrees, addEvents, addReplay, addLogs, addJournal, addRedact, addPin, addGc]],
  ['Daemon:', [addUp, addDown]],
];

const describeUse = (width: number): string => `
Examples:
  signalbox demo                     shows all of it on a sample repository
  signalbox run checkup              looks at the repository you are in, repairs, asks, reports
  signalbox approvals                what waits for your answer
  source <(signalbox completion bash)

Every command takes --json. Ids may be shortened to their first characters, as the lists show them.

Environment:
${describeEnvironment(width)}

Exit codes: 0 done, 1 failed, 2 wrong use, 3 denied, 4 canceled, 5 nobody answered in time, 130 interrupted.`;

const NAME_WIDTH = 29;

/** The settings of the environment, from the one table, wrapped to a width. */
function describeEnvironment(width: number): string {
  const settings = Object.entries(SETTINGS).map(([name, { text, default: fallback }]) => [name, `${text} (${fallback})`] as const);
  const colours = ['NO_COLOR, FORCE_COLOR', 'Without colours, or with them even when piped.'] as const;
  return [...settings, colours]
    .flatMap(([name, text]) =>
      wrapText(text, width - NAME_WIDTH).map((line, i) => `${padText(i === 0 ? `  ${name}` : '', NAME_WIDTH)}${line}`),
    )
    .join('\n');
}

/** The whole command line. */
export function buildProgram(context: Context): Command {
  const { terminal } = context;
  const program = new Command('signalbox')
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
    .showHelpAfterError('(--help shows how it is used)')
    .addHelpText('after', () => describeUse(Math.min(100, terminal.width())));
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading);
    for (const add of commands) add(program, context);
  }
  program.commandsGroup('Shell:');
  addCompletion(program, context);
  return program;
}
