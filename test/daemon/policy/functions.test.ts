import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isWithin, matchGlob, readHost } from '../../../daemon/policy/functions.ts';

/** The same meaning, spelt as plain recursion, for short inputs only. */
function matchSlowly(
  text: readonly string[],
  pattern: readonly string[],
  star: string,
  one: (item: string, token: string) => boolean,
): boolean {
  const [token, ...tokens] = pattern;
  if (token === undefined) return text.length === 0;
  if (token === star) return matchSlowly(text, tokens, star, one) || (text.length > 0 && matchSlowly(text.slice(1), pattern, star, one));
  return text.length > 0 && one(text[0] ?? '', token) && matchSlowly(text.slice(1), tokens, star, one);
}
const segment = (text: string, pattern: string): boolean =>
  matchSlowly([...text], [...pattern], '*', (char, token) => token === '?' || token === char);

describe('functions of conditions', () => {
  const globs: [path: string, pattern: string, matches: boolean][] = [
    ['a/b.ts', 'a/*.ts', true],
    ['a/b/c.ts', 'a/*.ts', false],
    ['a/b/c.ts', 'a/**/*.ts', true],
    ['a/c.ts', 'a/**/*.ts', true],
    ['a', 'a/**', true],
    ['ab', 'a/**', false],
    ['.git/config', '.git/**', true],
    ['x/.git/config', '**/.git/**', true],
    ['deep/down/key.pem', '*.pem', true],
    ['key.pem/x', '*.pem', false],
    ['.env', '*', true],
    ['a.b', 'a?b', true],
    ['a/b', 'a?b', false],
    ['a+b(c)[d]', 'a+b(c)[d]', true],
    ['A.ts', 'a.ts', false],
    ['', '**', true],
    ['/etc/passwd', '/etc/*', true],
    ['etc/passwd', '/etc/*', false],
  ];
  for (const [path, pattern, matches] of globs)
    it(`glob ${pattern} ${matches ? 'matches' : 'does not match'} "${path}"`, () => assert.equal(matchGlob(path, pattern), matches));

  it('glob means what the plain recursion means', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?'), maxLength: 7 });
    fc.assert(
      fc.property(text, pattern, (path, glob) => {
        const expected = glob.includes('/')
          ? matchSlowly(path.split('/'), glob.split('/'), '**', segment)
          : segment(path.split('/').at(-1) ?? '', glob);
        assert.equal(matchGlob(path, glob), expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('glob has no pattern that explodes', () => {
    assert.equal(matchGlob('a'.repeat(50_000), `${'*a'.repeat(60)}b`), false);
    assert.equal(matchGlob('a/'.repeat(20_000), `${'**/a/'.repeat(40)}b`), false);
    assert.throws(() => matchGlob('a', 'a'.repeat(257)), RangeError);
  });

  it('within compares whole segments and refuses what is not resolved', () => {
    assert.equal(isWithin('/a/b/c', '/a/b'), true);
    assert.equal(isWithin('/a/b', '/a/b/'), true);
    assert.equal(isWithin('/a/bc', '/a/b'), false);
    assert.equal(isWithin('a/b', '/a'), false);
    assert.equal(isWithin('/x', '/'), true);
    assert.throws(() => isWithin('/a/b/../../etc', '/a/b'), RangeError);
    assert.throws(() => isWithin('/a', '/a/..'), RangeError);
  });

  it('host reads what a request would go to', () => {
    assert.equal(readHost('https://Example.COM:8443/x'), 'example.com');
    assert.equal(readHost('https://good.example@evil.example/'), 'evil.example');
    assert.equal(readHost('https://example.com./'), 'example.com');
    assert.throws(() => readHost('not a url'));
    assert.throws(() => readHost('file:///etc/passwd'), RangeError);
  });
});
