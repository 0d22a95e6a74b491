import type { Command } from 'commander';
import type { GivenUp } from '../../../shared/events/task.ts';
import type { Task } from '../../../shared/state/task.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';
import type { Paint } from '../render/paint.ts';
import { renderStatus } from '../render/run.ts';
import { type Column, renderTable } from '../render/table.ts';
import { formatAgo } from '../render/time.ts';
import { readCount } from './runs.ts';

/** `signalbox tasks`: lists tasks and what they wait for. */
export function addTasks(program: Command, context: Context): void {
  program
    .command('tasks')
    .description('list the tasks, newest first, and what they wait for')
    .option('--run <id>', 'only of this run')
    .option('--active', 'only those that have not ended')
    .option('--dead', 'only those that nothing more is tried for until somebody takes them up again (signalbox requeue)')
    .option('-n, --limit <count>', 'how many', readCount, 50)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox tasks --active\n  signalbox tasks --dead\n  signalbox tasks --run 3f9a1c2e --json')
    .action((options: CommonOptions & { run?: string; active?: boolean; dead?: boolean; limit: number }) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const { tasks } = await withDaemon(context, async (client) => {
          const run = options.run === undefined ? undefined : await findRun(client, options.run, terminal.now());
          const which = { active: options.active ?? false, dead: options.dead ?? false };
          return client.call('task/list', { limit: options.limit, ...which, ...(run ? { run: run.id } : {}) });
        });
        const look = terminal.tableLook();
        if (options.json) printJson(terminal, { tasks });
        else if (tasks.length === 0) terminal.print(options.dead ? 'There are no dead letters.' : 'There are no tasks.');
        else terminal.print(...renderTable(columns(terminal.now(), look.paint, options.dead), tasks, look));
        return EXIT.ok;
      }),
    );
}

const WHY: Readonly<Record<GivenUp, string>> = {
  dead_letter: 'tried often enough',
  escalate: 'trying again would not help',
  skip: '-',
};

/** Why nothing more is tried; older records do not say. */
const sayWhy = ({ answer, failures, maxAttempts }: Task): string =>
  answer === 'dead_letter' && failures + 1 < maxAttempts ? 'its agent failed too often' : answer === undefined ? '-' : WHY[answer];

function columns(now: number, paint: Paint, dead = false): Column<Task>[] {
  return [
    { title: 'TASK', text: (task) => shortId(task.id), style: (text) => paint.cyan(text), flex: 'end', min: 8 },
    { title: 'STAGE', text: (task) => task.stage ?? '-', flex: 'end', min: 5 },
    { title: 'AGENT', text: (task) => task.agent ?? task.wants, flex: 'end', min: 6 },
    { title: 'STATUS', text: (task) => task.status, style: (text, task) => renderStatus(task.status, paint).replace(task.status, text) },
    dead
      ? { title: 'WHY', text: sayWhy }
      : { title: 'WAITS FOR', text: (task) => (task.status === 'pending' ? (task.waitsFor ?? '-') : '-') },
    { title: 'SUBMITTED', text: (task) => formatAgo(task.submittedAt, now) },
    { title: 'MESSAGE', text: (task) => task.message ?? '', flex: 'end', min: 6 },
  ];
}
