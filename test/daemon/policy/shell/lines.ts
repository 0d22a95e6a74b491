// Command lines made at random: of every construct of the shell, and mutations of the corpus.
import fc from 'fast-check';
import { readCorpus } from './corpus.ts';

/** Every line of the corpus. */
export const CORPUS = [...readCorpus().values()].flat().map(({ line }) => line);

const simple = fc.constantFrom(
  'git push',
  'ls -la src',
  'npm test',
  'X=1 make',
  'cat < in > out',
  'sudo rm -rf x',
  'timeout 5 git status',
  "sh -c 'git push; ls'",
  'grep -r "a b" .',
  'echo "$(git log)" `pwd`',
  'diff <(ls a) <(ls b)',
  'find . -exec rm {} \\;',
  'docker run alpine id',
  'cd x',
  "printf '%s' a",
  '"g"it pu\\sh',
);

/** Lines of a grammar: pipes, lists, groups, conditions, loops, functions, here-documents, one within the other. */
export const generated: fc.Arbitrary<string> = fc.letrec<{ line: string }>((tie) => {
  const line = tie('line');
  const two = fc.tuple(line, line);
  return {
    line: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      simple,
      two.map(([a, b]) => `${a} && ${b}`),
      two.map(([a, b]) => `${a} || ${b}`),
      two.map(([a, b]) => `{ ${a}; } | ( ${b} )`),
      two.map(([a, b]) => `${a}\n${b}`),
      line.map((a) => `( ${a} ) > log`),
      line.map((a) => `{ ${a}; }`),
      // tree-sitter takes `! {` for a program named `{`, and `$((` for arithmetic; neither is written here.
      line.map((a) => `! ( ${a} )`),
      two.map(([a, b]) => `if ${a}; then ${b}; else true; fi`),
      two.map(([a, b]) => `while ${a}; do ${b}; done`),
      line.map((a) => `for i in 1 2; do ${a}; done`),
      two.map(([a, b]) => `case x in a) ${a};; *) ${b};; esac`),
      line.map((a) => `f() { ${a}; }`),
      line.map((a) => `echo "$( ${a} )"`),
      line.map((a) => `x=$( ${a} )`),
      line.map((a) => `[[ -n $( ${a} ) ]]`),
      line.map((a) => `cat <<E\n$( ${a} )\nE\n`),
    ),
  };
}).line;

const noise = fc.constantFrom(
  '"',
  "'",
  '`',
  '$(',
  ')',
  '{',
  '}',
  ';',
  '&',
  '|',
  '\\',
  '\n',
  '$',
  '<<E',
  '>',
  '#',
  '((',
  '[[',
  '*',
  '\0',
  '\r',
  '\u2028',
  "$'\\",
  '${',
  '~',
);

/** Lines of the corpus with something put in, or a part left out. */
export const mutated: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...CORPUS), fc.nat(200), fc.nat(6), noise)
  .map(([line, at, drop, put]) => line.slice(0, at) + put + line.slice(at + drop));
