import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { AttemptEvent } from '../../../../daemon/agents/agent.ts';
import { createCommandAdapter } from '../../../../daemon/agents/command/index.ts';
import { inspectMachine } from '../../../../daemon/platform/sandbox/machine.ts';
import { findTagged } from '../../../../daemon/platform/process.ts';
import type { Sandbox } from '../../../../daemon/platform/sandbox/sandbox.ts';
import { inspectRepo } from '../../../../daemon/workspace/inspect.ts';
import { lendGit } from '../../../../daemon/workspace/lend.ts';
import { takeBack } from '../../../../daemon/workspace/take-back.ts';
import { createWorktree } from '../../../../daemon/workspace/worktrees.ts';
import { git, makeRepo, removeTempFolders, tempFolder } from '../../../support/repos.ts';
import { openSandbox } from '../../../support/sandbox.ts';
import { saysOutput, watch } from '../../agents/support/attempts.ts';

const sh = (code: string): { argv: string[] } => ({ argv: ['sh', '-c', code] });

describe('sandbox', () => {
  let sandbox: Sandbox;
  let state: string;
  const adapter = () => createCommandAdapter({ sandbox, graceMs: 500 });

  before(async function () {
    state = tempFolder('state');
    const opened = await openSandbox([state]);
    if (!opened) this.skip();
    sandbox = opened.sandbox;
  });
  after(removeTempFolders);

  /** Runs a script in the sandbox and returns what it wrote. */
  const run = async (code: string, over: Parameters<typeof watch>[1] = {}): Promise<string> => {
    const attempt = watch(adapter(), { ...sh(code), ...over });
    const outcome = await attempt.ended;
    assert.equal(outcome.status, 'succeeded', attempt.output('stderr'));
    assert.equal(await attempt.leftovers(), 0);
    return attempt.output('stdout').trim();
  };

  it('is said in what the attempt started with', async () => {
    const attempt = watch(adapter(), sh('true'));
    await attempt.ended;
    const started = attempt.events.find((event) => event.type === 'started');
    assert.deepEqual(started?.enforcement, { level: 'enforced', why: 'bubblewrap' });
  });

  it('writes to the worktree and HOME only; /tmp is its own', async () => {
    const path = tempFolder('tree');
    const outside = tempFolder('outside');
    const said = await run(
      `touch in && touch "$HOME/h" && touch /tmp/t && for f in ${outside}/x /x /usr/x /etc/x; do touch $f 2>/dev/null && echo "wrote $f"; done; ls ${outside} 2>&1 | head -1; echo done`,
      { worktree: { path, gitDir: path, branch: 'b' } },
    );
    assert.match(said, /^ls: .*No such file or directory\ndone$/);
    assert.ok(existsSync(join(path, 'in')));
    assert.equal(existsSync('/tmp/t'), false);
  });

  it('sees no state of the daemon, no other process and no home of a person', async () => {
    mkdirSync(join(state, 'worktrees/a'), { recursive: true });
    writeFileSync(join(state, 'endpoint.json'), 'token');
    const path = join(state, 'worktrees/a');
    const said = await run(
      `cat ${state}/endpoint.json 2>/dev/null; ls -A ${state}; ls -d /proc/[0-9]* | wc -l; test -e /proc/${process.pid}/environ && grep -c tsx /proc/${process.pid}/cmdline; ls -A /home /root 2>/dev/null; ls /run`,
      { worktree: { path, gitDir: path, branch: 'b' }, env: { PATH: '/usr/bin:/bin' } },
    );
    const [seen, processes, ...rest] = said.split('\n').filter((line) => line !== '0');
    assert.equal(seen, 'worktrees');
    assert.ok(Number(processes) < 12, said);
    assert.deepEqual(rest, ['signalbox']);
  });

  it('reaches neither the ports of this machine nor a host that nobody allowed', async () => {
    const server = createServer((_request, response) => response.end('reached'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const code = `const http = require('node:http'); const proxy = new URL(process.env.HTTP_PROXY);
        const get = (options) => new Promise((done) => http.get(options, (r) => { let t = ''; r.on('data', (c) => (t += c)); r.on('end', () => done(r.statusCode + ' ' + t.trim())); }).on('error', (e) => done(e.code)));
        (async () => { console.log(await get({ port: ${port} }));
          for (const url of ['http://127.0.0.1:${port}/', 'http://localhost:${port}/', 'http://example.com/'])
            console.log(await get({ host: proxy.hostname, port: proxy.port, path: url })); })();`;
      const attempt = watch(adapter(), { argv: [process.execPath, '-e', code] });
      const asks = (event: AttemptEvent) => event.type === 'wants';
      await attempt.saw(asks);
      const wants = attempt.events.filter((event) => event.type === 'wants');
      assert.deepEqual(
        wants.map(({ wanted }) => [wanted.key, wanted.action.kind === 'agent.fetch' ? wanted.action.urls : []]),
        [['fetch example.com:80', ['http://example.com/']]],
      );
      wants[0]?.answer({ allowed: false, reason: 'No.' });
      await attempt.ended;
      const lines = attempt.output('stdout').trim().split('\n');
      assert.equal(lines[0], 'ECONNREFUSED');
      assert.match(lines[1] ?? '', /^403 Port \d+ of this machine was not given to the attempt/);
      assert.match(lines[2] ?? '', /^403 Port/);
      assert.equal(lines[3], '403 No.');
    } finally {
      server.close();
    }
  });

  it('works with git as ever, and what it does to its git directory never reaches the real one', async () => {
    const top = makeRepo({ 'a.txt': 'a\n' });
    const repo = await inspectRepo(top);
    const path = join(state, 'worktrees/git');
    const worktree = await createWorktree({ repo, path, branch: 'signalbox/x', base: repo.head.commit ?? '' });
    const lent = await lendGit(worktree, join(state, 'lent/git'), 'command');
    const config = readFileSync(join(top, '.git/config'), 'utf8');
    const said = await run(
      `git status --porcelain && echo b > b.txt && git add b.txt && git commit -qm work && git log --oneline | wc -l && git diff --stat main | tail -1
       git config core.fsmonitor /bin/false; touch ${top}/.git/hooks/x 2>/dev/null && echo wrote; rm -f .git 2>/dev/null && echo removed; echo "gitdir: /x" > .git 2>/dev/null && echo changed; ls ${top}/.git`,
      { worktree: { path, gitDir: worktree.gitDir, branch: worktree.branch, lent } },
    );
    assert.deepEqual(said.split('\n'), ['2', ' 1 file changed, 1 insertion(+)', 'objects']);
    const tip = await takeBack(worktree, lent);
    assert.equal(git(top, 'log', '-1', '--format=%s %an', tip ?? ''), 'work command');
    assert.equal(readFileSync(join(top, '.git/config'), 'utf8'), config);
    assert.equal(git(path, 'status', '--porcelain'), '');
  });

  it('passes on stdin, the exit code, and why a program cannot be started', async () => {
    const attempt = watch(adapter(), { ...sh('cat; exit 7'), stdin: 'hello' });
    const outcome = await attempt.ended;
    assert.deepEqual([outcome.exitCode, attempt.output('stdout')], [7, 'hello']);
    const missing = watch(adapter(), { argv: ['no-such-program'] });
    assert.deepEqual((await missing.ended).error?.code, 'command_not_found');
    assert.match(missing.output('stderr'), /no-such-program could not be started inside the sandbox \(ENOENT\)/);
  });

  it('ends everything at a cancel, with time to end well, also what started a session of its own', async () => {
    const path = tempFolder('tree');
    const attempt = watch(adapter(), {
      ...sh(
        `trap 'echo ended > ended; exit 0' TERM; setsid sh -c 'trap "" TERM; sleep 1000; sleep 1000' & echo ready; while :; do sleep 0.05; done`,
      ),
      worktree: { path, gitDir: path, branch: 'b' },
    });
    await attempt.saw(saysOutput('ready'));
    assert.ok((await findTagged(attempt.spec.attempt)).length > 2);
    await attempt.running.cancel('enough');
    assert.equal((await attempt.ended).status, 'canceled');
    assert.equal(await attempt.leftovers(), 0);
    assert.equal(readFileSync(join(path, 'ended'), 'utf8'), 'ended\n');
  });

  it('is not there when it is switched off, and says so', async () => {
    const { enforcement, bwrap } = await inspectMachine('off');
    assert.deepEqual([enforcement.level, bwrap], ['advisory', undefined]);
    assert.match(enforcement.why, /SIGNALBOX_SANDBOX=off/);
  });
});
