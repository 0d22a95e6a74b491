import type { Command } from 'commander';
import type { Agent } from '../../../shared/state/agent.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import type { Paint } from '../render/paint.ts';
import { renderStatus } from '../render/run.ts';
import { type Column, renderTable } from '../render/table.ts';
import { formatAgo } from '../render/time.ts';

/** `signalbox agents`: lists the registered agents. */
export function addAgents(program: Command, context: Context): void {
  program
    .command('agents')
    .description('list the agents that work can be given to')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox agents')
    .action((options: CommonOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const { agents } = await withDaemon(context, (client) => client.call('agent/list', {}));
        const look = terminal.tableLook();
        if (options.json) printJson(terminal, { agents });
        else terminal.print(...renderTable(columns(terminal.now(), look.paint), agents, look), ...explainAdvisory(agents, look.paint));
        return EXIT.ok;
      }),
    );
}

/** Why some agents' programs run without a sandbox, each reason once. */
function explainAdvisory(agents: readonly Agent[], paint: Paint): string[] {
  const advisory = agents.flatMap(({ enforcement }) => (enforcement?.level === 'advisory' ? [enforcement.why] : []));
  return [...new Set(advisory)].map((why) => paint.yellow(`advisory: their programs run with all rights of your account. ${why}`));
}

function columns(now: number, paint: Paint): Column<Agent>[] {
  return [
    { title: 'AGENT', text: (agent) => agent.id, style: (text) => paint.cyan(text), flex: 'end', min: 8 },
    { title: 'ROLE', text: (agent) => agent.role || '-', flex: 'end', min: 6 },
    { title: 'ADAPTER', text: (agent) => agent.adapter },
    {
      title: 'STATUS',
      text: (agent) => agent.status,
      style: (text, agent) => renderStatus(agent.status, paint).replace(agent.status, text),
    },
    { title: 'SLOTS', text: (agent) => `${agent.used}/${agent.slots}`, align: 'right' },
    {
      title: 'SANDBOX',
      text: (agent) => agent.enforcement?.level ?? '-',
      style: (text, agent) => (agent.enforcement?.level === 'advisory' ? paint.yellow(text) : text),
    },
    { title: 'SINCE', text: (agent) => formatAgo(agent.since, now) },
    { title: 'REASON', text: (agent) => agent.reason, flex: 'end', min: 6 },
  ];
}
