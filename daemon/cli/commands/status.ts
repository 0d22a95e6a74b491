import type { Command } from 'commander';
import type { Client } from '../../../shared/client/client.ts';
import type { StatusResult, WorktreeClash } from '../../../shared/protocol/views.ts';
import { findDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { summariseClashes } from '../render/clash.ts';
import { listOpenBreakers } from '../render/breaker.ts';
import type { Look } from '../render/paint.ts';
import { renderFacts } from '../render/table.ts';
import { cleanLine } from '../render/text.ts';
import { formatAgo } from '../render/time.ts';

/** The rest of the answer does not wait longer for it. */
const WEATHER_MS = 3_000;

/** `signalbox status`: says how the daemon does; it does not start one. */
export function addStatus(program: Command, context: Context): void {
  program
    .command('status')
    .description('say whether the daemon runs, and what it does (does not start it)')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox status\n  signalbox status --json\n\nExit code 1 when no daemon runs.')
    .action((options: CommonOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const reach = reachOf(context);
        const connection = await findDaemon(reach);
        if (!connection) {
          if (options.json) printJson(terminal, { running: false, home: reach.home });
          else terminal.print(`No daemon runs for ${reach.home}. \`signalbox up\` starts one.`);
          return EXIT.failure;
        }
        const status = await connection.client.call('daemon/status', {});
        const clashes = status.tasks.running > 1 ? await readClashes(connection.client) : [];
        connection.close();
        if (options.json) printJson(terminal, { running: true, ...status, ...(clashes ? { clashes } : {}) });
        else terminal.print(...renderDaemon(status, terminal.now(), terminal.tableLook()), ...renderWeather(clashes, terminal.tableLook()));
        return EXIT.ok;
      }),
    );
}

/** Which worktrees in use will conflict; undefined where the answer took too long. */
async function readClashes(client: Client): Promise<WorktreeClash[] | undefined> {
  try {
    return (await client.call('worktree/list', { weather: true }, { timeoutMs: WEATHER_MS })).clashes;
  } catch {
    return undefined;
  }
}

function renderWeather(clashes: readonly WorktreeClash[] | undefined, { paint }: Look): string[] {
  if (!clashes) return ['Whether worktrees will conflict could not be said in time: signalbox worktrees'];
  const line = summariseClashes(clashes);
  return line === '' ? [] : [paint.yellow(line)];
}

/** The daemon's status as lines. */
export function renderDaemon(status: StatusResult, now: number, look: Look): string[] {
  const { paint } = look;
  const { runs, tasks, approvals } = status;
  const busy = status.agents.filter((agent) => agent.used > 0).length;
  return [
    ...renderFacts(
      [
        ['daemon', `${status.version}, process ${status.pid}, on 127.0.0.1:${status.port}, started ${formatAgo(status.startedAt, now)}`],
        ['home', status.home],
        ['runs', `${runs.active} active${runs.waiting > 0 ? `, ${runs.waiting} waiting for an approval` : ''}`],
        ['tasks', `${tasks.running} running, ${tasks.pending} pending`],
        ['agents', `${status.agents.length} registered, ${busy} at work`],
        ['record', `${status.seq} commits`],
        ['memory', `${Math.round(status.memoryMb)} MB, ${status.connections} connection${status.connections === 1 ? '' : 's'}`],
      ],
      look,
    ),
    ...(approvals > 0
      ? [paint.yellow(`${approvals} question${approvals === 1 ? ' waits' : 's wait'} for an answer: signalbox approvals`)]
      : []),
    ...(status.deadLetters
      ? [paint.yellow(`${status.deadLetters} failed task${status.deadLetters === 1 ? '' : 's'} to look at: signalbox tasks --dead`)]
      : []),
    ...(status.heldUp ?? []).map(({ run, stage, why, since }) =>
      paint.yellow(`${cleanLine(stage)} of run ${shortId(run)} is held up since ${formatAgo(since, now)}: ${cleanLine(why)}`),
    ),
    ...listOpenBreakers(status.agents, now).map((line) => paint.yellow(line)),
    ...status.notices.map((notice) => `${paint.yellow('note:')} ${cleanLine(notice)}`),
  ];
}
