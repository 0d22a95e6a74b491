// The built CLI (dist/cli.cjs, see `npm run build`) as a person or a script uses it, each test with a state folder of its own.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeSample } from '../../../daemon/cli/demo/sample.ts';
import { CLI, environmentOf } from '../../support/programs.ts';

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** What the tests look at in the documents that `--json` prints. */
interface Documents {
  up: { pid: number };
  runs: { runs: { id: string }[] };
  approvals: { approvals: { id: string; by?: string }[] };
  show: { run: { status: string }; approvals: { by?: string }[]; outcome?: unknown };
  demo: { run: string; commit: string; repo: string; merged: boolean };
  error: { error: { facts: Record<string, unknown> } };
}

interface Options {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Where a test's CLI works; the state folder is `home` in it, and is not made beforehand. */
export class Place {
  folder = '';
  /** What all its programs get in their environment besides. */
  env: Readonly<Record<string, string>> = {};
  readonly children = new Set<ChildProcess>();

  /** A fresh place for each test of the suite, gone with its daemon afterwards. */
  static forEachTest(env: Readonly<Record<string, string>> = {}): Place {
    const place = new Place();
    place.env = env;
    before(() => assert.ok(existsSync(CLI), `${CLI} is not there: run \`npm run build\``));
    beforeEach(async () => {
      place.folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-cli-')));
    });
    afterEach(() => place.clear());
    return place;
  }

  begin(args: string[], options: Options = {}) {
    const own = { ...environmentOf(this.folder, join(this.folder, 'home')), TMPDIR: this.folder };
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: options.cwd ?? this.folder,
      env: { ...own, ...this.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.add(child);
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...said })));
    const until = async (pattern: RegExp): Promise<void> => {
      for (let i = 0; i < 1_000 && !pattern.test(said.out + said.err) && child.exitCode === null; i += 1) await sleep(15);
      assert.match(said.out + said.err, pattern);
    };
    return { child, said, ended, until };
  }

  run = (args: string[], options: Options = {}): Promise<Ended> => this.begin(args, options).ended;

  async endpoint(): Promise<{ pid: number }> {
    return JSON.parse(await readFile(join(this.folder, 'home', 'endpoint.json'), 'utf8'));
  }

  /** The demo's sample repository. */
  async makeRepository(): Promise<string> {
    const repo = join(this.folder, 'shop');
    await makeSample(repo);
    return repo;
  }

  /** A workflow file whose stages run one shell command each, one after the other. */
  async writeWorkflow(commands: string[]): Promise<string> {
    const path = join(this.folder, 'work.yaml');
    const stages = commands.map((command, i) => {
      const needs = i === 0 ? '' : `, needs: [s${i - 1}]`;
      return `  - { id: s${i}, agent: command, command: [sh, -c, ${JSON.stringify(command)}], worktree: none${needs} }`;
    });
    await writeFile(path, ['workflow: work', 'version: 1', 'stages:', ...stages, ''].join('\n'));
    return path;
  }

  async clear(): Promise<void> {
    for (const child of this.children) if (child.exitCode === null) child.kill('SIGKILL');
    this.children.clear();
    // What is recorded does not matter any more, so nobody waits for the daemon to drain; it may be gone already.
    await this.endpoint()
      .then(({ pid }) => process.kill(pid, 'SIGKILL'))
      .catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** The one JSON document on standard output. */
export function json<Kind extends keyof Documents>(_kind: Kind, ended: Ended): Documents[Kind] {
  return JSON.parse(ended.out);
}

/** The id of the first entry. */
export function idOf(entries: readonly { id: string }[]): string {
  const [entry] = entries;
  assert.ok(entry, 'the list is empty');
  return entry.id;
}
