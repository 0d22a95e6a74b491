import type { Command } from 'commander';
import { loadWorkflow } from '../../workflow/load.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { EXIT, type ExitCode, shortenPath } from '../failure.ts';
import { describeProblem, othersHere, readNamed } from './sources.ts';

interface ValidateOptions extends CommonOptions {
  bindings?: string;
}

const HELP = `
Examples:
  signalbox workflows validate .signalbox/workflows/*.yaml
  signalbox workflows validate examples/aos/bug-fix.yaml --bindings examples/aos/bindings.yaml

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
  const ok = results.every(({ loaded }) => loaded.ok);
  if (options.json) {
    const files = results.map(({ file, loaded }) =>
      loaded.ok
        ? { file, ok: true, workflow: loaded.definition.workflow, stages: loaded.definition.stages.length }
        : { file, ok: false, problems: loaded.problems },
    );
    printJson(terminal, { ok, files });
    return ok ? EXIT.ok : EXIT.failure;
  }
  for (const { file, loaded } of results) {
    const name = shortenPath(file, terminal.cwd);
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

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
