import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addExplainWorkflow } from '../workflows/explain.ts';
import { addGraph } from '../workflows/graph.ts';
import { addList } from '../workflows/list.ts';
import { addNew } from '../workflows/new.ts';
import { addValidate } from '../workflows/validate.ts';

/** `signalbox workflows`: looks after workflow files; needs no daemon. */
export function addWorkflows(program: Command, context: Context): void {
  const workflows = program
    .command('workflows')
    .helpCommand(false)
    .description('list, validate, draw and explain workflows, and write new ones (needs no daemon)');
  addList(workflows, context);
  addValidate(workflows, context);
  addGraph(workflows, context);
  addExplainWorkflow(workflows, context);
  addNew(workflows, context);
}
