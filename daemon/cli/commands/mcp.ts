import { createRequire } from 'node:module';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import type { createToolServer } from '../../platform/mcp/server.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf } from '../context.ts';
import { EXIT, type ExitCode, usageFailure } from '../failure.ts';
import { openOutsideSession } from '../outside-session.ts';

interface McpOptions extends CommonOptions {
  as: string;
  repo?: string;
}

const EXAMPLES = `
For an agent that you run yourself: it can report, ask you for a yes (answer in VS Code or with \`signalbox approve\`), and
give tasks to agents of Signalbox, which sees only what it says there.

Examples:
  claude mcp add signalbox -- signalbox mcp --as my-claude
  codex mcp add signalbox -- signalbox mcp --as my-codex
  gemini mcp add signalbox signalbox mcp -- --as my-gemini
  signalbox mcp --json               prints the entry for other clients`;

/** `signalbox mcp`: an MCP server on its pipes, for an agent that a person runs. */
export function addMcp(program: Command, context: Context): void {
  program
    .command('mcp')
    .description('serve the tools of Signalbox over MCP to an agent that you run yourself')
    .option('--as <name>', 'the name under which it is listed', 'outside')
    .option('-r, --repo <path>', 'the repository of the tasks that it submits (default: the current folder)')
    .option('--json', 'print how a client is set up for it, and serve nothing')
    .addHelpText('after', EXAMPLES)
    .action((options: McpOptions) => perform(context, options, () => serve(context, options)));
}

async function serve(context: Context, { as, repo, json }: McpOptions): Promise<ExitCode> {
  const { terminal, script = '.' } = context;
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(as)) throw usageFailure(`${as} is no name: write lower-case letters, digits and dashes, 31 at most.`);
  if (json) {
    printJson(terminal, { mcpServers: { signalbox: { command: 'signalbox', args: ['mcp', '--as', as] } } });
    return EXIT.ok;
  }
  const session = openOutsideSession(reachOf(context), { name: as, repo: repo ?? terminal.cwd });
  const place = dirname(realpathSync(script));
  const { createToolServer: create } = createRequire(script)(join(place, 'mcp.cjs')) as { createToolServer: typeof createToolServer };
  create(session.answer).serve(process.stdin, process.stdout);
  await new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  await session.end();
  return EXIT.ok;
}
