import assert from 'node:assert/strict';
import { cleanLine, cleanText, cutStart, cutText, padText, widthOf, wrapText } from '../../../../daemon/cli/render/text.ts';

const ESC = '\u001b';

describe('the text of a terminal', () => {
  it('counts cells: wide characters two, marks none, colour none', () => {
    const cases: [string, number][] = [
      ['', 0],
      ['abc', 3],
      ['日本', 4],
      ['한글', 4],
      ['ｆｕ', 4],
      ['e\u0301', 1],
      ['👩‍👩‍👧', 2],
      ['🇩🇪', 2],
      ['✓', 1],
      [`${ESC}[31mred${ESC}[39m`, 3],
    ];
    for (const [text, width] of cases) assert.equal(widthOf(text), width, JSON.stringify(text));
  });

  it('never breaks a wide character or an emoji in two when it cuts', () => {
    assert.equal(cutText('日本語', 6), '日本語');
    assert.equal(cutText('日本語', 5), '日本…');
    assert.equal(cutText('日本語', 4), '日…');
    assert.equal(cutText('a👩‍👩‍👧b', 3), 'a…');
    assert.equal(cutStart('/home/日本語', 6), '…本語');
    for (let width = 0; width < 12; width += 1) assert.ok(widthOf(cutText('x日y本z語👩‍👩‍👧', width)) <= width);
  });

  it('pads by cells and on either side', () => {
    assert.equal(padText('日', 4), '日  ');
    assert.equal(padText('7', 3, 'left'), '  7');
  });

  it('wraps at blanks, and inside a word only where it is longer than the line', () => {
    assert.deepEqual(wrapText('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrapText('abcdefghij', 4), ['abcd', 'efgh', 'ij']);
    assert.deepEqual(wrapText('日本語日本語', 5), ['日本', '語日', '本語']);
    assert.deepEqual(wrapText('  ', 5), []);
  });

  it('takes escape sequences out and makes other control and reordering characters visible', () => {
    assert.equal(cleanText(`a${ESC}[2J${ESC}]0;title\u0007b${ESC}[31mc`), 'abc');
    assert.equal(cleanText(`x${ESC}]8;;http://evil${ESC}\\y`), 'xy');
    assert.equal(cleanText('user\u202e// admin'), 'user<U+202E>// admin');
    assert.equal(cleanText('a\u0000b\u009bc\rd'), 'a<U+0000>b<U+009B>c<U+000D>d');
    assert.equal(cleanText('a\r\nb\tc'), 'a\nb\tc');
    assert.equal(cleanLine(' a\n\tb  c '), 'a b c');
  });
});
