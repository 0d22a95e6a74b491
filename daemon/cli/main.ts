// The entry of the CLI: reads the command line, does what it says, and ends with an exit code of `failure.ts`.
import { CommanderError } from 'commander';
import { EXIT } from './failure.ts';
import { buildProgram } from './program.ts';
import { openTerminal } from './terminal.ts';

async function main(): Promise<void> {
  const terminal = openTerminal();
  const program = await buildProgram({ terminal, script: process.argv[1], env: process.env }, process.argv.slice(2));
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has said what is wrong; asking for help or the version is no mistake.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  await terminal.drain();
  process.exit(process.exitCode ?? EXIT.ok);
}

void main();
