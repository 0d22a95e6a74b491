import assert from 'node:assert/strict';
import { openScreen } from '../../../../daemon/cli/watch/screen.ts';

const ESC = '\u001b';

/** As much of a terminal as the screen needs: lines, a cursor, and the sequences that it uses. */
class FakeTerminal {
  lines: string[] = [''];
  row = 0;
  writes = 0;
  #resize: () => void = () => undefined;
  constructor(
    public columns = 40,
    public height = 24,
  ) {}
  width = () => this.columns;
  rows = () => this.height;
  onResize = (listener: () => void) => {
    this.#resize = listener;
    return () => undefined;
  };
  resize(columns: number): void {
    this.columns = columns;
    this.#resize();
  }
  write = (text: string): void => {
    this.writes += 1;
    for (const [token] of text.matchAll(/\u001b\[\??(\d*)([A-Za-z])|[\s\S]/g)) this.#apply(token);
  };
  #apply(token: string): void {
    if (token === '\n') {
      this.row += 1;
      this.lines[this.row] ??= '';
    } else if (token === `${ESC}[K` || token === '\r') {
      if (token !== '\r') this.lines[this.row] = this.#pending;
      this.#pending = '';
    } else if (token.endsWith('A')) this.row -= Number(token.slice(2, -1));
    else if (token === `${ESC}[J`) this.lines = this.lines.slice(0, this.row);
    else if (!token.startsWith(ESC)) this.#pending += token;
  }
  #pending = '';
}

describe('the screen', () => {
  it('redraws in place, and writes nothing when nothing changed', () => {
    const terminal = new FakeTerminal();
    const screen = openScreen(terminal);
    screen.draw(['one', 'two', 'three']);
    screen.draw(['one', '2']);
    assert.deepEqual(terminal.lines.slice(0, terminal.row), ['one', '2']);
    const { writes } = terminal;
    screen.draw(['one', '2']);
    assert.equal(terminal.writes, writes);
  });

  it('keeps what is printed above the block', () => {
    const terminal = new FakeTerminal();
    const screen = openScreen(terminal);
    screen.draw(['block']);
    screen.printAbove(['said']);
    screen.draw(['block 2']);
    assert.deepEqual(terminal.lines.slice(0, terminal.row), ['said', 'block 2']);
  });

  it('never draws more lines than fit', () => {
    const terminal = new FakeTerminal(40, 4);
    openScreen(terminal).draw(['1', '2', '3', '4', '5']);
    assert.deepEqual(terminal.lines.slice(0, terminal.row), ['1', '2', '3']);
  });

  it('hides the cursor, and gives it back however it ends', () => {
    for (const end of ['close', 'leave'] as const) {
      let written = '';
      const terminal = new FakeTerminal();
      terminal.write = (text) => void (written += text);
      const screen = openScreen(terminal);
      assert.ok(written.startsWith(`${ESC}[?25l`));
      screen.draw(['x']);
      screen[end]();
      assert.ok(written.endsWith(`${ESC}[?25h`));
    }
  });
});
