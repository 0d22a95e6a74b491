import type { Command } from 'commander';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sha256 } from '../../platform/digest.ts';
import { isTestFile, readYamlFolder } from '../../platform/yaml-folder.ts';
import { loadPolicies, type PolicySource, type Problem } from '../../policy/load.ts';
import type { PolicyFile } from '../../policy/rules.ts';
import { readTests } from '../../policy/test-file.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, shortenPath } from '../failure.ts';
import { renderTable } from '../render/table.ts';
import { cleanLine, cleanText } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import { type Here, type InForce, readBuiltin, readInForce } from './sources.ts';

const HELP = `
Without FILES: what is in force where you stand, which is what comes with Signalbox, your own policies, and those of the
repository around the current folder. With FILES (or folders): those, beside what comes with Signalbox.

Examples:
  signalbox policy check
  signalbox policy check .signalbox/policies/*.yaml

Exit codes: 0 all of it loads, 1 it has problems, 2 wrong use.`;

/** `signalbox policy check`: every problem of the policies, and what is in force. */
export function addCheck(policy: Command, context: Context): void {
  policy
    .command('check')
    .description('validate policies, and say which are in force')
    .argument('[files...]', 'policy files, tests of policies, or folders of either')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((files: string[], options: CommonOptions) => perform(context, options, () => check(context, files, options)));
}

async function check(context: Context, files: readonly string[], options: CommonOptions): Promise<ExitCode> {
  const { terminal } = context;
  const { inputs, repo } = await readChosen(context, files);
  const tests = await readTestFiles(files, terminal.cwd);
  const loaded = loadPolicies(inputs, sha256);
  const problems = [...(loaded.ok ? [] : loaded.problems), ...tests.flatMap((file) => listProblems(file))];
  const inForce = loaded.ok ? loaded.policies.files : [];
  const notices = loaded.ok ? loaded.notices : [];
  const ok = problems.length === 0;
  if (options.json) printJson(terminal, { ok, problems, notices, files: inForce, repository: repo ?? null });
  else if (ok) terminal.print(...describeForce(terminal, { files: inForce, notices, repo }));
  else terminal.note(...describeProblems(terminal, problems));
  return ok ? EXIT.ok : EXIT.failure;
}

/** The policies that a command is about: those in force where somebody stands, or those that they name beside what comes with Signalbox. */
export function readChosen(context: Context, files: readonly string[]): Promise<InForce> {
  return files.length === 0 ? readInForce(context, context.terminal.cwd) : readNamed(context, files);
}

/** A file that somebody names is looked at as the user's own, unless it lies where a repository keeps its policies. */
async function readNamed(context: Context, files: readonly string[]): Promise<{ inputs: PolicySource[]; repo: undefined }> {
  const named = await readFilesAsUser(files, context.terminal.cwd);
  const inputs = named.map(
    (source): PolicySource => (source.file.includes('/.signalbox/policies/') ? { ...source, origin: 'repository' } : source),
  );
  return { inputs: [...(await readBuiltin(context)), ...inputs], repo: undefined };
}

/** Policy files, as if they were the user's own. */
export async function readFilesAsUser(files: readonly string[], cwd: string): Promise<PolicySource[]> {
  const paths = (await expand(files, cwd)).filter((path) => !isTestFile(path));
  return Promise.all(
    paths.map(async (file): Promise<PolicySource> => ({ file, text: await readFile(file, 'utf8'), origin: 'user', trusted: true })),
  );
}

async function readTestFiles(files: readonly string[], cwd: string): Promise<{ file: string; text: string }[]> {
  const paths = (await expand(files, cwd)).filter(isTestFile);
  return Promise.all(paths.map(async (file) => ({ file, text: await readFile(file, 'utf8') })));
}

function listProblems(file: { file: string; text: string }): Problem[] {
  const read = readTests(file);
  return read.ok ? [] : read.problems;
}

/** The files that paths stand for: a folder is all of its policies. Throws CliFailure for one that is not there. */
async function expand(files: readonly string[], cwd: string): Promise<string[]> {
  const lists = files.map(async (file) => {
    const path = resolve(cwd, file);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined) throw new CliFailure(`There is no file ${file}.`, { code: 'not_found' });
    if (!facts.isDirectory()) return [path];
    return [...(await readYamlFolder(path)).values()].map((source) => join(source.file));
  });
  return (await Promise.all(lists)).flat();
}

function describeProblems({ cwd, errorPaint }: Terminal, problems: readonly Problem[]): string[] {
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'}`;
  return [...problems.map((problem) => describeProblem(problem, cwd)), errorPaint.red(`${count}. Nothing of these files would load.`)];
}

/** One problem as a compiler writes it. */
export function describeProblem({ file, line, column, message, hint }: Problem, cwd: string): string {
  return cleanText(`${shortenPath(file, cwd)}:${line}:${column}: ${message}${hint === undefined ? '' : ` ${hint}`}`);
}

const FROM = { builtin: 'comes with Signalbox', user: 'yours', repository: "the repository's" };

function describeForce(
  terminal: Terminal,
  { files, notices, repo }: { files: readonly PolicyFile[]; notices: readonly Problem[]; repo: Here | undefined },
): string[] {
  const { cwd, paint } = terminal;
  const rules = files.reduce((sum, file) => sum + file.rules, 0);
  const table = renderTable<PolicyFile>(
    [
      { title: 'policy', text: (file) => file.policy },
      { title: 'version', text: (file) => file.digest.slice(0, 12) },
      { title: 'rules', text: (file) => String(file.rules), align: 'right' },
      { title: 'from', text: (file) => `${FROM[file.origin]}${file.trusted ? '' : ', not trusted'}` },
      { title: 'file', text: (file) => (file.origin === 'builtin' ? '' : shortenPath(file.file, cwd)), flex: 'start' },
    ],
    files,
    terminal.tableLook(),
  );
  return [
    ...table,
    ...(notices.length > 0 ? ['', ...notices.map((notice) => paint.yellow(describeProblem(notice, cwd)))] : []),
    '',
    paint.green(`${files.length} polic${files.length === 1 ? 'y' : 'ies'} with ${rules} rule${rules === 1 ? '' : 's'}, no problems.`),
    ...(repo?.configured && !repo.trusted
      ? [`${cleanLine(repo.path)} is not trusted, so only its deny and ask rules count (\`signalbox trust\`).`]
      : []),
  ];
}
