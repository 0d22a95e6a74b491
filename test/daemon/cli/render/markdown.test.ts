import assert from 'node:assert/strict';
import { renderMarkdown } from '../../../../daemon/cli/render/markdown.ts';
import { ASCII_GLYPHS, createPaint } from '../../../../daemon/cli/render/paint.ts';
import { widthOf } from '../../../../daemon/cli/render/text.ts';

const plain = (width = 40) => ({ width, paint: createPaint(false), glyphs: ASCII_GLYPHS });

describe('Markdown in a terminal', () => {
  it('keeps headings, lists and their levels', () => {
    const text = '# Title\n\n## Found\n\n1. first\n2. second\n\n- a\n  - b\n';
    assert.deepEqual(renderMarkdown(text, plain()), ['Title', '-----', '', 'Found', '', '1. first', '2. second', '', '* a', '  * b']);
  });

  it('wraps items under their text', () => {
    assert.deepEqual(renderMarkdown('- one two three four', plain(12)), ['* one two', '  three four']);
  });

  it('shows code, bold and escapes without their marks', () => {
    assert.deepEqual(renderMarkdown('**high** `a*b` \\*x\\_y\\* ``a`b``', plain()), ['high a*b *x_y* a`b']);
    assert.deepEqual(renderMarkdown('snake_case_name and 2 * 3 * 4', plain()), ['snake_case_name and 2 * 3 * 4']);
  });

  it('draws tables with aligned columns, also when they have to shrink', () => {
    const text = '| a | long heading |\n|---|---|\n| 日本 | x |\n';
    assert.deepEqual(renderMarkdown(text, plain()), ['a    | long heading', '-------------------', '日本 | x']);
    for (const line of renderMarkdown('| one | two |\n|---|---|\n| some words here | and some more there |\n', plain(24)))
      assert.ok(widthOf(line) <= 24, line);
  });

  it('leaves code blocks as they are', () => {
    assert.deepEqual(renderMarkdown('```\n# not a heading\n  - x\n```\nend', plain()), ['    # not a heading', '      - x', 'end']);
  });

  it('lets no escape sequence through', () => {
    assert.deepEqual(renderMarkdown('a\u001b[2Jb `c\u001b]0;t\u0007d`', plain()), ['ab cd']);
  });

  it('styles every word, so that a colour never runs over the end of a line', () => {
    const lines = renderMarkdown('**one two three**', { ...plain(7), paint: createPaint(true) });
    for (const line of lines) assert.match(line, /^\u001b\[1m.*\u001b\[22m$/);
  });

  it('keeps every line within the width, whatever the text', () => {
    const text =
      '# 見出し見出し見出し見出し\n\nwords and `averyveryverylongpath/with/parts/that/does/not/fit` **日本語日本語日本語** end\n\n> quote of some length here\n\n- item `code` and more words\n';
    for (const width of [12, 20, 33, 60])
      for (const line of renderMarkdown(text, plain(width))) assert.ok(widthOf(line) <= width, `${width}: ${line}`);
  });
});
