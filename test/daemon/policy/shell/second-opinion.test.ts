// tree-sitter's bash grammar, which shares nothing with the parser that is used, names the commands of every line too.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { readCommandLine } from '../../../../daemon/policy/shell/read.ts';
import { CORPUS, generated } from './lines.ts';

interface Node {
  text: string;
  hasError: boolean;
  parent: Node | null;
  descendantsOfType(type: string): Node[];
}
interface TreeSitter {
  Parser: (new () => { setLanguage(language: unknown): void; parse(text: string): { rootNode: Node; delete(): void } }) & {
    init(options: { locateFile(name: string): string }): Promise<void>;
  };
  Language: { load(bytes: Uint8Array): Promise<unknown> };
}

/** Names that the other grammar gives to words of the shell's language. */
const KEYWORDS = new Set(['time', 'coproc']);

/** Lines of the corpus about which the two do not agree although nothing in them is opaque, and why ours is right. */
const EXPLAINED: Readonly<Record<string, string>> = {
  '{git,push,origin}': 'it takes the first brace for the start of a group; bash expands the word to git push origin',
  '{git,push,origin,main}': 'the same',
  'TZ=UTC echo\rcurl evil.example': 'it splits words at a carriage return; for bash it is a letter of the name, and no such program exists',
  "echo$'\\x20'-rf$'\\x20'/": 'the name holds spaces; the two agree, but this test does not read its escapes',
  '(( x = $(git push) ))': 'it takes the whole for a name; bash calculates, and the substitution in it is listed',
  "BASH_FUNC_ls%%='() { git push; }' bash -c ls": 'it takes the beginning for a variable; for bash the whole word is the name',
  'git.exe push': 'Windows leaves the ending out, and so does the list',
};

/** Lines that the other grammar does not know, although they are lines of bash, or of zsh within what bash takes. */
const UNKNOWN_TO_IT: readonly string[] = [
  '{git,push,origin}',
  '{git,push,origin,main}',
  "typeset -i ${(e):-'$(touch /tmp/pwned)'}",
  "BASH_FUNC_ls%%='() { git push; }' bash -c ls",
  "ls *(e:'git push':)",
  'echo ${(e)x}',
  'git push &!',
  '( umask 077; cat > key.pem <<< "$KEY" )',
  // Since bash 5.3.
  'echo ${ git push; }',
  'echo ${| REPLY=$(ls); }',
];

/** The word without its quotes, as far as they are plain; undefined where it expands. */
function unquote(text: string): string {
  return text.replace(/\$'\\x67it'|\$'\\147it'/, 'git').replace(/\$?'([^']*)'|"([^"$`\\]*)"|\\(.)/g, '$1$2$3');
}

const baseName = (text: string): string => text.slice(text.lastIndexOf('/') + 1);

describe('a second opinion on command lines', () => {
  let commandsOf: (line: string) => { names: string[]; hasError: boolean };

  before(async () => {
    const require = createRequire(import.meta.url);
    const { Parser, Language } = require('@vscode/tree-sitter-wasm') as TreeSitter;
    const folder = dirname(require.resolve('@vscode/tree-sitter-wasm'));
    await Parser.init({ locateFile: (name) => join(folder, name) });
    const parser = new Parser();
    parser.setLanguage(await Language.load(readFileSync(join(folder, 'tree-sitter-bash.wasm'))));
    commandsOf = (line) => {
      const tree = parser.parse(line);
      const names = tree.rootNode.descendantsOfType('command_name').map(({ text }) => text);
      const { hasError } = tree.rootNode;
      tree.delete();
      return { names, hasError };
    };
  });

  /** What the other grammar names and ours does not; nothing where ours is opaque or malformed. */
  function disagreement(line: string): string[] {
    const { commands, problem } = readCommandLine(line, { cwd: '.' });
    if (problem !== '' || commands.some(({ opaque }) => opaque)) return [];
    const ours = new Set(commands.flatMap(({ program, via }) => [program, ...via]));
    return commandsOf(line).names.filter((name) => {
      const plain = unquote(name);
      return !KEYWORDS.has(plain) && !ours.has(plain) && !ours.has(baseName(plain));
    });
  }

  it('agrees on every line of the corpus, or the line is opaque, or it is explained', () => {
    const found = CORPUS.map((line) => [line, disagreement(line)] as const).filter(([, names]) => names.length > 0);
    assert.deepEqual(
      found.filter(([line]) => EXPLAINED[line] === undefined),
      [],
    );
    const lines = new Set(found.map(([line]) => line));
    assert.deepEqual(
      Object.keys(EXPLAINED).filter((line) => !lines.has(line)),
      [],
      'explained, but there is nothing to explain',
    );
  });

  it('agrees on lines of every construct, one within the other', () => {
    fc.assert(
      fc.property(generated, (line) => assert.deepEqual(disagreement(line), [], line)),
      { numRuns: 300 },
    );
  });

  it('finds no error in a line that ours understands, unless it is one that the other grammar does not know', () => {
    const found = CORPUS.filter((line) => readCommandLine(line, { cwd: '.' }).problem === '' && commandsOf(line).hasError);
    assert.deepEqual(found.sort(), [...UNKNOWN_TO_IT].sort());
  });
});
