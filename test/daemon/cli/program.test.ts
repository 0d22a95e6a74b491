import assert from 'node:assert/strict';
import type { Command } from 'commander';
import { buildProgram } from '../../../daemon/cli/program.ts';
import { openTerminal } from '../../../daemon/cli/terminal.ts';

describe('the command line', () => {
  const context = { terminal: openTerminal(), script: undefined, env: {} };
  const list = async (...words: string[]): Promise<string[]> =>
    (await buildProgram(context, words)).commands.map((command) => command.name());

  it('loads one command, and what it is made with, when it is named', async () => {
    const all = (await list('--help')).filter((name) => name !== 'complete' && name !== 'completion');
    assert.ok(all.includes('run') && all.includes('skip'), all.join(' '));
    for (const name of all) {
      const loaded = await list(name, '--json');
      assert.ok(loaded.includes(name), name);
      assert.ok(loaded.length <= 4, `${name} loads ${loaded.join(' ')}`);
    }
  });

  it('explains every command with examples', async () => {
    let said = '';
    const terminal = { ...openTerminal(), write: (text: string): void => void (said += text) };
    const program = await buildProgram({ ...context, terminal }, ['--help']);
    const leaves = (command: Command): Command[] => (command.commands.length === 0 ? [command] : command.commands.flatMap(leaves));
    const all = leaves(program).filter((command) => command.name() !== 'complete');
    assert.ok(all.length > 40, `${all.length}`);
    for (const command of all) {
      said = '';
      command.outputHelp();
      // What belongs to another command may be shown there.
      if (command.parent !== program) command.parent?.outputHelp();
      assert.match(said, /Examples:/, `${command.parent?.name()} ${command.name()}`);
    }
  });

  it('loads none for the version, and all for what it does not know', async () => {
    assert.deepEqual(await list('--version'), []);
    assert.deepEqual(await list('rnu'), await list('--help'));
    assert.deepEqual(await list(), await list('--help'));
  });
});
