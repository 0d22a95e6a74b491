import type { Command } from 'commander';
import type { Agent } from '../../../shared/state/agent.ts';
import { listUntaken } from '../../workflow/load-agents.ts';
import { loadWorkflow, type Problem } from '../../workflow/load.ts';
import { findDaemon } from '../connect/reach.ts';
import { type CommonOptions, type Context, perform, printJson, reachOf } from '../context.ts';
import { EXIT, type ExitCode, shortenPath } from '../failure.ts';
import { describeProblem, othersHere, readNamed } from './sources.ts';

interface ValidateOptions extends CommonOptions {
  bindings?: string;
}

const HELP = `
Examples:
  signalbox workflows validate .signalbox/workflows/*.yaml
  signalbox workflows validate examples/aos/bug-fix.yaml --bindings examples/aos/bindings.yaml

Where a daemon runs, stages that no registered agent could take are warned of.

Exit codes: 0 all of it loads, 1 it has problems, 2 wrong use.`;

/** `signalbox workflows validate`: every problem of workflow files, with its place. */
export function addValidate(workflows: Command, context: Context): void {
  workflows
    .command('validate')
    .description('say everything that is wrong with workflow files, with file, line and column')
    .argument('<workflow...>', 'paths to files, or names')
    .option('-b, --bindings <file>', 'who the roles of the files are, and what their checks do')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((given: string[], options: ValidateOptions) => perform(context, options, () => validate(context, given, options)));
}

async function validate(context: Context, given: readonly string[], options: ValidateOptions): Promise<ExitCode> {
  const { terminal } = context;
  const read = await Promise.all(given.map((name) => readNamed(context, name, options.bindings)));
  const others = await othersHere(context);
  const results = read.map((source) => ({ file: source.file, loaded: loadWorkflow({ ...source, others }) }));
  const agents = await listAgents(context);
  const untaken = (file: string): Problem[] => {
    const at = results.findIndex((one) => one.file === file);
    const { loaded } = results[at] ?? {};
    const source = read[at];
    return agents && source && loaded?.ok ? listUntaken(source, loaded.definition, agents) : [];
  };
  const ok = results.every(({ loaded }) => loaded.ok);
  if (options.json) {
    const files = results.map(({ file, loaded }) =>
      loaded.ok
        ? { file, ok: true, workflow: loaded.definition.workflow, stages: loaded.definition.stages.length, warnings: untaken(file) }
        : { file, ok: false, problems: loaded.problems },
    );
    printJson(terminal, { ok, files });
    return ok ? EXIT.ok : EXIT.failure;
  }
  for (const { file, loaded } of results) {
    const name = shortenPath(file, terminal.cwd);
    terminal.note(...untaken(file).map((problem) => `${terminal.errorPaint.yellow('warning:')} ${describeProblem(terminal, problem)}`));
    if (loaded.ok)
      terminal.print(
        `${terminal.paint.green(terminal.glyphs.done)} ${name}: ${loaded.definition.workflow}, ${count(loaded.definition.stages.length, 'stage')}`,
      );
    else {
      terminal.note(...loaded.problems.map((problem) => describeProblem(terminal, problem)));
      terminal.note(`${terminal.errorPaint.red(terminal.glyphs.failed)} ${name}: ${count(loaded.problems.length, 'problem')}`);
    }
  }
  return ok ? EXIT.ok : EXIT.failure;
}

/** The agents that are registered, where a daemon runs; none is started to find out. */
async function listAgents(context: Context): Promise<Agent[] | undefined> {
  const connection = await findDaemon(reachOf(context)).catch(() => undefined);
  if (!connection) return undefined;
  try {
    return (await connection.client.call('agent/list', {})).agents;
  } finally {
    connection.close();
  }
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
