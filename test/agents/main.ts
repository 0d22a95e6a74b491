/**
 * Drives real coding agents, at the versions of their profiles, with the scripted model: `npm run test:agents [-- AGENT ...]`.
 * They are installed once into a cache outside of the repository (SIGNALBOX_TEST_AGENTS, else a folder of the user's cache).
 * `--record` also writes their traffic to test/fixtures/acp, which `npm test` replays. Prints a table; fails when a row is wrong.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCanary } from '../../daemon/agents/acp/canary/run.ts';
import { markScript, type Step } from '../../daemon/agents/acp/canary/script.ts';
import { startModelServer } from '../../daemon/agents/acp/canary/model-server.ts';
import { createAcpAdapter } from '../../daemon/agents/acp/index.ts';
import { type Profile, PROFILES } from '../../daemon/agents/acp/profiles.ts';
import { folderOf } from '../../daemon/agents/acp/program.ts';
import type { Outcome, Permission } from '../../daemon/agents/agent.ts';
import { describeWanted } from '../../daemon/boot/wanted.ts';
import { findTagged } from '../../daemon/platform/process.ts';
import { ledTo, recordPipes, type Recording } from './recording.ts';

const CACHE = process.env['SIGNALBOX_TEST_AGENTS'] ?? join(homedir(), '.cache', 'signalbox-test-agents');
const FIXTURES = fileURLToPath(new URL('../fixtures/acp', import.meta.url));
const AGENTS = ['claude-code', 'opencode', 'gemini', 'codex'];

interface Case {
  name: string;
  steps(worktree: string, outside: string): Step[];
  answer: Permission;
  /** Canceled, or killed, as soon as it says something or asks. */
  interrupt?: 'cancel';
  /** Why the row is wrong, or nothing. */
  check(seen: Seen): string | undefined;
  /** What agents do that do not ask for it, or have no tool for it. */
  except?: Partial<Record<string, (seen: Seen) => string | undefined>>;
}

interface Seen {
  outcome: Outcome;
  asked: string[];
  files: string[];
  escaped: boolean;
  left: number;
}

const YES: Permission = { allowed: true };
const NO: Permission = { allowed: false, reason: 'Not in this test.' };
const asks = (kind: string) => (seen: Seen) =>
  seen.asked.includes(kind) ? undefined : `it asked for ${seen.asked.join(', ') || 'nothing'}`;
const bash = (command: string): Step => ({ op: 'bash', command });
/** Codex runs what its own sandbox allows without asking, and Gemini does not say which command it is about. */
const otherwise = { gemini: asks('agent.other'), codex: (seen: Seen) => (seen.escaped ? 'it escaped' : undefined) };

const CASES: Case[] = [
  {
    name: 'allow',
    steps: () => [bash('echo yes > made.txt')],
    answer: YES,
    check: (s) => (s.files.includes('made.txt') ? asks('agent.execute')(s) : 'it made no file'),
    except: { gemini: (s) => (s.files.includes('made.txt') ? asks('agent.other')(s) : 'it made no file'), codex: otherwise.codex },
  },
  {
    name: 'deny',
    steps: () => [bash('echo yes > made.txt')],
    answer: NO,
    check: (s) => (s.files.includes('made.txt') ? 'it made the file' : asks('agent.execute')(s)),
    except: otherwise,
  },
  {
    name: 'edit',
    steps: (tree) => [
      { op: 'read', path: `${tree}/README.md` },
      { op: 'edit', path: `${tree}/README.md`, old: 'demo', new: 'edited' },
    ],
    answer: YES,
    check: asks('agent.edit'),
    // It offers its tool for edits to models that it knows only.
    except: { codex: otherwise.codex },
  },
  {
    name: 'outside',
    steps: (_tree, outside) => [{ op: 'write', path: `${outside}/x.txt`, content: 'x\n' }],
    answer: NO,
    check: (s) => (s.escaped ? 'it wrote outside' : undefined),
  },
  {
    name: 'cancel',
    steps: () => [{ hang: 20_000 }],
    answer: YES,
    interrupt: 'cancel',
    check: (s) => (s.outcome.status === 'canceled' ? undefined : `it ended as ${s.outcome.status}`),
  },
];

function install(profile: Profile): void {
  const folder = folderOf(CACHE, profile);
  if (existsSync(join(folder, 'node_modules', '.bin', profile.program))) return;
  mkdirSync(folder, { recursive: true });
  console.log(`installing ${profile.package} into ${folder}`);
  execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', profile.package ?? ''], {
    stdio: 'inherit',
  });
}

async function runCase(profile: Profile, row: Case, record: boolean): Promise<Seen> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-agents-')));
  const [worktree, outside, home] = ['worktree', 'outside', 'home'].map((name) => join(folder, name)) as [string, string, string];
  for (const path of [worktree, outside, home]) mkdirSync(path);
  writeFileSync(join(worktree, 'README.md'), '# demo\n');
  execFileSync('git', ['init', '-q', '-b', 'main', worktree]);
  const model = await startModelServer();
  const recording: Recording = [];
  const adapter = createAcpAdapter({
    profileOf: () => ledTo(profile, model.url),
    installed: CACHE,
    personHome: home,
    personEnv: {},
    describe: describeWanted,
    ...(record ? { launch: recordPipes(recording) } : {}),
  });
  const asked: string[] = [];
  const attempt = `agents-${row.name}-${process.pid}-${Date.now()}`;
  const prompt = `Do what the script says. ${markScript([...row.steps(worktree, outside), { text: 'done' }])}`;
  const about = {
    attempt,
    task: 't',
    run: 'r',
    stage: 's',
    agent: profile.agent,
    action: 'prompt',
    prompt,
    inputs: {},
    timeoutMs: 90_000,
    home,
  };
  const outcome = await new Promise<Outcome>((resolve) => {
    const running = adapter.start({ ...about, worktree: { path: worktree, gitDir: join(worktree, '.git'), branch: 'main' } }, (event) => {
      if (event.type === 'wants') {
        asked.push(event.wanted.action.kind);
        event.answer(row.answer);
      }
      if (event.type === 'output' && event.stream === 'stdout' && row.interrupt) void running.cancel('the test wants it');
      if (event.type === 'ended') resolve(event.outcome);
    });
  });
  await model.close();
  const seen = {
    outcome,
    asked,
    files: readdirSync(worktree),
    escaped: readdirSync(outside).length > 0,
    left: (await findTagged(attempt)).length,
  };
  if (record) writeRecording(`${profile.agent}-${row.name}`, recording, { worktree, outside, home, model: model.url });
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return seen;
}

function writeRecording(name: string, recording: Recording, places: Record<string, string>): void {
  const lines = recording.filter(({ line }) => !line.includes('"available_commands_update"')).map(({ from, line }) => `${from} ${line}`);
  const text = Object.entries(places).reduce((all, [place, value]) => all.replaceAll(value, `{${place}}`), lines.join('\n'));
  mkdirSync(FIXTURES, { recursive: true });
  writeFileSync(join(FIXTURES, `${name}.txt`), `${text}\n`);
}

async function runAgent(profile: Profile, record: boolean): Promise<string[]> {
  install(profile);
  const wrong: string[] = [];
  for (const row of CASES) {
    const seen = await runCase(profile, row, record);
    const fault = (row.except?.[profile.agent] ?? row.check)(seen) ?? (seen.left > 0 ? `${seen.left} processes are left` : undefined);
    const told = `${seen.outcome.status}${seen.outcome.error ? ` (${seen.outcome.error.code})` : ''}, asked: ${seen.asked.join(' ') || '-'}`;
    console.log(
      `${profile.agent.padEnd(12)} ${row.name.padEnd(9)} ${fault === undefined ? 'ok  ' : 'FAIL'} ${told}${fault === undefined ? '' : `: ${fault}`}`,
    );
    if (fault !== undefined) wrong.push(`${profile.agent} ${row.name}: ${fault} ${seen.outcome.error?.message ?? ''}`);
  }
  if (!record && profile.canary) {
    const endpoint = join(dirname(CACHE), 'no-endpoint.json');
    const adapterFor = (one: Profile) =>
      createAcpAdapter({ profileOf: () => one, installed: CACHE, personHome: CACHE, personEnv: {}, describe: describeWanted });
    const report = await runCanary({ profile, canary: profile.canary, adapterFor, endpoint, now: () => new Date().toISOString() });
    for (const { decoy, result, detail } of report.rows)
      console.log(`${profile.agent.padEnd(12)} canary ${decoy.padEnd(16)} ${result.padEnd(10)} ${detail.slice(0, 80)}`);
  }
  return wrong;
}

const record = process.argv.includes('--record');
const named = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const wrong: string[] = [];
for (const agent of named.length > 0 ? named : AGENTS) {
  const profile = PROFILES.get(agent);
  if (!profile) throw new Error(`There is no profile of ${agent}.`);
  wrong.push(...(await runAgent(profile, record)));
}
if (record) for (const name of readdirSync(FIXTURES)) console.log(`${name}: ${readFileSync(join(FIXTURES, name)).length} bytes`);
console.log(wrong.length === 0 ? 'all as expected' : `\n${wrong.join('\n')}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
