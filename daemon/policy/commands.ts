// Turns an argv into simple commands that conditions can look at. Thin and honest: what is not certain is `opaque`.
//
// N1. Nothing is looked up or run. The answer depends on the argv alone.
// N2. A program that starts other programs named in its arguments, or runs code from them, is opaque.
// N3. An option in front of the subcommand that is not known makes the command opaque: it might take the next word.
import { SimpleCommand } from '../../shared/state/action.ts';

/** How a program with subcommands reads what stands before the subcommand. */
interface Grammar {
  /** Options that take the next word. */
  valued: ReadonlySet<string>;
  /** Options that stand alone. */
  plain: ReadonlySet<string>;
  /** Options that can make the program run something else. */
  opaque: ReadonlySet<string>;
  /** Subcommands that are the program's own; absent when any word is taken as it is. */
  own?: ReadonlySet<string>;
  /** Subcommands that run what their arguments name. */
  runs: ReadonlySet<string>;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ''));

const GRAMMARS: Readonly<Record<string, Grammar>> = {
  git: {
    valued: words('-C --git-dir --work-tree --namespace'),
    plain: words(
      '-p -P --paginate --no-pager --no-replace-objects --bare --literal-pathspecs --glob-pathspecs --noglob-pathspecs --icase-pathspecs --no-optional-locks --version --help -v -h',
    ),
    opaque: words('-c --config-env --exec-path'),
    // Any other word may be an alias, which can run anything.
    own: words(
      `add am apply archive bisect blame branch bundle cat-file check-attr check-ignore checkout cherry cherry-pick clean clone commit
       commit-tree config count-objects describe diff diff-index diff-tree fetch for-each-ref format-patch fsck gc grep hash-object help init log
       ls-files ls-remote ls-tree merge merge-base merge-file merge-tree mv notes pack-refs prune pull push range-diff read-tree rebase reflog
       remote repack replace reset restore rev-list rev-parse revert rm shortlog show show-ref sparse-checkout stash status submodule switch
       symbolic-ref tag update-index update-ref verify-commit verify-tag version whatchanged worktree write-tree`,
    ),
    runs: words('bisect submodule filter-branch'),
  },
  npm: {
    valued: words('-C --prefix -w --workspace --registry --cache --loglevel --userconfig --globalconfig'),
    plain: words(
      '-s --silent -g --global -q --quiet -d --verbose --json --offline --workspaces -ws --version -v --help -h --ignore-scripts',
    ),
    opaque: words('--script-shell --node-options'),
    runs: words('exec x explore init create'),
  },
  docker: {
    valued: words('-c --context -H --host -l --log-level --config --tlscacert --tlscert --tlskey'),
    plain: words('-D --debug --tls --tlsverify -v --version --help'),
    opaque: words(''),
    runs: words('exec run'),
  },
};

const SHELLS = words('sh bash dash zsh ksh mksh ash fish csh tcsh pwsh powershell cmd busybox toybox');
const STARTERS = words(
  `env xargs sudo doas su nohup timeout time nice ionice stdbuf setsid setpriv chroot unshare nsenter flock watch parallel exec eval command builtin
   source . script strace ltrace gdb ssh npx pnpx bunx uvx corepack make just entr start cscript wscript rundll32 wsl bwrap systemd-run run0 pkexec
   expect screen tmux at batch`,
);
/** Options that hand a program code to run, or another program. Those that read a script from a file are what they say. */
const INLINE: Readonly<Record<string, RegExp>> = {
  node: /^(-[a-z]*[epr][a-z]*|--(eval|print|require|import|loader|experimental-loader)(=.*)?)$/,
  deno: /^(eval|repl|x)$/,
  bun: /^(-e|--eval|x|exec|repl)$/,
  python: /^-[A-Za-z]*c/,
  perl: /^-[A-Za-z0-9]*[eEM]/,
  ruby: /^-[A-Za-z]*[er]/,
  php: /^-[rBRE]/,
  lua: /^-[el]/,
  osascript: /^-e/,
  Rscript: /^-e/,
  find: /^-(exec|execdir|ok|okdir)$/,
  fd: /^(-[A-Za-z]*[xX]|--exec(-batch)?(=.*)?$)/,
  tar: /^(-[A-Za-z]*[IF]|--(to-command|checkpoint-action|use-compress-program|rsh-command|rmt-command|info-script|new-volume-script)(=.*)?$)/,
  rsync: /^(-[A-Za-z]*e|--rsh(=.*)?$)/,
  vim: /^[-+]/,
  emacs: /^-/,
};
/** Interpreters that take their program as a plain word. */
const SCRIPTED = words('awk gawk mawk nawk sed');
/** Long options of git, of any subcommand, that make it run something; git takes any unique beginning of them. */
const GIT_RUNS = [
  '--upload-pack',
  '--receive-pack',
  '--exec',
  '--ext-diff',
  '--textconv',
  '--open-files-in-pager',
  '--config',
  '--template',
  '--extcmd',
];
/** Short ones, by subcommand. */
const GIT_RUNS_SHORT: Readonly<Record<string, RegExp>> = { clone: /^-[A-Za-z]*[uc]/, rebase: /^-[A-Za-z]*x/, grep: /^-[A-Za-z]*O/ };
const MAX_ARGS = 10_000;

/** The simple commands that an argv stands for: one, or none for an empty argv. */
export function normaliseArgv(argv: readonly string[]): SimpleCommand[] {
  const [first, ...rest] = argv;
  if (first === undefined) return [];
  const program = nameProgram(first);
  const args = rest.slice(0, MAX_ARGS);
  const read = readSubcommand(program, args);
  const opaque = read.opaque || rest.length > MAX_ARGS || isOpaqueProgram(program, args, read.subcommand);
  return [SimpleCommand.parse({ program, args, subcommand: read.subcommand, options: listOptions(args), opaque })];
}

/** The last part of a path, without the endings that Windows leaves out. */
function nameProgram(path: string): string {
  const name = path.split(/[/\\]/).at(-1) ?? '';
  return name.replace(/\.(exe|cmd|bat|com)$/i, '');
}

function isOpaqueProgram(program: string, args: readonly string[], subcommand: string): boolean {
  // `python3.11` is `python` here, and some systems find programs whatever their case.
  const family = program.toLowerCase().replace(/[0-9]+(\.[0-9]+)*$/, '');
  const names = [program, program.toLowerCase(), family];
  if (program === '' || names.some((name) => SHELLS.has(name) || STARTERS.has(name) || SCRIPTED.has(name))) return true;
  if (family === 'git' && args.some((arg) => makesGitRun(arg, subcommand))) return true;
  const inline = names.map((name) => (Object.hasOwn(INLINE, name) ? INLINE[name] : undefined)).find((each) => each !== undefined);
  // Without arguments, or with `-`, an interpreter reads its program from standard input.
  return inline !== undefined && (args.length === 0 || args.some((arg) => arg === '-' || inline.test(arg)));
}

function makesGitRun(arg: string, subcommand: string): boolean {
  if (Object.hasOwn(GIT_RUNS_SHORT, subcommand) && GIT_RUNS_SHORT[subcommand]?.test(arg)) return true;
  const name = arg.split('=', 1)[0] ?? arg;
  // `ext::` is a remote that is a command.
  return arg.includes('::') || (name.startsWith('--') && name.length > 3 && GIT_RUNS.some((option) => option.startsWith(name)));
}

function readSubcommand(program: string, args: readonly string[]): { subcommand: string; opaque: boolean } {
  const grammar = Object.hasOwn(GRAMMARS, program) ? GRAMMARS[program] : undefined;
  if (grammar === undefined) return { subcommand: '', opaque: false };
  let opaque = false;
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('-')) return { subcommand: arg, opaque: opaque || grammar.runs.has(arg) || grammar.own?.has(arg) === false };
    const name = arg.split('=', 1)[0] ?? arg;
    if (grammar.valued.has(name)) index += arg.includes('=') ? 0 : 1;
    else if (grammar.opaque.has(name)) {
      opaque = true;
      index += arg.includes('=') ? 0 : 1;
    } else if (!grammar.plain.has(arg)) opaque = true;
  }
  return { subcommand: '', opaque };
}

/** Options up to `--`, without values; a cluster such as `-fu` appears as itself and as `-f` and `-u`. */
function listOptions(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  const options = new Set<string>();
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    if (!arg.startsWith('-') || arg === '-') continue;
    options.add(arg.split('=', 1)[0] ?? arg);
    if (/^-[A-Za-z]{2,}$/.test(arg)) for (const letter of arg.slice(1)) options.add(`-${letter}`);
  }
  return [...options];
}
