// Known programs: what stands in front of the subcommand, and which subcommands there are.
import { words, type Word } from './command.ts';
import { readOptions, type OptionGrammar } from './options.ts';
import { PROGRAMS, type GrammarTexts } from './program-table.ts';

interface Grammar extends OptionGrammar {
  /** Options that can make the program run something else; they take a value. */
  opaque: ReadonlySet<string>;
  /** Subcommands that are the program's own; undefined where any word is taken as it is. */
  own: ReadonlySet<string> | undefined;
  /** A word that is none of its own names a script of the project: it counts as `run`. */
  scripts: boolean;
  /** First words that are followed by another: `pr merge`, `compose up`. */
  groups: ReadonlySet<string>;
  /** Short names and other spellings. */
  aliases: ReadonlyMap<string, string>;
}

const SAME: Readonly<Record<string, string>> = {
  pip3: 'pip',
  'apt-get': 'apt',
  'apt-cache': 'apt',
  tofu: 'terraform',
  nerdctl: 'podman',
  micromamba: 'conda',
  mamba: 'conda',
  bundler: 'bundle',
  pipenv: 'poetry',
};

const GRAMMARS = new Map(Object.entries(PROGRAMS).map(([name, texts]) => [name, grammar(texts)]));

function grammar({ valued = '', plain = '', opaque = '', own, scripts = false, groups = '', aliases = '' }: GrammarTexts): Grammar {
  const pairs = [...words(aliases)].map((pair): [string, string] => [pair.split('=')[0] ?? '', pair.split('=')[1] ?? '']);
  return {
    valued: words(`${valued} ${opaque}`),
    plain: words(plain),
    opaque: words(opaque),
    own: own === undefined ? undefined : words(own),
    scripts,
    groups: words(groups),
    aliases: new Map(pairs),
  };
}

const GIT: OptionGrammar = {
  valued: new Set([...(GRAMMARS.get('git')?.valued ?? []), '-c']),
  plain: GRAMMARS.get('git')?.plain ?? new Set(),
};

export interface Subcommand {
  /** The subcommand, its short names written out; empty when there is none. */
  name: string;
  /** Index of the first word behind it. */
  rest: number;
  /** False when another program may run: an option can start one, or the word may be an alias. */
  sure: boolean;
  /** Global options, with their values. */
  options: { name: string; value: Word | undefined }[];
}

/** True when the program has subcommands that are known here. */
export function hasSubcommands(program: string): boolean {
  return GRAMMARS.has(SAME[program] ?? program);
}

/** The subcommand of a known program. */
export function readSubcommand(program: string, args: readonly Word[]): Subcommand {
  const known = GRAMMARS.get(SAME[program] ?? program);
  if (known === undefined) return { name: '', rest: 0, sure: true, options: [] };
  // `cargo +nightly test` chooses a toolchain.
  if (program === 'cargo' && args[0]?.known === true && /^\+[\w.-]+$/.test(args[0].text)) {
    const sub = readSubcommand(program, args.slice(1));
    return { ...sub, rest: sub.rest + 1 };
  }
  // `-c` of git sets configuration, which git.ts looks at.
  const { options, rest, sure } = readOptions(args, program === 'git' ? GIT : known);
  const opaque = !sure || options.some(({ name }) => known.opaque.has(name));
  const word = args[rest];
  if (word === undefined) return { name: '', rest, sure: !opaque, options };
  if (!word.known) return { name: word.text, rest: rest + 1, sure: false, options };
  const name = known.aliases.get(word.text) ?? word.text;
  if (known.own?.has(name) === false) {
    // `yarn build` runs the script `build`: it stays an argument of `run`.
    if (known.scripts) return { name: 'run', rest, sure: !opaque, options };
    return { name, rest: rest + 1, sure: false, options };
  }
  const next = args[rest + 1];
  if ((known.groups.has(name) || known.groups.has('*')) && next !== undefined)
    return readGroup({ name, rest: rest + 1, sure: !opaque, options }, args);
  return { name, rest: rest + 1, sure: !opaque, options };
}

/** The second word of `docker compose up`, behind options of the first. */
function readGroup(first: Subcommand, args: readonly Word[]): Subcommand {
  const GROUP = {
    valued: words('-f --file -p --project-name --profile --env-file --project-directory -R --repo -n --namespace'),
    plain: words('--ansi -h --help --dry-run'),
  };
  const { rest, sure } = readOptions(args.slice(first.rest), GROUP);
  const second = args[first.rest + rest];
  if (second === undefined) return first;
  // `docker container run` is `docker run`.
  const long = /^(container|image)$/.test(first.name) ? second.text : `${first.name} ${second.text}`;
  return { ...first, name: long, rest: first.rest + rest + 1, sure: first.sure && sure && second.known };
}

/** Options that make the program run something else, wherever they stand. */
export function opaqueOptions(program: string): ReadonlySet<string> {
  return GRAMMARS.get(SAME[program] ?? program)?.opaque ?? new Set();
}
