// Files that programs write because their arguments say so: `tee`, `curl -o`, `git diff --output`. For a rule they are redirections.
import type { Word } from './command.ts';
import { cut } from './options.ts';

/** A file that a program writes, and the option, or the program, that says so. */
export interface Output {
  operator: string;
  target: Word;
}

/** Options with a file to write: a short one, alone or behind others without a value, and long ones. */
const OPTIONS: Readonly<Record<string, { short?: RegExp; long: readonly string[] }>> = {
  sort: { short: /^-[^kStTo]*o/, long: ['--output'] },
  curl: {
    short: /^-[^HdXuAbceFTmrKwEyYCzPtQUoD]*[oDc]/,
    long: ['--output', '--dump-header', '--cookie-jar', '--trace', '--trace-ascii', '--stderr', '--libcurl'],
  },
  wget: { short: /^-[^eUtTwQPABDIXliOoa]*[Ooa]/, long: ['--output-document', '--output-file', '--append-output', '--save-cookies'] },
  find: { long: ['-fprint', '-fprint0', '-fprintf', '-fls'] },
  git: { long: ['--output'] },
  'git archive': { short: /^-[^o]*o/, long: ['--output'] },
  'git format-patch': { short: /^-[^o]*o/, long: ['--output-directory', '--output'] },
  gpg: { short: /^-[^or]*o/, long: ['--output'] },
  openssl: { long: ['-out'] },
};

/** The files that the arguments make the program write, in order. */
export function readOutputs(program: string, subcommand: string, args: readonly Word[]): Output[] {
  if (program === 'tee') return args.filter(({ text }) => !/^(-|>\()/.test(text)).map((target) => ({ operator: 'tee', target }));
  if (program === 'dd')
    return args.filter(({ prefix }) => prefix.startsWith('of=')).map((word) => ({ operator: 'of=', target: cut(word, 3) }));
  const name = Object.hasOwn(OPTIONS, `${program} ${subcommand}`) ? `${program} ${subcommand}` : program;
  const options = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  if (options === undefined) return [];
  const moved = program === 'git' && args.some(({ text }) => text === '-C');
  return args.flatMap((word, index) => {
    const found = readOutput(options, word, args[index + 1]);
    // `git -C x` opens it in x.
    return found && found.target.text !== '-' ? [moved ? { ...found, target: { ...found.target, known: false } } : found] : [];
  });
}

function readOutput({ short, long }: { short?: RegExp; long: readonly string[] }, word: Word, next: Word | undefined): Output | undefined {
  const name = word.text.split('=', 1)[0] ?? '';
  // Long options may be shortened.
  if (long.includes(name) || (name.length > 4 && name.startsWith('--') && long.some((each) => each.startsWith(name)))) {
    const target = word.text.includes('=') ? cut(word, name.length + 1) : next;
    return target && { operator: name, target };
  }
  const match = word.text.startsWith('--') ? null : short?.exec(word.text);
  if (!match) return undefined;
  const target = word.text.length > match[0].length ? cut(word, match[0].length) : next;
  return target && { operator: `-${match[0].at(-1) ?? ''}`, target };
}
