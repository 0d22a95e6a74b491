// Mocha's spec reporter that also writes { passed, failed, skipped } to $SIGNALBOX_TEST_COUNTS when the run has ended.
// A process that is still alive 15 s later is one that a test forgot something in: it says what, and fails.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

const GRACE_MS = 15_000;
const STILL_OPEN = 97;

class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = runner.stats;
      writeFileSync(process.env.SIGNALBOX_TEST_COUNTS, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
      const timer = setTimeout(() => {
        console.error(
          `The tests have ended, but something that they started is still open: ${process.getActiveResourcesInfo().join(', ')}`,
        );
        process.exit(STILL_OPEN);
      }, GRACE_MS);
      timer.unref();
    });
  }
}

module.exports = CountingReporter;
