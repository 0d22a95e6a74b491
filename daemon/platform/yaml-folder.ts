// The YAML files of a folder of ours or of the user's: policies, workflows.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The texts of the YAML files in a folder, by name without the ending; none when there is no such folder. Tests (`*.test.yaml`) are left out. */
export async function readYamlFolder(folder: string): Promise<Map<string, { file: string; text: string }>> {
  const names = (await readdir(folder).catch(() => [])).filter(isDefinition).sort();
  const read = names.map(async (name): Promise<[string, { file: string; text: string }]> => {
    const file = join(folder, name);
    return [name.replace(/\.ya?ml$/, ''), { file, text: await readFile(file, 'utf8') }];
  });
  return new Map(await Promise.all(read));
}

/** Whether a file of that name defines something; `*.test.yaml` only says what is expected of the file beside it. */
export function isDefinition(name: string): boolean {
  return /\.ya?ml$/.test(name) && !isTestFile(name);
}

/** Whether a file of that name holds tests of policies. */
export function isTestFile(name: string): boolean {
  return /\.test\.ya?ml$/.test(name);
}
