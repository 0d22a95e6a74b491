// Small languages that arguments are written in: those of sed, awk, make. What is not certainly harmless is code.
import { fixedWord, words, type Word } from './command.ts';
import { readOptions } from './options.ts';
import { hidesOption } from './unwrap.ts';

const SED = {
  valued: words('-e --expression -f --file -l --line-length'),
  plain: words(
    '-n --quiet --silent -E -r --regexp-extended -s --separate -u --unbuffered -z --null-data -i --in-place -a --debug --posix --follow-symlinks -b --binary --sandbox --version --help -I',
  ),
};
const AWK = {
  valued: words('-F --field-separator -v --assign -f --file -e --source -E --exec -i --include -l --load'),
  plain: words('--posix --traditional --csv -k -S --sandbox --re-interval --lint --version --help -c -P -W'),
};
const ADDRESS = String.raw`(?:\d+|\$|\+\d+|~\d+|\d+~\d+|/(?:[^/\\\n]|\\.)*/[IM]*)`;
const SED_COMMAND = new RegExp(
  `^\\s*(?:${ADDRESS}(?:\\s*,\\s*${ADDRESS})?)?\\s*!?\\s*(?:[pdqQnNgGhHxDPl=z]\\s*\\d*|[aic]\\\\?[^\\n]*|[bt:]\\s*\\w*|y/(?:[^/\\\\\\n]|\\\\.)*/(?:[^/\\\\\\n]|\\\\.)*/|s([/|#,@:!%~])(?:(?!\\1)[^\\\\\\n]|\\\\.)*\\1(?:(?!\\1)[^\\\\\\n]|\\\\.)*\\1[gpIiM0-9]*)?\\s*(?=[;}\\n]|$)`,
);

/** Whether sed may run or read something beside its files: the commands `e`, `w`, `r`, the flags `e` and `w`, a script in a file. */
export function sedRuns(args: readonly Word[]): boolean {
  // The ending of a backup stands in the option itself: `-i.bak`.
  const given = args.map((arg) => (/^-[nErsuz]*i./.test(arg.text) && arg.known ? fixedWord('-i') : arg));
  const { options, rest, sure } = readOptions(given, SED);
  if (options.some(({ name }) => name === '--sandbox')) return false;
  if (!sure || hidesOption(args) || options.some(({ name }) => name === '-f' || name === '--file')) return true;
  const named = options.filter(({ name }) => name === '-e' || name === '--expression');
  // BSD's sed takes the ending as a word of its own: `-i ''`.
  const operands = given.slice(rest, rest + (given[rest]?.text === '' ? 2 : 1));
  const scripts = named.length > 0 ? named.map(({ value }) => value) : operands;
  return scripts.some((script) => script !== undefined && !(script.known && isHarmlessSed(script.text)));
}

function isHarmlessSed(script: string): boolean {
  let rest = script;
  // A script longer than this is nobody's one-liner.
  if (rest.length > 2_000) return false;
  while (rest !== '') {
    const match = SED_COMMAND.exec(rest);
    if (!match) return false;
    const taken = rest.slice(match[0].length).replace(/^[;\n}{\s]+/, '');
    if (taken.length === rest.length) return false;
    rest = taken;
  }
  return true;
}

/** Whether awk may run something: `system`, pipes, `getline`, output to files, programs and libraries in files. */
export function awkRuns(args: readonly Word[]): boolean {
  const { options, rest, sure } = readOptions(args, AWK);
  if (
    !sure ||
    hidesOption(args.slice(0, rest + 1)) ||
    options.some(({ name }) => /^(-[feEil]|--(file|source|exec|include|load))$/.test(name))
  )
    return true;
  if (options.some(({ name }) => /^(--version|--help)$/.test(name))) return false;
  const program = args[rest];
  if (program === undefined || !program.known) return true;
  return /system|getline|close|\||>|@|fflush|\\x|\\[0-7]/.test(program.text.replaceAll('||', ' ').replaceAll('>=', ' '));
}

const MAKE = {
  valued: words('-C --directory -f --file --makefile -I --include-dir -o --old-file -W --what-if --new-file --assume-new'),
  plain: words(
    `-b -m -B --always-make -d --debug -e --environment-overrides -h --help -i --ignore-errors -j --jobs -k --keep-going -l --load-average -L -n --just-print --dry-run --recon -O --output-sync
     -p --print-data-base -q --question -r --no-builtin-rules -R --no-builtin-variables -s --silent --quiet -S --no-keep-going -t --touch --trace -v --version -w --print-directory --no-print-directory --warn-undefined-variables`,
  ),
};

/** Whether make runs what its arguments say, and not only what its makefile does. */
export function makeRuns(args: readonly Word[]): boolean {
  if (hidesOption(args)) return true;
  return args.some(({ text }, index) => {
    const assignment = /^([A-Za-z_.][\w.-]*)\s*(?:::?:?|\+|\?|!)?=(.*)$/s.exec(text);
    if (assignment)
      return (
        assignment[0].includes('!=') ||
        /^(\.?SHELL\w*|MAKE\w*|CC|CXX|CPP|LD|AR|AS|RM|FC|YACC|LEX|CFLAGS|CXXFLAGS|LDFLAGS|GO|CARGO|NPM|PYTHON\d*|NODE)$/.test(
          assignment[1] ?? '',
        ) ||
        !/^[\w.,:/@%+-]*$/.test(assignment[2] ?? '')
      );
    // A makefile that is not there before.
    if (/^-[jl][\d.]*$/.test(text)) return false;
    if (
      /^(-f|--file=|--makefile=)(-$|\/dev\/)/.test(text) ||
      ((text === '-' || text.startsWith('/dev/')) && /^(-f|--file|--makefile)$/.test(args[index - 1]?.text ?? ''))
    )
      return true;
    return /^(-E|--eva)/.test(text) || (text.startsWith('-') && !readOptions([fixedWord(text)], MAKE).sure);
  });
}
