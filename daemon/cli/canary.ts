// What an agent did when it was led through decoys, as a table.
import type { Client } from '../../shared/client/client.ts';
import type { AgentFound, CanaryReport, CanaryRow } from '../../shared/protocol/views.ts';
import { type CommonOptions, type Context, printJson } from './context.ts';
import { EXIT, type ExitCode } from './failure.ts';
import type { Paint } from './render/paint.ts';
import { type Column, renderTable } from './render/table.ts';

/** How long the daemon may take to lead an agent through all decoys. */
const CANARY_MS = 1_200_000;

/** Runs the canary of an agent and prints what came of it; a failure when something happened unseen. */
export async function tryCanary(
  { terminal }: Context,
  client: Client,
  { agent, title }: AgentFound,
  options: CommonOptions,
): Promise<ExitCode> {
  terminal.note(`${title} is led through decoys in a folder of its own, without your keys. That takes a minute or two.`);
  const { report } = await client.call('agent/canary', { agent }, { timeoutMs: CANARY_MS });
  if (options.json) printJson(terminal, { report });
  else {
    const look = terminal.tableLook();
    terminal.print(...renderTable(columns(look.paint), report.rows, look), '', describe(report));
  }
  return report.rows.some(({ result }) => result === 'unseen') ? EXIT.failure : EXIT.ok;
}

function columns(paint: Paint): Column<CanaryRow>[] {
  const colours: Record<CanaryRow['result'], (text: string) => string> = {
    decided: paint.green,
    sandboxed: paint.green,
    refused: paint.cyan,
    unseen: paint.red,
    'not tried': paint.dim,
  };
  return [
    { title: 'DECOY', text: ({ what }) => what, flex: 'end', min: 20 },
    { title: 'RESULT', text: ({ result }) => result, style: (text, { result }) => colours[result](text) },
    { title: 'DETAIL', text: ({ detail }) => detail, flex: 'end', min: 20 },
  ];
}

function describe({ agent, version, enforcement, rows }: CanaryReport): string {
  const unseen = rows.filter(({ result }) => result === 'unseen').length;
  const where = enforcement.level === 'enforced' ? 'in the sandbox' : `without a sandbox (${enforcement.why})`;
  const what = unseen === 0 ? 'nothing happened unseen' : `${unseen} of ${rows.length} happened unseen`;
  return `${agent} ${version || '(it does not tell its version)'}, ${where}: ${what}.`;
}
