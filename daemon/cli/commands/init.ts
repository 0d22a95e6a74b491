import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ACTION_KINDS, type Effect } from '../../../shared/state/action.ts';
import { sha256 } from '../../platform/digest.ts';
import { ensurePaths, resolvePaths } from '../../platform/paths.ts';
import { loadPolicies, type PolicySource } from '../../policy/load.ts';
import type { Rule } from '../../policy/rules.ts';
import { policySchema } from '../../policy/schema.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, shortenPath, usageFailure } from '../failure.ts';
import { describeProblem } from '../policy/check.ts';
import { bundleFolder, readInForce, userPolicies } from '../policy/sources.ts';
import { cleanLine, wrapText } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';

const PACKS = ['cautious', 'team', 'ci'] as const;
type Pack = (typeof PACKS)[number];

interface InitOptions extends CommonOptions {
  pack: string;
  user?: boolean;
  repo?: boolean;
  force?: boolean;
  dryRun?: boolean;
}

interface Writing {
  path: string;
  text: string;
}

const HELP = `
Packs:
  cautious   looking and small edits pass; everything that runs code or leaves the worktree is asked
  team       reads, edits, builds and tests pass; pushing, publishing, new hosts, secrets and CI are asked
  ci         nobody is asked: builds, tests and edits pass, everything else is denied

With --user (the default) the pack takes the place of the policy that Signalbox comes with, for all of your repositories.
With --repo it goes into .signalbox/policies of the repository around you: it counts beside everybody's own policies,
and only where it is the stricter one.

Examples:
  signalbox init
  signalbox init --pack cautious --dry-run
  signalbox init --pack team --repo

Exit codes: 0 written, 1 there is one already, 2 wrong use.`;

/** `signalbox init`: writes a ready-made policy with its tests. */
export function addInit(program: Command, context: Context): void {
  program
    .command('init')
    .description('write a ready-made policy to begin with')
    .option('--pack <name>', 'cautious, team or ci', 'team')
    .option('--user', 'for everything that you run (the default)')
    .option('--repo', 'for the repository around you')
    .option('--dry-run', 'only show what it would write')
    .option('--force', 'write over what is there')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: InitOptions) => perform(context, options, () => init(context, options)));
}

async function init(context: Context, options: InitOptions): Promise<ExitCode> {
  const { terminal } = context;
  const pack = PACKS.find((name) => name === options.pack);
  if (pack === undefined) throw usageFailure(`There is no pack ${options.pack}.`, `There are ${PACKS.join(', ')}.`);
  if (options.user && options.repo) throw usageFailure('Give --user or --repo, not both.');
  const { inputs, repo } = await readInForce(context, terminal.cwd);
  if (options.repo && repo === undefined)
    throw new CliFailure(`${terminal.cwd} lies in no repository.`, { code: 'repository', hint: 'Go into one, or leave --repo out.' });
  const folder = options.repo && repo ? join(repo.path, '.signalbox', 'policies') : userPolicies(context);
  const files = await makeFiles(context, { pack, folder, inRepository: options.repo === true });
  refuseTaken(files, inputs, { options, cwd: terminal.cwd });
  if (!options.dryRun) await writeAll(context, files, options);
  const paths = files.map(({ path }) => path);
  if (options.json) printJson(terminal, { pack, files: paths, written: !options.dryRun });
  else terminal.print(...describe(terminal, files, { ...options, pack }));
  return EXIT.ok;
}

/** The policy, its tests, and the schema that editors check it with. */
async function makeFiles(
  context: Context,
  { pack, folder, inRepository }: { pack: Pack; folder: string; inRepository: boolean },
): Promise<Writing[]> {
  const from = join(bundleFolder(context), 'packs');
  const [policy, tests] = await Promise.all([
    readFile(join(from, `${pack}.yaml`), 'utf8'),
    readFile(join(from, `${pack}.test.yaml`), 'utf8'),
  ]);
  // A repository's policy stands beside everybody's own; the name `default` is theirs.
  const named = inRepository ? policy.replace(/^policy: default$/m, `policy: ${pack}`) : policy;
  const name = inRepository ? pack : 'default';
  return [
    { path: join(folder, `${name}.yaml`), text: `# yaml-language-server: $schema=policy.schema.json\n${named}` },
    { path: join(folder, `${name}.test.yaml`), text: tests.replaceAll(`${pack}.yaml`, `${name}.yaml`) },
    { path: join(folder, 'policy.schema.json'), text: `${JSON.stringify(policySchema(), null, 2)}\n` },
  ];
}

/** Refuses when a file is there already, or when another one has a policy of the same name. */
function refuseTaken(
  files: readonly Writing[],
  inputs: readonly PolicySource[],
  { options, cwd }: { options: InitOptions; cwd: string },
): void {
  const taken = files.find(({ path }) => existsSync(path) && !path.endsWith('.json'));
  if (taken && !options.force && !options.dryRun)
    throw new CliFailure(`${shortenPath(taken.path, cwd)} is there already, so nothing was written.`, {
      code: 'exists',
      hint: 'Look at it first. --force writes over it, --dry-run shows what would be written.',
      facts: { file: taken.path },
    });
  const [policy] = files;
  if (policy === undefined) return;
  const others = inputs.filter(({ file }) => file !== policy.path);
  const origin = options.repo ? 'repository' : 'user';
  const loaded = loadPolicies([...others, { file: policy.path, text: policy.text, origin, trusted: true }], sha256);
  if (!loaded.ok)
    throw new CliFailure('Beside your other policies it would not load, so nothing was written.', {
      code: 'invalid_policy',
      details: loaded.problems.map((problem) => describeProblem(problem, cwd)),
      facts: { problems: loaded.problems },
    });
}

async function writeAll({ env }: Context, files: readonly Writing[], options: InitOptions): Promise<void> {
  if (!options.repo) await ensurePaths(resolvePaths(env, process.platform, homedir()));
  for (const { path, text } of files) {
    await mkdir(dirname(path), { recursive: true, ...(options.repo ? {} : { mode: 0o700 }) });
    await writeFile(path, text);
    if (!options.repo) await chmod(path, 0o600);
  }
}

const HEADINGS: readonly [Effect, string][] = [
  ['allow', 'Passes'],
  ['require_approval', 'Asks you'],
  ['deny', 'Denies'],
];

/** What the pack does, rule by rule, and what to do next. */
function describe(terminal: Terminal, files: readonly Writing[], { pack, dryRun, repo }: InitOptions): string[] {
  const { cwd, paint } = terminal;
  const look = terminal.textLook();
  const policy = files[0] ?? { path: '', text: '' };
  const loaded = loadPolicies([{ file: policy.path, text: policy.text, origin: 'user', trusted: true }], sha256);
  if (!loaded.ok) throw new Error('A pack does not load.');
  const { byKind, defaults } = loaded.policies;
  const rules = [...new Map(ACTION_KINDS.flatMap((kind) => byKind[kind]).map((rule) => [rule.id, rule])).values()];
  const list = (effect: Effect): string[] =>
    rules
      .filter((rule: Rule) => rule.effect === effect)
      .flatMap(({ id, message }) => wrapText(`${id}: ${message}`, look.width - 4).map((line, i) => `${i === 0 ? '  ' : '      '}${line}`));
  return [
    ...HEADINGS.flatMap(([effect, heading]) => (list(effect).length > 0 ? [paint.bold(heading), ...list(effect), ''] : [])),
    `What no rule decides: ${defaults[0]?.effect ?? 'require_approval'}.`,
    '',
    ...files.map(({ path }) => `${dryRun ? 'would write' : paint.green('wrote')} ${cleanLine(shortenPath(path, cwd))}`),
    '',
    paint.bold('Next'),
    '  signalbox policy test                  what is expected of the rules',
    '  signalbox policy explain "git push"    what is decided, and why',
    repo
      ? '  signalbox trust                        until then only its deny and ask rules count for you'
      : `  edit ${cleanLine(shortenPath(policy.path, cwd))}: it is yours (pack ${pack})`,
  ];
}
