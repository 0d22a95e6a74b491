import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { json, Place } from './spawned.ts';

describe('the CLI', function () {
  this.timeout(60_000);
  const signalbox = Place.forEachTest();

  describe('and the daemon', () => {
    it('says that none runs, without starting one', async () => {
      const { code, out } = await signalbox.run(['status', '--json']);
      assert.equal(code, 1);
      assert.deepEqual(JSON.parse(out), { running: false, home: join(signalbox.folder, 'home') });
      assert.equal(existsSync(join(signalbox.folder, 'home')), false);
    });

    it('starts one when it is needed, one only, and passes over the endpoint of a dead one', async () => {
      await mkdir(join(signalbox.folder, 'home'), { mode: 0o700 });
      const dead = {
        pid: 4_194_303,
        startTime: '1',
        host: '127.0.0.1',
        port: 9,
        protocol: { min: 1, max: 1 },
        token: 'x'.repeat(43),
        version: '0',
      };
      await writeFile(join(signalbox.folder, 'home', 'endpoint.json'), JSON.stringify(dead), { mode: 0o600 });
      const all = await Promise.all([signalbox.run(['up', '--json']), signalbox.run(['runs', '--json']), signalbox.run(['up', '--json'])]);
      assert.deepEqual(
        all.map(({ code }) => code),
        [0, 0, 0],
        JSON.stringify(all),
      );
      assert.equal(json('up', all[0]).pid, json('up', all[2]).pid);
      assert.equal((await signalbox.run(['status'])).code, 0);
      assert.equal((await signalbox.run(['down'])).code, 0);
      assert.equal((await signalbox.run(['status'])).code, 1);
    });

    it('shows the end of its log when it does not start', async () => {
      const { code, err } = await signalbox.run(['up'], { env: { SIGNALBOX_TASK_TIMEOUT: 'soon' } });
      assert.equal(code, 1);
      assert.match(err, /SIGNALBOX_TASK_TIMEOUT is "soon"/);
      assert.match(err, /error: The daemon did not start: it ended with exit code \d+\.\nhint: .*daemon\.log/);
    });

    it('offers a restart when it speaks another protocol, and can stop it', async () => {
      await mkdir(join(signalbox.folder, 'home'), { mode: 0o700 });
      const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      signalbox.children.add(other);
      const endpoint = {
        pid: other.pid,
        startTime: '1',
        host: '127.0.0.1',
        port: 9,
        protocol: { min: 8, max: 9 },
        token: 'x'.repeat(43),
        version: '9.0.0',
      };
      await writeFile(join(signalbox.folder, 'home', 'endpoint.json'), JSON.stringify(endpoint), { mode: 0o600 });
      const { code, err } = await signalbox.run(['runs']);
      assert.equal(code, 1);
      assert.match(err, /version 9\.0\.0 runs .* protocol 8 to 9.*\nhint: Restart it with `signalbox down` and `signalbox up`/);
      assert.equal((await signalbox.run(['down'])).code, 0);
      assert.equal(other.signalCode, 'SIGTERM');
    });

    it('uses no endpoint file that others can read', async () => {
      await signalbox.run(['up']);
      await chmod(join(signalbox.folder, 'home', 'endpoint.json'), 0o644);
      const { code, err } = await signalbox.run(['runs']);
      await chmod(join(signalbox.folder, 'home', 'endpoint.json'), 0o600);
      assert.equal(code, 1);
      assert.match(err, /can be read by others/);
    });
  });

  describe('as a command line', () => {
    it('lists its commands, and explains each', async () => {
      const { code, out } = await signalbox.run(['--help']);
      assert.equal(code, 0);
      const names = [...out.matchAll(/^ {2}([a-z]+)(?: \[options\]| <| {2,})/gm)]
        .map((match) => match[1] ?? '')
        .filter((name) => name !== 'signalbox');
      const wanted =
        'up down status run undo cancel runs tasks agents approvals approve deny trust events logs demo journal completion'.split(' ');
      assert.deepEqual(
        wanted.filter((name) => !names.includes(name)),
        [],
      );
      // program.test.ts looks at those of all commands.
      for (const words of [['journal', 'verify'], ['run']]) {
        const help = await signalbox.run([...words, '--help']);
        assert.equal(help.code, 0);
        assert.match(help.out, /Examples:/);
      }
    });

    it('refuses wrong use with 2, and says what was meant', async () => {
      const cases: [string[], RegExp][] = [
        [['rnu'], /unknown command 'rnu'[\s\S]*Did you mean run\?/],
        [['run'], /missing required argument/],
        [['run', 'checkup', '--approve=yes'], /Allowed choices are ask, deny/],
        [['run', 'nope.yaml'], /There is no file nope\.yaml/],
        [['runs', '--limit', '0'], /from 1 to 1000/],
        [['journal', 'verify', '--expect', 'x'], /is not a head/],
      ];
      for (const [args, pattern] of cases) {
        const { code, err, out } = await signalbox.run(args);
        assert.equal(code, 2, args.join(' '));
        assert.match(err, pattern);
        assert.equal(out, '');
      }
    });

    it('lists the problems of a workflow like a compiler', async () => {
      await writeFile(
        join(signalbox.folder, 'bad.yaml'),
        'workflow: bad\nversion: 1\nstages:\n  - id: a\n    agnt: command\n    needs: [b]\n',
      );
      const { code, err } = await signalbox.run(['run', 'bad.yaml']);
      assert.equal(code, 2);
      assert.match(err, /^bad\.yaml:5:5: .*agnt.*Did you mean `agent`\?$/m);
      assert.match(err, /^bad\.yaml:6:13: /m);
    });

    it('is coloured only when asked for', async () => {
      assert.doesNotMatch((await signalbox.run(['approve', 'zz'])).err, /\u001b/);
      assert.match((await signalbox.run(['approve', 'zz'], { env: { FORCE_COLOR: '1' } })).err, /\u001b\[31m/);
      assert.doesNotMatch((await signalbox.run(['approve', 'zz'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).err, /\u001b/);
    });

    it('ends quietly when nobody reads on', async () => {
      await signalbox.run(['up']);
      const { child, said, ended } = signalbox.begin(['events', '--json']);
      child.stdout.destroy();
      const { code } = await ended;
      assert.equal(code, 0);
      assert.equal(said.err, '');
    });

    it('completes commands, options and workflows', async () => {
      for (const shell of ['bash', 'zsh', 'fish']) assert.match((await signalbox.run(['completion', shell])).out, /signalbox/);
      assert.match((await signalbox.run(['complete', '--', 'appr'])).out, /^approvals\t[\s\S]*^approve\t/m);
      assert.match((await signalbox.run(['complete', '--', 'run', ''])).out, /^checkup\t/m);
    });

    it('checks the journal without a daemon', async () => {
      assert.equal((await signalbox.run(['journal', 'verify'])).code, 1);
      await signalbox.run(['up']);
      await signalbox.run(['down']);
      const { code, out } = await signalbox.run(['journal', 'verify', '--json']);
      assert.equal(code, 0);
      const { head }: { head: { seq: number; hash: string } } = JSON.parse(out);
      assert.equal((await signalbox.run(['journal', 'verify', '--expect', `${head.seq}:${head.hash}`])).code, 0);
      assert.equal((await signalbox.run(['journal', 'verify', '--expect', `${head.seq}:${'0'.repeat(64)}`])).code, 1);
      assert.equal((await signalbox.run(['status'])).code, 1, 'no daemon was started');
    });
  });
});
