// What the user named as a workflow, and where it is to run.
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ParamsOf } from '../../shared/protocol/methods.ts';
import { listHandoffFiles } from '../workflow/load-bindings.ts';
import { CliFailure, usageFailure } from './failure.ts';

type WorkflowChoice = ParamsOf<'run/start'>['workflow'];
type Inputs = NonNullable<ParamsOf<'run/start'>['inputs']>;

const MAX_BYTES = 256 * 1024;

/** A path when it looks like one (a slash, or .yaml at its end), else a name; throws CliFailure when the file cannot be read. */
export async function chooseWorkflow(given: string, cwd: string, bindings?: string): Promise<WorkflowChoice> {
  if (!/[/\\]|\.ya?ml$/.test(given)) {
    if (bindings !== undefined) throw usageFailure('--bindings goes with a workflow file, not with a name.');
    return { name: given };
  }
  const source = await readWorkflowFile(given, cwd);
  return bindings === undefined ? source : { ...source, parts: await readParts(bindings, cwd) };
}

/** A file of bindings, and the handoffs that it names; throws CliFailure for one that cannot be read. */
export async function readParts(given: string, cwd: string): Promise<{ file: string; text: string }[]> {
  const bindings = await readWorkflowFile(given, cwd);
  const folder = dirname(bindings.file);
  return [bindings, ...(await Promise.all(listHandoffFiles(bindings.text).map((name) => readWorkflowFile(name, folder))))];
}

/** The text of a file that a person named; throws CliFailure when it cannot be read. */
export async function readWorkflowFile(given: string, cwd: string): Promise<{ file: string; text: string }> {
  const file = resolve(cwd, given);
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw usageFailure(`${given} has ${size} bytes; a workflow file has at most ${MAX_BYTES}.`);
    return { file, text: await readFile(file, 'utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw usageFailure(
        `There is no file ${given}.`,
        'Name a built-in workflow (checkup), one in .signalbox/workflows/, or a path to a .yaml file.',
      );
    if (code === 'EISDIR') throw usageFailure(`${given} is a folder, not a workflow file.`);
    if (error instanceof CliFailure) throw error;
    throw new CliFailure(`${given} cannot be read: ${(error as Error).message}`);
  }
}

/** The repository of a run: the one that was named, else the current folder; a file that is run outside of any repository has none. */
export function chooseRepo(given: string | undefined, workflow: WorkflowChoice, cwd: string): string | undefined {
  if (given !== undefined) return isAbsolute(given) ? given : resolve(cwd, given);
  return 'name' in workflow || isInsideRepository(cwd) ? cwd : undefined;
}

function isInsideRepository(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git')) || (existsSync(join(at, 'HEAD')) && existsSync(join(at, 'objects')))) return true;
    if (dirname(at) === at) return false;
  }
}

/** Inputs from `name=text` and `name:=json`; throws a usage failure for anything else. */
export function parseInputs(pairs: readonly string[]): Inputs {
  const inputs: Inputs = {};
  for (const pair of pairs) {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(:?=)([\s\S]*)$/.exec(pair);
    if (!match)
      throw usageFailure(
        `--input ${pair} has no form that is known.`,
        'Write name=text, or name:=json for numbers, true, false and lists.',
      );
    const [, name = '', how, value = ''] = match;
    inputs[name] = how === '=' ? value : parseJson(name, value);
  }
  return inputs;
}

function parseJson(name: string, text: string): Inputs[string] {
  try {
    return JSON.parse(text) as Inputs[string];
  } catch {
    throw usageFailure(`The input ${name} is not JSON: ${text}`, `For text write ${name}=${text}`);
  }
}
