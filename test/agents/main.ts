/**
 * Drives real coding agents, at the versions of their profiles, with the scripted model: `npm run test:agents [-- AGENT ...]`.
 * They are installed once into a cache outside of the repository (SIGNALBOX_TEST_AGENTS, else a folder of the user's cache), and
 * run in the sandbox where there is one (`--advisory`: without). `--only=CASE,CASE` leaves the others out. `--record` also writes
 * their traffic to test/fixtures/acp, which `npm test` replays. Prints a table; fails when a row is wrong.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAcpAdapter } from '../../daemon/agents/acp/index.ts';
import { runCanary } from '../../daemon/agents/acp/canary/run.ts';
import { type Profile, PROFILES } from '../../daemon/agents/acp/profiles.ts';
import { folderOf } from '../../daemon/agents/acp/program.ts';
import { describeWanted } from '../../daemon/boot/wanted.ts';
import { inspectMachine } from '../../daemon/platform/sandbox/machine.ts';
import { createSandbox, type Sandbox } from '../../daemon/platform/sandbox/sandbox.ts';
import { CASES, type Seen } from './cases.ts';
import { FIXTURES, type Left, runCase } from './run-case.ts';

const CACHE = process.env['SIGNALBOX_TEST_AGENTS'] ?? join(homedir(), '.cache', 'signalbox-test-agents');
const BRIDGE = fileURLToPath(new URL('../../dist/bridge.cjs', import.meta.url));

const flags = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const named = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const only = flags.find((flag) => flag.startsWith('--only='))?.slice('--only='.length);
const record = flags.includes('--record');

function install(profile: Profile): void {
  const folder = folderOf(CACHE, profile);
  if (existsSync(join(folder, 'node_modules', '.bin', profile.program))) return;
  mkdirSync(folder, { recursive: true });
  console.log(`installing ${profile.package} into ${folder}`);
  execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', profile.package ?? ''], {
    stdio: 'inherit',
  });
}

async function openSandbox(): Promise<Sandbox | undefined> {
  if (flags.includes('--advisory') || record) return undefined;
  const machine = await inspectMachine('auto');
  if (machine.bwrap === undefined) return undefined;
  return createSandbox({ machine, bridgePath: BRIDGE, hidden: [], personHome: homedir(), readable: [] });
}

/** Results by case, `ok` where it came out as it should. */
type Column = Map<string, string>;

async function runAgent(profile: Profile, sandbox: Sandbox | undefined): Promise<{ column: Column; wrong: string[] }> {
  install(profile);
  const column: Column = new Map();
  const wrong: string[] = [];
  const lefts = new Map<string, Left>();
  for (const row of CASES.filter(({ name }) => only === undefined || only.split(',').includes(name))) {
    const before = row.after === undefined ? undefined : lefts.get(row.after);
    const { seen, left } = await runCase(profile, row, { installed: CACHE, sandbox, record, before });
    lefts.set(row.name, left);
    const fault = judge(profile, row, seen);
    column.set(row.name, fault === undefined ? 'ok' : 'FAIL');
    const told = `${seen.outcome.status}${seen.outcome.error ? ` (${seen.outcome.error.code})` : ''}, asked: ${seen.asked.join(' ') || '-'}`;
    console.log(
      `${profile.agent.padEnd(12)} ${row.name.padEnd(8)} ${fault === undefined ? 'ok  ' : 'FAIL'} ${told}${fault === undefined ? '' : `: ${fault}`}`,
    );
    if (fault !== undefined) wrong.push(`${profile.agent} ${row.name}: ${fault} ${seen.outcome.error?.message ?? ''}`);
  }
  for (const left of lefts.values()) left.remove();
  if (!record && profile.canary && (only === undefined || only.includes('canary'))) {
    const endpoint = join(dirname(CACHE), 'no-endpoint.json');
    const nothing = { installed: CACHE, personHome: CACHE, personEnv: {}, describe: describeWanted };
    const adapterFor = (one: Profile) => createAcpAdapter({ ...nothing, profileOf: () => one, ...(sandbox ? { sandbox } : {}) });
    const report = await runCanary({ profile, canary: profile.canary, adapterFor, endpoint, now: () => new Date().toISOString() });
    for (const { decoy, result, detail } of report.rows) {
      column.set(`canary ${decoy}`, result);
      console.log(`${profile.agent.padEnd(12)} canary ${decoy.padEnd(16)} ${result.padEnd(10)} ${detail.slice(0, 80)}`);
    }
  }
  return { column, wrong };
}

function judge(profile: Profile, row: (typeof CASES)[number], seen: Seen): string | undefined {
  const fault = (row.except?.[profile.agent] ?? row.check)(seen);
  return fault ?? (seen.left > 0 ? `${seen.left} processes are left` : undefined);
}

function printTable(columns: Map<string, Column>): void {
  const rows = [...new Set([...columns.values()].flatMap((column) => [...column.keys()]))];
  const agents = [...columns.keys()];
  console.log(`\n${''.padEnd(24)}${agents.map((agent) => agent.padEnd(13)).join('')}`);
  for (const row of rows) console.log(row.padEnd(24) + agents.map((agent) => (columns.get(agent)?.get(row) ?? '-').padEnd(13)).join(''));
}

const sandbox = await openSandbox();
console.log(sandbox ? 'in the sandbox' : 'without a sandbox');
const columns = new Map<string, Column>();
const wrong: string[] = [];
for (const agent of named.length > 0 ? named : [...PROFILES.values()].filter(({ canary }) => canary).map((one) => one.agent)) {
  const profile = PROFILES.get(agent);
  if (!profile) throw new Error(`There is no profile of ${agent}.`);
  const ran = await runAgent(profile, sandbox);
  columns.set(agent, ran.column);
  wrong.push(...ran.wrong);
}
printTable(columns);
if (record) for (const name of readdirSync(FIXTURES)) console.log(`${name}: ${readFileSync(join(FIXTURES, name)).length} bytes`);
console.log(wrong.length === 0 ? '\nall as expected' : `\n${wrong.join('\n')}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
