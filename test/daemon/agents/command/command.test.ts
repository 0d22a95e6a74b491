import assert from 'node:assert/strict';
import { createCommandAdapter } from '../../../../daemon/agents/command/index.ts';
import { removeTempFolders, tempFolder } from '../../../support/repos.ts';
import { saysOutput, watch } from '../support/attempts.ts';

const node = process.execPath;
const adapter = createCommandAdapter({ graceMs: 300 });
const script = (code: string): { argv: string[] } => ({ argv: [node, '-e', code] });
const sh = (code: string): { argv: string[] } => ({ argv: ['sh', '-c', code] });

describe('agents: command adapter', () => {
  afterEach(removeTempFolders);

  it('runs a program without a shell and says how it ended', async () => {
    const attempt = watch(adapter, {
      argv: [node, '-e', 'console.log(process.argv.slice(1).join("|")); console.error("e")', '$HOME', 'a b', '*'],
    });
    assert.deepEqual(await attempt.ended, { status: 'succeeded', exitCode: 0, values: {} });
    assert.equal(attempt.output('stdout'), '$HOME|a b|*\n');
    assert.equal(attempt.output('stderr'), 'e\n');
    assert.equal(attempt.events[0]?.type, 'started');
    assert.equal(attempt.events.at(-1)?.type, 'ended');
    assert.equal(attempt.events.filter((event) => event.type === 'ended').length, 1);
  });

  it('gives it stdin, the worktree, its own home, and nothing of our environment', async () => {
    const path = tempFolder('tree');
    process.env['SIGNALBOX_TEST_SECRET'] = 'x';
    try {
      const attempt = watch(adapter, {
        ...script(
          'process.stdin.pipe(process.stdout); process.stdin.on("end", () => console.log(JSON.stringify([process.cwd(), process.env])))',
        ),
        stdin: 'hello\n',
        env: { EXTRA: 'yes', SIGNALBOX_ATTEMPT: 'forged' },
        worktree: { path, gitDir: path, branch: 'b' },
      });
      await attempt.ended;
      const [first = '', second = ''] = attempt.output('stdout').split('\n');
      assert.equal(first, 'hello');
      const [cwd, env] = JSON.parse(second) as [string, Record<string, string>];
      assert.equal(cwd, path);
      assert.deepEqual(Object.keys(env).toSorted(), ['CI', 'EXTRA', 'HOME', 'LANG', 'PATH', 'SIGNALBOX_ATTEMPT', 'TERM', 'TMPDIR']);
      assert.deepEqual(
        [env['HOME'], env['TMPDIR'], env['CI'], env['TERM'], env['EXTRA'], env['SIGNALBOX_ATTEMPT']],
        [attempt.spec.home, attempt.spec.home, '1', 'dumb', 'yes', attempt.spec.attempt],
      );
    } finally {
      delete process.env['SIGNALBOX_TEST_SECRET'];
    }
  });

  it('names the exit code of a failure', async () => {
    const outcome = await watch(adapter, sh('exit 7')).ended;
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.exitCode, 7);
    assert.equal(outcome.error?.code, 'command_failed');
    assert.match(outcome.error?.message ?? '', /exit code 7/);
  });

  it('names the signal that ended it', async () => {
    const outcome = await watch(adapter, sh('kill -9 $$')).ended;
    assert.deepEqual([outcome.status, outcome.signal, outcome.error?.code], ['failed', 'SIGKILL', 'command_failed']);
  });

  it('tells apart what cannot be started', async () => {
    const code = async (over: Parameters<typeof watch>[1]): Promise<string | undefined> => (await watch(adapter, over).ended).error?.code;
    assert.equal(await code({ argv: ['signalbox-no-such-program'] }), 'command_not_found');
    assert.equal(await code({ argv: [tempFolder('dir')] }), 'command_not_executable');
    assert.equal(await code({ argv: [] }), 'command_missing');
    assert.equal(await code({ argv: ['a\0b'] }), 'spawn_failed');
    assert.equal(await code({ ...sh('true'), worktree: { path: '/nonexistent/tree', gitDir: '/', branch: 'b' } }), 'directory_missing');
  });

  it('decodes characters that are cut by the border of a chunk, and strips nothing', async () => {
    const text = '\u001b[31mä€😀\r\n\u0007';
    const code = `const b = Buffer.from(${JSON.stringify(text)}); (async () => { for (const x of b) { process.stdout.write(Buffer.from([x])); await new Promise((r) => setTimeout(r, 3)); } })()`;
    const attempt = watch(adapter, script(code));
    await attempt.ended;
    assert.equal(attempt.output('stdout'), text);
  });

  it('keeps the first part of a flood, says how much it dropped, and does not grow', async () => {
    const small = createCommandAdapter({ maxOutputBytes: 1_000_000 });
    const total = 100 * 1_048_576;
    const before = process.memoryUsage().rss;
    const attempt = watch(
      small,
      script(
        `const b = Buffer.alloc(1048576, 'x'); let n = 0; (function go() { while (n++ < 100) if (!process.stdout.write(b)) return process.stdout.once('drain', go); })()`,
      ),
    );
    const outcome = await attempt.ended;
    assert.equal(outcome.status, 'succeeded');
    assert.deepEqual(outcome.values, { droppedBytes: total - 1_000_000 });
    assert.equal(attempt.output('stdout').length, 1_000_000);
    assert.match(attempt.output('stderr'), new RegExp(`${total - 1_000_000} bytes of output were dropped`));
    assert.ok(process.memoryUsage().rss - before < total, 'the flood was not kept');
  });

  it('ends what the program left running, also in another session', async () => {
    const attempt = watch(
      adapter,
      sh('sleep 1000 & setsid sleep 1000 & setsid sh -c "trap \'\' TERM; sleep 1000; sleep 1000" & echo started; exit 0'),
    );
    assert.equal((await attempt.ended).status, 'succeeded');
    assert.equal(attempt.output('stdout'), 'started\n');
    assert.equal(await attempt.leftovers(), 0);
  });

  it('ends everything at the timeout', async () => {
    const attempt = watch(adapter, { ...sh('trap "" TERM; setsid sleep 1000 & sleep 1000; sleep 1000'), timeoutMs: 200 });
    const outcome = await attempt.ended;
    assert.deepEqual([outcome.status, outcome.error?.code], ['timeout', 'task_timeout']);
    assert.equal(await attempt.leftovers(), 0);
  });

  it('ends everything when it is canceled, and says so once', async () => {
    const attempt = watch(adapter, sh('setsid sleep 1000 & echo ready; sleep 1000'));
    await attempt.saw(saysOutput('ready'));
    await Promise.all([attempt.running.cancel('enough'), attempt.running.cancel('again')]);
    const outcome = await attempt.ended;
    assert.deepEqual([outcome.status, outcome.error?.message], ['canceled', 'Canceled: enough.']);
    assert.equal(await attempt.leftovers(), 0);
    await attempt.running.cancel('too late');
    assert.equal(attempt.events.filter((event) => event.type === 'ended').length, 1);
    assert.equal(attempt.events.at(-1)?.type, 'ended');
  });

  it('starts nothing when it is canceled at once', async () => {
    const attempt = watch(adapter, sh('echo ran; sleep 1000'));
    await attempt.running.cancel('never mind');
    assert.equal((await attempt.ended).status, 'canceled');
    assert.deepEqual(
      attempt.events.map((event) => event.type),
      ['ended'],
    );
  });
});
