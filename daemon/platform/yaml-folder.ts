// The YAML files of a folder of ours or of the user's: policies, workflows.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_SOURCE_BYTES } from '../../shared/yaml/source.ts';

/** A file of YAML, or why it cannot be read. */
interface YamlFile {
  file: string;
  text: string;
  unreadable?: string;
}

/** The texts of the YAML files in a folder, by name without the ending; none when there is no such folder. Tests (`*.test.yaml`) are left out. */
export async function readYamlFolder(folder: string): Promise<Map<string, { file: string; text: string }>> {
  const read = (await listDefinitions(folder)).map(async (name): Promise<[string, { file: string; text: string }]> => {
    const file = join(folder, name);
    return [name.replace(/\.ya?ml$/, ''), { file, text: await readFile(file, 'utf8') }];
  });
  return new Map(await Promise.all(read));
}

/** The same files in order, each that cannot be read with the reason instead of its text. */
export async function readEachYaml(folder: string): Promise<YamlFile[]> {
  return Promise.all((await listDefinitions(folder)).map(async (name) => readOne(join(folder, name))));
}

async function listDefinitions(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter(isDefinition).sort();
}

async function readOne(file: string): Promise<YamlFile> {
  const cannot = (why: string): YamlFile => ({ file, text: '', unreadable: `The file cannot be read: ${why}` });
  try {
    const facts = await stat(file);
    // A pipe would never end, and what is this large is refused anyway.
    if (!facts.isFile()) return cannot('it is no file.');
    if (facts.size > MAX_SOURCE_BYTES) return cannot(`it is larger than ${MAX_SOURCE_BYTES / 1024} KiB; split it.`);
    return { file, text: await readFile(file, 'utf8') };
  } catch (error) {
    return cannot(`${(error as NodeJS.ErrnoException).code ?? 'unknown error'}. Mend its permissions, or remove it.`);
  }
}

/** Whether a file of that name defines something; `*.test.yaml` only says what is expected of the file beside it. */
export function isDefinition(name: string): boolean {
  return /\.ya?ml$/.test(name) && !isTestFile(name);
}

/** Whether a file of that name holds tests of policies. */
export function isTestFile(name: string): boolean {
  return /\.test\.ya?ml$/.test(name);
}
