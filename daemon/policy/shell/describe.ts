// What a program does with its arguments: the one place that knows which reader knows the program.
import { fixedWord, words, type Scope, type Word } from './command.ts';
import { opaquely, plainly, type Description } from './description.ts';
import { runsArguments } from './executing.ts';
import { describeGit } from './git.ts';
import { readHosts } from './hosts.ts';
import { hasSubcommands, opaqueOptions, readSubcommand } from './programs.ts';
import { runnerOf } from './runners.ts';
import { awkRuns, makeRuns, sedRuns } from './scripts.ts';
import { describeFd, describeFind, describeSsh, describeSu } from './seekers.ts';
import { describeShell, unwrap } from './unwrap.ts';
import { wrapperOf } from './wrappers.ts';

/** Programs that are on every system, so that one of the same name elsewhere is another one. */
const COMMON = words(
  `ls cat rm cp mv ln mkdir rmdir touch chmod chown chgrp dd df du echo printf pwd true false test head tail grep egrep fgrep rg sed awk gawk mawk nawk cut sort uniq wc tr tee diff patch
   cmp file stat find fd fdfind locate which whereis type kill killall pkill ps top date id whoami uname hostname uptime free mount umount ssh su scp sftp rsync curl wget tar gzip gunzip zip unzip
   xz bzip2 make cmake ninja gcc cc clang ld python python2 python3 pypy node nodejs perl ruby php java javac kill shred base64 md5sum sha256sum openssl jq realpath readlink basename dirname
   seq sleep yes env tput less more man vi vim nano ed ping dig nc ip ifconfig crontab at`,
);
const SEEKERS: Readonly<Record<string, (args: readonly Word[]) => Description>> = {
  find: describeFind,
  gfind: describeFind,
  fd: describeFd,
  fdfind: describeFd,
  ssh: describeSsh,
  autossh: describeSsh,
  su: describeSu,
  runuser: describeSu,
};
const MARKED: Readonly<Record<string, (args: readonly Word[]) => boolean>> = {
  sed: sedRuns,
  gsed: sedRuns,
  awk: awkRuns,
  gawk: awkRuns,
  mawk: awkRuns,
  nawk: awkRuns,
  make: makeRuns,
  gmake: makeRuns,
};

/** The names under which tables know a program: `python3.11` is `python3`, and `python`. */
function namesOf(program: string): string[] {
  const family = program.replace(/-?[0-9]+(\.[0-9]+)*$/, '');
  return family === '' ? [program] : [program, family];
}

/** Whether the name is that of a program which this room knows. */
export function isKnownProgram(name: string): boolean {
  if (COMMON.has(name) || hasSubcommands(name) || wrapperOf(name) !== undefined || Object.hasOwn(SEEKERS, name)) return true;
  return Object.hasOwn(MARKED, name) || describeShell(name, [], 'unknown') !== undefined || runsArguments(namesOf(name), []);
}

/** What the program does. `scope` tells what its standard input holds. */
export function describe(program: string, args: readonly Word[], scope: Scope): Description {
  const shell = describeShell(program, args, scope.stdin);
  if (shell) return shell;
  const known = wrapperOf(program);
  if (known) return withHosts(unwrap(known, program, args), program, args);
  const seeker = Object.hasOwn(SEEKERS, program) ? SEEKERS[program] : undefined;
  if (seeker) return withHosts(seeker(args), program, args);
  if (hasSubcommands(program)) return withHosts(describeSubcommand(program, args), program, args);
  const marks = Object.hasOwn(MARKED, program) && MARKED[program]?.(args) === true;
  return withHosts(
    marks || runsArguments(namesOf(program), args)
      ? { ...opaquely(), starts: pipModule(program, args) }
      : { ...plainly(), starts: pipModule(program, args) },
    program,
    args,
  );
}

function describeSubcommand(program: string, args: readonly Word[]): Description {
  const sub = readSubcommand(program, args);
  if (program === 'git') return describeGit(sub, args);
  const own = { ...plainly(), subcommand: sub.name, opaque: !sub.sure };
  const runner = runnerOf(program, sub.name);
  const rest = args.slice(sub.rest);
  const end = rest.findIndex(({ known, text }) => known && text === '--');
  const before = end < 0 ? rest : rest.slice(0, end);
  const risky = opaqueOptions(program);
  // They name commands that run later, or code of others.
  if (program === 'gh' && /^(alias|extension)/.test(sub.name)) Object.assign(own, { inline: true, opaque: true });
  if (before.some(({ text }) => risky.has(text.split('=', 1)[0] ?? text)) || runsArguments(namesOf(program), before))
    Object.assign(own, { inline: true, opaque: true });
  if (!runner) return own;
  const from =
    runner.dashed && end >= 0 ? [...Array.from({ length: runner.wrapper.skip }, () => fixedWord(sub.name)), ...rest.slice(end + 1)] : rest;
  const started = unwrap(
    runner.wrapper,
    program,
    from.filter((word) => word !== undefined),
  );
  return { ...started, subcommand: sub.name, opaque: own.opaque || started.opaque, inline: true, listed: true };
}

/** `python -m pip install x` installs as pip does. */
function pipModule(program: string, args: readonly Word[]): Description['starts'] {
  const at = args.findIndex(({ text }) => text === '-m');
  const behind = at >= 0 && /^py(thon|py)[\d.]*$/.test(program) && args.slice(0, at).every(({ text }) => /^-[A-Za-z]$/.test(text));
  return behind && /^(pip|pip3|uv|poetry)$/.test(args[at + 1]?.text ?? '') ? [{ words: args.slice(at + 1) }] : [];
}

function withHosts(found: Description, program: string, args: readonly Word[]): Description {
  return { ...found, hosts: [...new Set([...found.hosts, ...readHosts(program, found.subcommand, args)])] };
}
