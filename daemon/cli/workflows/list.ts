import type { Command } from 'commander';
import { loadWorkflow } from '../../workflow/load.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { type Column, renderTable } from '../render/table.ts';
import { listNamed, othersHere } from './sources.ts';

interface Row {
  name: string;
  origin: string;
  file: string;
  stages: number;
  description: string;
  problems: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'WORKFLOW', text: ({ name }) => name },
  { title: 'FROM', text: ({ origin }) => origin },
  { title: 'STAGES', text: ({ stages }) => String(stages), align: 'right' },
  {
    title: 'WHAT IT DOES',
    text: ({ description, problems }) =>
      problems > 0 ? `${problems} problem${problems === 1 ? '' : 's'}: signalbox workflows validate` : description,
    flex: 'end',
    min: 20,
  },
];

/** `signalbox workflows list`: the workflows that can be started by name where somebody stands. */
export function addList(workflows: Command, context: Context): void {
  workflows
    .command('list')
    .description('list the workflows that can be started by name here')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox workflows list')
    .action((options: CommonOptions) => perform(context, options, () => list(context, options)));
}

async function list(context: Context, options: CommonOptions): Promise<ExitCode> {
  const { terminal } = context;
  const others = await othersHere(context);
  const rows = (await listNamed(context)).map(({ name, origin, file, text }): Row => {
    const loaded = loadWorkflow({ file, text, others });
    const about = loaded.ok
      ? { stages: loaded.definition.stages.length, description: loaded.definition.description ?? '', problems: 0 }
      : { stages: 0, description: '', problems: loaded.problems.length };
    return { name, origin, file, ...about };
  });
  if (options.json) printJson(terminal, { workflows: rows });
  else terminal.print(...renderTable(COLUMNS, rows, terminal.tableLook()));
  return EXIT.ok;
}
