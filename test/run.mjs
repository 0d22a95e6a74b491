// Runs the suites, two at a time: `node test/run.mjs [suite ...] [arguments for mocha]`, for example
// `npm test -- daemon --grep approval`. The last line is "N passed, M failed", with ", K skipped" where there are some.
//
//   1. A suite counts as failed when it wrote no counts (it crashed), when it ran no test (unless mocha's arguments chose
//      among them), or when it did not end with 0 although no test failed.
//   2. A suite is due when its subject exists; one that cannot run on this machine is said and counted as skipped.
//   3. No test reaches the user's own daemon, state or git repository by accident: SIGNALBOX_HOME is a temporary folder, and
//      no GIT_ variable is inherited (inside a git hook they would point to this repository).
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const SUITE_LIMIT_MS = 15 * 60_000;
const exists = (file) => existsSync(path.join(root, file));

/** The test files below test/<folder>, relative to the root, sorted. */
function listTests(folder) {
  const dir = path.join(root, 'test', folder);
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir, { recursive: true }).map(String);
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.posix.join('test', folder, name.split(path.sep).join('/')))
    .sort();
}

const isDaemonTest = (file) => file.endsWith('.daemon.test.ts');
// They start thousands of processes, which costs several times as much from a process that has grown with all the other tests.
const isGitTest = (file) => /^test\/daemon\/(workspace|platform|agents)\//.test(file) && !isDaemonTest(file);
const listMirror = () => ['shared', 'daemon', 'extension', 'webview-ui', 'contracts'].flatMap(listTests);
const mocha = (files) => ['node_modules/mocha/bin/mocha.js', '--forbid-only', '--reporter', 'test/counting-reporter.cjs', ...files];

/** Why the browser cannot be driven here, or undefined. */
function whyNoBrowser() {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined;
  return 'the packaged VS Code and browser exist for Linux x64 only';
}

// `due` says whether the subject of a suite exists; `command` is what Node runs. The longest come first.
const SUITES = [
  {
    name: 'daemon',
    what: 'real daemons, real git',
    due: () => exists('daemon/main.ts'),
    command: () => mocha(listMirror().filter(isDaemonTest)),
  },
  {
    name: 'ui',
    what: 'what a person sees, with Playwright',
    due: () => exists('extension/main.ts'),
    blocked: whyNoBrowser,
    command: () => mocha(listTests('e2e/ui')),
  },
  {
    name: 'unit',
    what: 'pure rooms and single adapters',
    due: () => true,
    command: () => mocha(listMirror().filter((file) => !isDaemonTest(file) && !isGitTest(file))),
  },
  {
    name: 'git',
    what: 'real git, real processes',
    due: () => listMirror().some(isGitTest),
    command: () => mocha(listMirror().filter(isGitTest)),
  },
  {
    name: 'torture',
    what: 'the record under kill -9 and a failing disk',
    due: () => exists('daemon/main.ts'),
    command: () => mocha(listTests('torture')),
  },
  {
    name: 'extension',
    what: 'inside VS Code',
    due: () => exists('extension/main.ts'),
    command: () => ['test/e2e/runTest.mjs'],
  },
];
/** Suites that run at the same time. */
const LANES = 2;

function makeEnvironment(temporary, countsFile) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_') && !name.startsWith('SIGNALBOX_'));
  return { ...Object.fromEntries(inherited), SIGNALBOX_HOME: path.join(temporary, 'home'), SIGNALBOX_TEST_COUNTS: countsFile };
}

/** Runs Node with `args`; resolves to its exit code (or the signal that ended it). With `later` its output is kept there. */
function runNode(args, env, later) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: later ? ['inherit', 'pipe', 'pipe'] : 'inherit' });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => later.push(chunk));
    const timer = setTimeout(() => {
      console.error(`The suite did not end within ${SUITE_LIMIT_MS / 60_000} minutes.`);
      child.kill('SIGKILL');
    }, SUITE_LIMIT_MS);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? signal);
    });
  });
}

function readCounts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // the suite ended before it could write them
  }
}

/** The counts of one suite; what invariant 1 calls failed adds one failure and a sentence. */
async function runSuite(suite, extra, seesAll, later) {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'signalbox-suite-'));
  const countsFile = path.join(temporary, 'counts.json');
  const code = await runNode([...suite.command(), ...extra], makeEnvironment(temporary, countsFile), later);
  const counts = readCounts(countsFile);
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
  const fail = (why) => {
    console.error(`The suite ${suite.name} failed: ${why}.`);
    const { passed = 0, failed = 0, skipped = 0 } = counts ?? {};
    return { passed, failed: failed + 1, skipped };
  };
  if (counts === undefined) return fail(`it ended with ${code} and told no result`);
  if (seesAll && counts.passed + counts.failed + counts.skipped === 0) return fail('it ran no test');
  if (code !== 0 && counts.failed === 0) return fail(`no test failed, but it ended with ${code}`);
  return counts;
}

/** Splits the command line into suites (the words before the first option) and mocha's own arguments. */
function readArguments(argv) {
  const first = argv.findIndex((word) => !SUITES.some((suite) => suite.name === word));
  const names = first < 0 ? argv : argv.slice(0, first);
  const extra = first < 0 ? [] : argv.slice(first);
  return { chosen: names.length > 0 ? SUITES.filter((suite) => names.includes(suite.name)) : SUITES, extra };
}

async function runAll(argv) {
  const { chosen, extra } = readArguments(argv);
  if (extra[0] !== undefined && !extra[0].startsWith('-')) {
    console.error(`There is no suite ${extra[0]}; the suites are ${SUITES.map((suite) => suite.name).join(', ')}.`);
    return 2;
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  const run = async (suite, later) => {
    const blocked = suite.due() ? suite.blocked?.() : undefined;
    if (!suite.due() || blocked) {
      console.log(`\n== ${suite.name}: not run, ${blocked ?? 'what it tests does not exist yet'}`);
      if (blocked) total.skipped += 1;
      return;
    }
    if (!later) console.log(`\n== ${suite.name}: ${suite.what}`);
    const started = Date.now();
    const counts = await runSuite(suite, extra, extra.length === 0, later);
    for (const key of Object.keys(total)) total[key] += counts[key];
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    if (later) process.stdout.write(Buffer.concat([Buffer.from(`\n== ${suite.name}: ${suite.what}\n`), ...later]));
    console.log(`== ${suite.name}: ${seconds} s${later ? ', beside others' : ''}`);
  };
  const waiting = [...chosen];
  const follow = async () => {
    for (let suite = waiting.shift(); suite; suite = waiting.shift()) await run(suite, chosen.length > 1 ? [] : undefined);
  };
  if (chosen.length > 1) console.log(`Suites: ${chosen.map((suite) => suite.name).join(', ')}. What one says is shown when it has ended.`);
  await Promise.all(Array.from({ length: LANES }, follow));
  if (total.passed + total.failed === 0) {
    console.error('\nNo test ran at all.');
    total.failed = 1;
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
  return total.failed > 0 ? 1 : 0;
}

process.exitCode = await runAll(process.argv.slice(2));
