// The built CLI (dist/cli.cjs, see `npm run build`) as a person or a script uses it, each test with a state folder of its own.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeSample } from '../../../daemon/cli/demo/sample.ts';

const CLI = fileURLToPath(new URL('../../../dist/cli.cjs', import.meta.url));

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

let folder = '';
let env: NodeJS.ProcessEnv = {};
const children = new Set<ChildProcess>();

function begin(args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: options.cwd ?? folder,
    env: { ...env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...said })));
  const until = async (pattern: RegExp): Promise<void> => {
    for (let i = 0; i < 1_000 && !pattern.test(said.out + said.err); i += 1) {
      if (child.exitCode !== null) break;
      await sleep(15);
    }
    assert.match(said.out + said.err, pattern);
  };
  return { child, said, ended, until };
}

const signalbox = (args: string[], options: Parameters<typeof begin>[1] = {}): Promise<Ended> => begin(args, options).ended;
const json = (ended: Ended): any => JSON.parse(ended.out);
const endpointOf = async (): Promise<{ pid: number }> => JSON.parse(await readFile(join(folder, 'home', 'endpoint.json'), 'utf8'));

async function makeRepository(): Promise<string> {
  const repo = join(folder, 'shop');
  await makeSample(repo);
  return repo;
}

async function writeWorkflow(commands: string[]): Promise<string> {
  const path = join(folder, 'work.yaml');
  const stages = commands.map(
    (command, i) =>
      `  - { id: s${i}, agent: command, command: [sh, -c, ${JSON.stringify(command)}], worktree: none${i === 0 ? '' : `, needs: [s${i - 1}]`} }`,
  );
  await writeFile(path, ['workflow: work', 'version: 1', 'stages:', ...stages, ''].join('\n'));
  return path;
}

describe('the CLI', function () {
  this.timeout(60_000);

  before(() => assert.ok(existsSync(CLI), `${CLI} is not there: run \`npm run build\``));

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-cli-')));
    env = { PATH: process.env['PATH'] ?? '', HOME: folder, TMPDIR: folder, SIGNALBOX_HOME: join(folder, 'home') };
  });

  afterEach(async () => {
    for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
    children.clear();
    await signalbox(['down']);
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  });

  describe('and the daemon', () => {
    it('says that none runs, without starting one', async () => {
      const { code, out } = await signalbox(['status', '--json']);
      assert.equal(code, 1);
      assert.deepEqual(JSON.parse(out), { running: false, home: join(folder, 'home') });
      assert.equal(existsSync(join(folder, 'home')), false);
    });

    it('starts one when it is needed, one only, and passes over the endpoint of a dead one', async () => {
      await mkdir(join(folder, 'home'), { mode: 0o700 });
      const dead = {
        pid: 4_194_303,
        startTime: '1',
        host: '127.0.0.1',
        port: 9,
        protocol: { min: 1, max: 1 },
        token: 'x'.repeat(43),
        version: '0',
      };
      await writeFile(join(folder, 'home', 'endpoint.json'), JSON.stringify(dead), { mode: 0o600 });
      const all = await Promise.all([signalbox(['up', '--json']), signalbox(['runs', '--json']), signalbox(['up', '--json'])]);
      assert.deepEqual(
        all.map(({ code }) => code),
        [0, 0, 0],
        JSON.stringify(all),
      );
      assert.equal(json(all[0]).pid, json(all[2]).pid);
      assert.equal((await signalbox(['status'])).code, 0);
      assert.equal((await signalbox(['down'])).code, 0);
      assert.equal((await signalbox(['status'])).code, 1);
    });

    it('shows the end of its log when it does not start', async () => {
      const { code, err } = await signalbox(['up'], { env: { SIGNALBOX_TASK_TIMEOUT: 'soon' } });
      assert.equal(code, 1);
      assert.match(err, /SIGNALBOX_TASK_TIMEOUT is "soon"/);
      assert.match(err, /error: The daemon did not start: it ended with exit code \d+\.\nhint: .*daemon\.log/);
    });

    it('offers a restart when it speaks another protocol, and can stop it', async () => {
      await mkdir(join(folder, 'home'), { mode: 0o700 });
      const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      children.add(other);
      const endpoint = {
        pid: other.pid,
        startTime: '1',
        host: '127.0.0.1',
        port: 9,
        protocol: { min: 8, max: 9 },
        token: 'x'.repeat(43),
        version: '9.0.0',
      };
      await writeFile(join(folder, 'home', 'endpoint.json'), JSON.stringify(endpoint), { mode: 0o600 });
      const { code, err } = await signalbox(['runs']);
      assert.equal(code, 1);
      assert.match(err, /version 9\.0\.0 runs .* protocol 8 to 9.*\nhint: Restart it with `signalbox down` and `signalbox up`/);
      assert.equal((await signalbox(['down'])).code, 0);
      assert.equal(other.signalCode, 'SIGTERM');
    });

    it('uses no endpoint file that others can read', async () => {
      await signalbox(['up']);
      await chmod(join(folder, 'home', 'endpoint.json'), 0o644);
      const { code, err } = await signalbox(['runs']);
      await chmod(join(folder, 'home', 'endpoint.json'), 0o600);
      assert.equal(code, 1);
      assert.match(err, /can be read by others/);
    });
  });

  describe('as a command line', () => {
    it('explains every command with examples', async () => {
      const { code, out } = await signalbox(['--help']);
      assert.equal(code, 0);
      const names = [...out.matchAll(/^ {2}([a-z]+)(?: \[options\]| <| {2,})/gm)]
        .map((match) => match[1] ?? '')
        .filter((name) => name !== 'signalbox');
      for (const name of [
        'up',
        'down',
        'status',
        'run',
        'undo',
        'cancel',
        'runs',
        'tasks',
        'agents',
        'approvals',
        'approve',
        'deny',
        'trust',
        'events',
        'logs',
        'demo',
        'journal',
        'completion',
      ]) {
        assert.ok(names.includes(name), `${name} is not listed`);
        const help = await signalbox(name === 'journal' ? ['journal', 'verify', '--help'] : [name, '--help']);
        assert.equal(help.code, 0, name);
        assert.match(help.out, /Examples:/, name);
      }
    });

    it('refuses wrong use with 2, and says what was meant', async () => {
      const cases: [string[], RegExp][] = [
        [['rnu'], /unknown command 'rnu'[\s\S]*Did you mean run\?/],
        [['run'], /missing required argument/],
        [['run', 'checkup', '--approve=yes'], /Allowed choices are ask, deny/],
        [['run', 'nope.yaml'], /There is no file nope\.yaml/],
        [['runs', '--limit', '0'], /from 1 to 1000/],
        [['journal', 'verify', '--head', 'x'], /is not a head/],
      ];
      for (const [args, pattern] of cases) {
        const { code, err, out } = await signalbox(args);
        assert.equal(code, 2, args.join(' '));
        assert.match(err, pattern);
        assert.equal(out, '');
      }
    });

    it('lists the problems of a workflow like a compiler', async () => {
      await writeFile(join(folder, 'bad.yaml'), 'workflow: bad\nversion: 1\nstages:\n  - id: a\n    agnt: command\n    needs: [b]\n');
      const { code, err } = await signalbox(['run', 'bad.yaml']);
      assert.equal(code, 2);
      assert.match(err, /^bad\.yaml:5:5: .*agnt.*Did you mean `agent`\?$/m);
      assert.match(err, /^bad\.yaml:6:13: /m);
    });

    it('is coloured only when asked for', async () => {
      assert.doesNotMatch((await signalbox(['approve', 'zz'])).err, /\u001b/);
      assert.match((await signalbox(['approve', 'zz'], { env: { FORCE_COLOR: '1' } })).err, /\u001b\[31m/);
      assert.doesNotMatch((await signalbox(['approve', 'zz'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).err, /\u001b/);
    });

    it('ends quietly when nobody reads on', async () => {
      await signalbox(['up']);
      const { child, said, ended } = begin(['events', '--json']);
      child.stdout.destroy();
      const { code } = await ended;
      assert.equal(code, 0);
      assert.equal(said.err, '');
    });

    it('completes commands, options and workflows', async () => {
      for (const shell of ['bash', 'zsh', 'fish']) assert.match((await signalbox(['completion', shell])).out, /signalbox/);
      assert.match((await signalbox(['complete', '--', 'appr'])).out, /^approvals\t[\s\S]*^approve\t/m);
      assert.match((await signalbox(['complete', '--', 'run', ''])).out, /^checkup\t/m);
    });

    it('checks the journal without a daemon', async () => {
      assert.equal((await signalbox(['journal', 'verify'])).code, 1);
      await signalbox(['up']);
      await signalbox(['down']);
      const { code, out } = await signalbox(['journal', 'verify', '--json']);
      assert.equal(code, 0);
      const { head } = JSON.parse(out);
      assert.equal((await signalbox(['journal', 'verify', '--head', `${head.seq}:${head.hash}`])).code, 0);
      assert.equal((await signalbox(['journal', 'verify', '--head', `${head.seq}:${'0'.repeat(64)}`])).code, 1);
      assert.equal((await signalbox(['status'])).code, 1, 'no daemon was started');
    });
  });

  describe('running a workflow', () => {
    it('waits for an answer from elsewhere, joins what runs already, and ends with what was said', async () => {
      const file = await writeWorkflow(['echo one; printf "\\033[31mred\\033[0m"', 'exit 3']);
      const cwd = await makeRepository();
      const first = begin(['run', file], { cwd });
      await first.until(/To answer: signalbox approve \w+/);
      const second = begin(['run', file], { cwd });
      await second.until(/Going on with run \w{8}, started/);
      const { runs } = json(await signalbox(['runs', '--json']));
      assert.equal(runs.length, 1);
      const { approvals } = json(await signalbox(['approvals', '--json']));
      assert.equal((await signalbox(['approve', approvals[0].id.slice(-8), '--reason', 'fine'])).code, 0);
      await first.until(/granted by user: .*\(fine\)/);
      await first.until(/s1 +waits for an approval/);
      assert.equal((await signalbox(['approve', runs[0].id])).code, 0, 'a run stands for all that it waits for');
      for (const { code, out } of [await first.ended, await second.ended]) {
        assert.equal(code, 1);
        assert.match(out, /failure: s1 failed/);
        assert.doesNotMatch(out, /\u001b/);
      }
      const logs = await signalbox(['logs', runs[0].id]);
      assert.match(logs.out, /one\nred/);
    });

    it('denies with --approve=deny: exit 3, one JSON document', async () => {
      const ended = await signalbox(['run', await writeWorkflow(['true']), '--approve=deny', '--json']);
      assert.equal(ended.code, 3);
      const document = json(ended);
      assert.deepEqual(document.outcome, { exit: 3, word: 'denied' });
      assert.equal(document.approvals[0].by, 'user');
      assert.match(ended.err, /denied by user/);
    });

    it('cancels at the first interrupt, and exits 130', async () => {
      const run = begin(['run', await writeWorkflow(['sleep 60'])]);
      await run.until(/To answer/);
      const { runs } = json(await signalbox(['runs', '--json']));
      await signalbox(['approve', runs[0].id]);
      await run.until(/> s0/);
      run.child.kill('SIGINT');
      assert.equal((await run.ended).code, 130);
      const shown = json(await signalbox(['runs', 'show', runs[0].id, '--json']));
      assert.equal(shown.run.status, 'canceled');
    });

    it('goes on with the same run when the daemon is killed', async () => {
      const run = begin(['run', await writeWorkflow(['true'])]);
      await run.until(/To answer/);
      const { pid } = await endpointOf();
      process.kill(pid, 'SIGKILL');
      await run.until(/Connected again/);
      assert.notEqual((await endpointOf()).pid, pid);
      const { runs } = json(await signalbox(['runs', '--json']));
      assert.equal(runs.length, 1);
      await signalbox(['approve', runs[0].id]);
      const { code, out } = await run.ended;
      assert.equal(code, 0);
      assert.match(out, /success: work is done/);
    });

    it('does not start a daemon again that was stopped on purpose', async () => {
      const run = begin(['run', await writeWorkflow(['true'])]);
      await run.until(/To answer/);
      await signalbox(['down']);
      const { code, err } = await run.ended;
      assert.equal(code, 1);
      assert.match(err, /The daemon was stopped.*\nhint: Run \w+ is taken up again/);
      assert.equal((await signalbox(['status'])).code, 1);
    });

    it('follows the record as CloudEvents, one a line', async () => {
      const follow = begin(['events', '--follow', '--json']);
      await follow.until(/agent\.ready/);
      await signalbox(['run', await writeWorkflow(['true']), '--approve=deny']);
      await follow.until(/run\.failed/);
      follow.child.kill('SIGINT');
      const { code, out } = await follow.ended;
      assert.equal(code, 130);
      const events = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.ok(events.every((event) => event.specversion === '1.0'));
      assert.equal(new Set(events.map((event) => event.id)).size, events.length, 'each once');
    });
  });

  it('trusts exactly the files that it showed, and only when told to', async () => {
    const repo = await makeRepository();
    await mkdir(join(repo, '.signalbox', 'workflows'), { recursive: true });
    await writeFile(
      join(repo, '.signalbox', 'workflows', 'own.yaml'),
      'workflow: own\nversion: 1\nstages:\n  - { id: a, agent: command, command: [sh, -c, "true"] }\n',
    );
    const asked = await signalbox(['trust', repo]);
    assert.equal(asked.code, 2);
    assert.match(asked.out, /own\.yaml\n {2}digest [0-9a-f]{64}/);
    assert.equal((await signalbox(['run', 'own', '--repo', repo])).code, 3);
    assert.equal((await signalbox(['trust', repo, '--yes'])).code, 0);
    assert.equal((await signalbox(['run', 'own', '--repo', repo, '--detach'])).code, 0);
    assert.equal((await signalbox(['trust', repo, '--revoke'])).code, 0);
    const unsure = await signalbox(['trust', repo, '--json']);
    assert.equal(unsure.code, 2);
    assert.equal(json(unsure).error.facts.trusted, false);
  });

  it('shows a whole check-up with `demo`, answered by a principal of its own, and leaves nothing', async () => {
    const { code, out, err } = await signalbox(['demo']);
    assert.equal(code, 0, err);
    assert.match(out, /Approved by principal demo: Merge \d+ changed files/);
    assert.match(out, /\+node_modules\//);
    assert.match(out, /success: checkup is done\.\nMerged into main as [0-9a-f]{12}/);
    assert.match(out, /main afterwards:\n {2}\* +[0-9a-f]+ \(HEAD -> main\) Merge checkup/);
    assert.match(out, /To take it back: /);
    assert.doesNotMatch(out, /\u001b/);
    const left = execFileSync('ls', [folder], { encoding: 'utf8' })
      .split('\n')
      .filter((name) => name.startsWith('signalbox-demo-'));
    assert.deepEqual(left, []);
    assert.equal(existsSync(join(folder, 'home')), false, 'the user’s own state takes no part');
  });

  it('merges with `demo --keep --json`, and `undo` takes it back', async () => {
    const ended = await signalbox(['demo', '--keep', '--json']);
    assert.equal(ended.code, 0, ended.err);
    const { run, commit, repo, merged } = json(ended);
    assert.equal(merged, true);
    const read = (...args: string[]) => execFileSync('git', ['-C', repo, ...args], { encoding: 'utf8' }).trim();
    assert.equal(read('rev-parse', 'main'), commit);
    const own = { env: { SIGNALBOX_HOME: join(repo, '..', 'home') } };
    const shown = json(await signalbox(['runs', 'show', run, '--json'], own));
    assert.ok(shown.approvals.length > 0 && shown.approvals.every((approval: { by: string }) => approval.by === 'demo'));
    assert.equal((await signalbox(['undo', run.slice(-8)], own)).code, 0);
    assert.equal(read('diff', '--stat', `${commit}^1`, 'main'), '');
    assert.equal((await signalbox(['undo', run], own)).code, 1, 'not twice');
    await signalbox(['down'], own);
  });
});
