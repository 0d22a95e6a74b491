// The entry that VS Code's extension host calls: runs the bundled test files that lie beside this one in dist/test.
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

/** Runs every *.test.cjs of this folder and writes the counts to $SIGNALBOX_TEST_COUNTS; rejects when a test failed. */
export function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 20_000, color: false, reporter: 'spec', forbidOnly: true });
  const grep = process.env['SIGNALBOX_TEST_GREP'];
  if (grep !== undefined) mocha.grep(grep);
  for (const name of readdirSync(__dirname).sort()) if (name.endsWith('.test.cjs')) mocha.addFile(path.join(__dirname, name));
  return new Promise((resolve, reject) => {
    const runner = mocha.run((failures) => {
      const { passes = 0, failures: failed = 0, pending = 0 } = runner.stats ?? {};
      const file = process.env['SIGNALBOX_TEST_COUNTS'];
      if (file !== undefined) writeFileSync(file, JSON.stringify({ passed: passes, failed, skipped: pending }));
      if (failures > 0) reject(new Error(`${failures} tests failed`));
      else resolve();
    });
  });
}
