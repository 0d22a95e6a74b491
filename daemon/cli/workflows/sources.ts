// Workflow files as a person names them: a path, a name in .signalbox/workflows/, or one that comes with the program.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readYamlFolder } from '../../platform/yaml-folder.ts';
import { sha256 } from '../../platform/digest.ts';
import type { OtherWorkflows } from '../../workflow/load-call.ts';
import { loadWorkflow, type Problem, type WorkflowText } from '../../workflow/load.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT, shortenPath, usageFailure } from '../failure.ts';
import { bundleFolder } from '../policy/sources.ts';
import { cleanLine } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import { readParts, readWorkflowFile } from '../workflow-choice.ts';

/** A workflow that can be named, where it comes from, and its text. */
export interface NamedWorkflow extends WorkflowText {
  name: string;
  origin: 'built-in' | 'repository';
}

/** The workflows that can be started by name where somebody stands: those of the repository, then those that come with the program. */
export async function listNamed(context: Context): Promise<NamedWorkflow[]> {
  const root = findRoot(context.terminal.cwd);
  const own = root === undefined ? new Map<string, WorkflowText>() : await readYamlFolder(join(root, '.signalbox', 'workflows'));
  const builtin = await readYamlFolder(join(bundleFolder(context), 'workflows'));
  return [
    ...[...own].map(([name, text]): NamedWorkflow => ({ name, origin: 'repository', ...text })),
    ...[...builtin].map(([name, text]): NamedWorkflow => ({ name, origin: 'built-in', ...text })),
  ];
}

function findRoot(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** The text of a workflow that somebody named, with the files that stand beside it. */
export async function readNamed(
  context: Context,
  given: string,
  bindings: string | undefined,
): Promise<WorkflowText & { parts?: WorkflowText[] }> {
  const { cwd } = context.terminal;
  const source = /[/\\]|\.ya?ml$/.test(given)
    ? await readWorkflowFile(given, cwd)
    : (await listNamed(context)).find(({ name }) => name === given);
  if (!source)
    throw usageFailure(
      `There is no workflow ${given}.`,
      '`signalbox workflows list` shows those that have a name; a file is named by its path.',
    );
  const { file, text } = source;
  return { file, text, ...(bindings === undefined ? {} : { parts: await readParts(bindings, cwd) }) };
}

/** The workflows that one may run here: those of the repository, and those that come with the program. */
export async function othersHere(context: Context): Promise<OtherWorkflows> {
  const named = await listNamed(context);
  return { names: named.map(({ name }) => name), find: (wanted) => named.find(({ name }) => name === wanted), hash: sha256 };
}

/** A definition, or a failure with every problem of the file. */
export async function loadNamed(context: Context, given: string, bindings: string | undefined): Promise<WorkflowDefinition> {
  const loaded = loadWorkflow({ ...(await readNamed(context, given, bindings)), others: await othersHere(context) });
  if (loaded.ok) return loaded.definition;
  const { problems } = loaded;
  const details = problems.map((problem) => describeProblem(context.terminal, problem));
  const message = `${given} has ${problems.length} problem${problems.length === 1 ? '' : 's'}.`;
  throw new CliFailure(message, { code: 'invalid_workflow', exit: EXIT.failure, details, facts: { problems } });
}

/** `file:line:column: what is wrong`, with what was probably meant. */
export function describeProblem({ cwd, errorPaint: paint }: Pick<Terminal, 'cwd' | 'errorPaint'>, problem: Problem): string {
  const { file, line, column, message, hint } = problem;
  const where = `${shortenPath(file, cwd)}:${line}:${column}`;
  return `${paint.cyan(cleanLine(where))}: ${cleanLine(message)}${hint === undefined ? '' : ` ${cleanLine(hint)}`}`;
}
