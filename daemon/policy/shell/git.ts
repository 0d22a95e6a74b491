// Git: what its options, its configuration and its subcommands can run.
import { fixedWord, words, type Word } from './command.ts';
import { plainly, type Description, type Start } from './description.ts';
import type { Subcommand } from './programs.ts';
import { hidesOption, joinWords } from './unwrap.ts';

/** Configuration that runs nothing, whatever its value. */
const HARMLESS_KEY =
  /^(user\.(name|email|signingkey)|author\.\w+|committer\.\w+|color\.[\w.]+|column\.\w+|advice\.\w+|core\.(quotepath|autocrlf|eol|safecrlf|abbrev|filemode|ignorecase|precomposeunicode|longpaths|symlinks|bare|logallrefupdates|compression|untrackedcache|preloadindex|commentchar|whitespace|sparsecheckout|sparsecheckoutcone)|commit\.(gpgsign|verbose|status|cleanup)|tag\.(gpgsign|sort)|push\.(default|autosetupremote|followtags)|pull\.(rebase|ff)|fetch\.(prune|prunetags|parallel|recursesubmodules)|merge\.(ff|conflictstyle|renames|renamelimit|stat)|rebase\.(autostash|autosquash|updaterefs|stat)|diff\.(algorithm|renames|renamelimit|mnemonicprefix|noprefix|colormoved|colormovedws|context|wserrorhighlight|submodule|statgraphwidth|interhunkcontext)|log\.(date|decorate|abbrevcommit|follow|showsignature)|status\.\w+|branch\.(sort|autosetupmerge|autosetuprebase)|init\.defaultbranch|gc\.(auto|autodetach)|maintenance\.auto|feature\.\w+|index\.\w+|pack\.(threads|windowmemory|window|depth)|http\.(lowspeedlimit|lowspeedtime|postbuffer|version|followredirects)|protocol\.version|rerere\.enabled|safe\.directory|blame\.\w+|grep\.(linenumber|patterntype|extendedregexp|column|fullname)|submodule\.(recurse|fetchjobs)|stash\.\w+|transfer\.fsckobjects|format\.(pretty|signoff)|checkout\.(defaultremote|guess|workers)|i18n\.\w+)$/i;
/** Configuration that names a program, and the values that switch it off. */
const OFF =
  /^(core\.(pager|editor|hookspath|fsmonitor|askpass|sshcommand)|pager\.\w+|credential\.helper|sequence\.editor|diff\.external|interactive\.difffilter|gpg\.program)=(cat|true|:|false|0|\/dev\/null)?$/i;
const OPAQUE_SUBCOMMANDS = words(
  'filter-branch mergetool difftool send-email imap-send instaweb gui daemon shell svn hook cvsserver archimport p4 gitk http-backend citool',
);

/** Subcommands that are followed by a second one, behind their options or at once. */
const SECOND = words('remote worktree submodule reflog bundle lfs sparse-checkout maintenance bisect');
const FIRST = words('stash notes');

/** Long options that make git run something, by subcommand; `*` holds for all. Git takes any unique beginning of them. */
const RUNS: Readonly<Record<string, string>> = {
  '*': '--upload-pack --receive-pack --open-files-in-pager --extcmd --config-env',
  diff: '--ext-diff --textconv',
  log: '--ext-diff --textconv',
  show: '--ext-diff --textconv',
  'format-patch': '--ext-diff --textconv',
  stash: '--ext-diff --textconv',
  blame: '--textconv',
  grep: '--textconv --open-files-in-pager --ext-grep',
  'cat-file': '--textconv --filters',
  clone: '--config --template --upload-pack --remote-submodules --recurse-submodules --separate-git-dir',
  init: '--template',
  push: '--exec --receive-pack',
  archive: '--exec --remote',
  'ls-remote': '--exec --upload-pack',
  'fetch-pack': '--exec --upload-pack',
  'send-pack': '--exec --receive-pack',
};
const SHORT: Readonly<Record<string, RegExp>> = { clone: /^-[A-Za-z]*[uc]/, grep: /^-[A-Za-z]*O/, fetch: /^-[A-Za-z]*$(?!.)/ };
/** Options of `push` that a rule may look for; a beginning of one counts as it. */
const PUSH = words(
  '--force --force-with-lease --force-if-includes --delete --mirror --prune --tags --all --branches --no-verify --follow-tags',
);

/** What git does. Configuration given with `-c` is looked at; that of the repository is not known here. */
export function describeGit(sub: Subcommand, args: readonly Word[]): Description {
  const found: Description = { ...plainly(), subcommand: sub.name, opaque: !sub.sure };
  const rest = args.slice(sub.rest);
  for (const { name, value } of sub.options) if (name === '-c') readSetting(found, value, { sub, rest });
  readStarts(found, sub.name, rest);
  const runs = words(`${RUNS['*']} ${Object.hasOwn(RUNS, sub.name) ? RUNS[sub.name] : ''}`);
  if (rest.some(({ text }) => isAbbreviation(text, runs) || text.includes('::') || matchesShort(sub.name, text))) mark(found);
  // An argument that is only known when it runs may be one of these options.
  if ((Object.hasOwn(RUNS, sub.name) || /^(fetch|pull)$/.test(sub.name)) && hidesOption(rest)) found.opaque = true;
  if (OPAQUE_SUBCOMMANDS.has(sub.name)) mark(found);
  if (sub.name === 'config') readConfig(found, rest);
  if (sub.name === 'push') readRefspecs(found, rest);
  return found;
}

function mark(found: Description): void {
  found.inline = true;
  found.opaque = true;
}

const matchesShort = (name: string, text: string): boolean => Object.hasOwn(SHORT, name) && SHORT[name]?.test(text) === true;

/** True when the option is one of the names, or begins one of them. */
export function isAbbreviation(text: string, names: ReadonlySet<string>): boolean {
  const name = text.split('=', 1)[0] ?? text;
  return name.startsWith('--') && name.length > 3 && [...names].some((each) => each.startsWith(name));
}

function readSetting(found: Description, value: Word | undefined, at: { sub: Subcommand; rest: readonly Word[] }): void {
  const text = value?.text ?? '';
  const key = text.split('=', 1)[0] ?? '';
  if (value?.known === true && isHarmless(text)) return;
  found.inline = true;
  const alias = /^alias\.([^=]+)=(.*)$/is.exec(text);
  if (value?.known === true && alias && alias[1]?.toLowerCase() === at.sub.name.toLowerCase()) {
    found.starts.push(startAlias(alias[2] ?? '', at.rest));
    return;
  }
  // An alias for another word than the subcommand runs nothing here.
  if (value?.known !== true || !/^alias\./i.test(key)) found.opaque = true;
}

/** The words behind an alias are added to what it stands for. */
function startAlias(text: string, rest: readonly Word[]): Start {
  const command = fixedWord(text.startsWith('!') ? text.slice(1) : `git ${text}`);
  return { code: rest.length === 0 ? command : joinWords([command, ...rest.map(quoteWord)]) };
}

const quoteWord = (word: Word): Word => (word.known ? { ...word, text: `'${word.text.replaceAll("'", `'\\''`)}'` } : word);

function isHarmless(setting: string): boolean {
  const key = setting.split('=', 1)[0] ?? '';
  return HARMLESS_KEY.test(key) || OFF.test(setting);
}

/** `git config key value` keeps what a later command may run. */
function readConfig(found: Description, rest: readonly Word[]): void {
  const operands = rest.filter(({ text }) => !text.startsWith('-'));
  const asks = rest.some(({ text }) => /^(--get|--get-all|--get-regexp|--get-urlmatch|-l|--list|--unset|--unset-all)$/.test(text));
  const [first, ...more] = operands;
  const isVerb = first !== undefined && /^(list|get|unset|set|rename-section|remove-section|edit)$/.test(first.text);
  if (asks || (isVerb && /^(list|get|unset)$/.test(first.text))) return;
  const [key, value] = isVerb ? more : operands;
  if (rest.some(({ text }) => /^(-e|--edit)$/.test(text)) || first?.text === 'edit') mark(found);
  else if (key !== undefined && value !== undefined && !(key.known && value.known && isHarmless(`${key.text}=${value.text}`))) mark(found);
}

function readStarts(found: Description, name: string, rest: readonly Word[]): void {
  if (name === 'rebase') {
    rest.forEach(({ text }, index) => {
      const inline = /^(?:--exec=|-[a-z]*x(?=.))(.*)$/s.exec(text);
      const code = inline ? fixedWord(inline[1] ?? '') : /^(--exe?c?|-[a-z]*x)$/.test(text) ? rest[index + 1] : undefined;
      if (code) found.starts.push({ code });
    });
    if (hidesOption(rest)) found.opaque = true;
  }
  const [verb, ...more] = rest;
  if (name === 'submodule' && rest.some(({ text }) => text === 'foreach')) {
    const after = rest.slice(rest.findIndex(({ text }) => text === 'foreach') + 1);
    const command = after.slice(after.findIndex(({ text }) => !text.startsWith('-')));
    if (command.length > 0) found.starts.push({ code: joinWords(command), folder: '' });
  }
  if (name === 'bisect' && verb?.text === 'run') found.starts.push({ words: more });
  const second = SECOND.has(name) ? rest.find(({ text }) => !text.startsWith('-')) : verb;
  if ((SECOND.has(name) || FIRST.has(name)) && second?.known === true && /^[a-z][a-z-]*$/.test(second.text))
    found.subcommand = `${name} ${second.text}`;
  if (found.starts.length > 0) found.inline = true;
}

/** `+ref` forces and `:ref` deletes, like the options. */
function readRefspecs(found: Description, rest: readonly Word[]): void {
  const operands = rest.filter(({ text }) => !text.startsWith('-'));
  if (operands.some(({ text }) => text.startsWith('+'))) found.options.push('--force');
  if (operands.some(({ text }) => /^\+?:./.test(text))) found.options.push('--delete');
  for (const { text } of rest) {
    const name = text.split('=', 1)[0] ?? text;
    if (name.startsWith('--') && name.length > 3 && !PUSH.has(name))
      found.options.push(...[...PUSH].filter((each) => each.startsWith(name)));
  }
}
