import type { Command } from 'commander';
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { sha256 } from '../../platform/digest.ts';
import { isTestFile } from '../../platform/yaml-folder.ts';
import { loadPolicies, type PolicySource, type Problem } from '../../policy/load.ts';
import { runTests, type TestResult } from '../../policy/run-tests.ts';
import { readTests } from '../../policy/test-file.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, shortenPath } from '../failure.ts';
import { cleanLine } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import { describeProblem } from './check.ts';
import { readBuiltin, readInForce, userPolicies } from './sources.ts';

const HELP = `
A file team.test.yaml stands beside team.yaml and says what is expected of it, together with what comes with Signalbox
(in a repository: of it alone):

  tests:
    - lines: [git push, "cd x && git -C y push | tee log"]
      expect: require_approval
      rule: push-asks
    - action: { kind: agent.fetch, urls: ["https://example.org/x"] }
      expect: deny

Without FILES: all tests beside your own policies, and in .signalbox/policies of the repository around you.

Examples:
  signalbox policy test
  signalbox policy test .signalbox/policies --json

Exit codes: 0 all passed, 1 some failed or do not load, 2 wrong use.`;

/** What came of one file of tests. */
interface FileResult {
  file: string;
  problems: Problem[];
  results: TestResult[];
}

/** `signalbox policy test`: decides what the tests name, and compares. */
export function addTest(policy: Command, context: Context): void {
  policy
    .command('test')
    .description('run the tests that stand beside policies (*.test.yaml)')
    .argument('[files...]', 'files of tests, or folders that hold some')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((files: string[], options: CommonOptions) => perform(context, options, () => test(context, files, options)));
}

async function test(context: Context, given: readonly string[], options: CommonOptions): Promise<ExitCode> {
  const { terminal } = context;
  const files = given.length > 0 ? await findNamed(given, terminal.cwd) : await findAll(context);
  if (files.length === 0)
    throw new CliFailure('There are no tests of policies here.', {
      code: 'not_found',
      hint: 'Write one beside a policy: team.test.yaml for team.yaml. `signalbox policy test --help` shows the form.',
    });
  const builtin = await readBuiltin(context);
  const done = await Promise.all(files.map((file) => runFile(file, builtin)));
  const failed = done.flatMap(({ results }) => results.filter(({ passed }) => !passed)).length;
  const ok = failed === 0 && done.every(({ problems }) => problems.length === 0);
  if (options.json) printJson(terminal, { ok, files: done.map(toJson) });
  else terminal.print(...done.flatMap((file) => describeFile(terminal, file)), ...summarise(terminal, done, failed));
  return ok ? EXIT.ok : EXIT.failure;
}

async function findNamed(given: readonly string[], cwd: string): Promise<string[]> {
  const lists = given.map(async (name) => {
    const path = resolve(cwd, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined) throw new CliFailure(`There is no file ${name}.`, { code: 'not_found' });
    return facts.isDirectory() ? listTests(path) : [path];
  });
  return (await Promise.all(lists)).flat();
}

async function findAll(context: Context): Promise<string[]> {
  const { repo } = await readInForce(context, context.terminal.cwd);
  const folders = [userPolicies(context), ...(repo === undefined ? [] : [join(repo.path, '.signalbox', 'policies')])];
  return (await Promise.all(folders.map(listTests))).flat();
}

async function listTests(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter(isTestFile)
    .sort()
    .map((name) => join(folder, name));
}

async function runFile(file: string, builtin: readonly PolicySource[]): Promise<FileResult> {
  const none = { file, results: [] };
  const read = readTests({ file, text: await readFile(file, 'utf8') });
  if (!read.ok) return { ...none, problems: read.problems };
  const names = read.policies ?? [basename(file).replace(/\.test(\.ya?ml)$/, '$1')];
  // What else is in force differs from user to user, so a repository's policy is held to what it says alone.
  const alone = file.includes('/.signalbox/policies/');
  const sources: PolicySource[] = [];
  for (const name of names) {
    const path = resolve(dirname(file), name);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) {
      const message = `There is no policy ${name} beside this file; name it under \`policies\`.`;
      return { ...none, problems: [{ code: 'policy-missing', message, file, line: 1, column: 1 }] };
    }
    sources.push({ file: path, text, origin: 'user', trusted: true });
  }
  const loaded = loadPolicies([...(alone ? [] : builtin), ...sources], sha256);
  if (!loaded.ok) return { ...none, problems: loaded.problems };
  return { file, problems: [], results: runTests(loaded.policies, read.tests) };
}

function toJson({ file, problems, results }: FileResult) {
  return {
    file,
    problems,
    tests: results.map(({ test: { name, action, expect, rule, line, column }, passed, decision, deciding }) => ({
      name,
      line,
      column,
      action,
      expect,
      ...(rule === undefined ? {} : { rule }),
      passed,
      effect: decision.effect,
      deciding,
    })),
  };
}

function describeFile(terminal: Terminal, { file, problems, results }: FileResult): string[] {
  const { cwd, paint, glyphs } = terminal;
  const failed = results.filter(({ passed }) => !passed);
  const bad = problems.length > 0 || failed.length > 0;
  const sign = bad ? paint.red(glyphs.failed) : paint.green(glyphs.done);
  const count = problems.length > 0 ? 'does not load' : `${results.length - failed.length} of ${results.length} passed`;
  return [
    `${sign} ${cleanLine(shortenPath(file, cwd))}  ${paint.dim(count)}`,
    ...problems.map((problem) => `    ${describeProblem(problem, cwd)}`),
    ...failed.flatMap((result) => describeFailure(terminal, file, result)),
  ];
}

/** A failure as a diff: what was expected in red, what came in green, and the rules that made it so. */
function describeFailure({ cwd, paint }: Terminal, file: string, { test, decision, deciding }: TestResult): string[] {
  const name = test.name === '' ? test.action.summary : `${test.name}: ${test.action.summary}`;
  const rule = test.rule === undefined ? '' : `  by ${test.rule}`;
  return [
    `    ${cleanLine(`${shortenPath(file, cwd)}:${test.line}:${test.column}: ${name}`)}`,
    paint.red(`      - ${test.expect}${cleanLine(rule)}`),
    paint.green(`      + ${decision.effect}  by ${cleanLine(deciding.join(', '))}`),
  ];
}

function summarise({ paint }: Terminal, done: readonly FileResult[], failed: number): string[] {
  const passed = done.flatMap(({ results }) => results).length - failed;
  const broken = done.filter(({ problems }) => problems.length > 0).length;
  const parts = [`${passed} passed`, `${failed} failed`, ...(broken > 0 ? [`${broken} file${broken === 1 ? '' : 's'} do not load`] : [])];
  const text = `${parts.join(', ')}.`;
  return [failed + broken > 0 ? paint.red(text) : paint.green(text)];
}
