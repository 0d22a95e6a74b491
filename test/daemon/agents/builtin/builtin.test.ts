import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import esbuild from 'esbuild';
import type { AttemptEvent, Json } from '../../../../daemon/agents/agent.ts';
import { createBuiltinAdapter } from '../../../../daemon/agents/builtin/index.ts';
import { Findings } from '../../../../shared/artifacts/findings.ts';
import { Plan } from '../../../../shared/artifacts/plan.ts';
import { Repairs } from '../../../../shared/artifacts/repairs.ts';
import { Verification } from '../../../../shared/artifacts/verification.ts';
import { git, makeRepo, removeTempFolders, tempFolder, writeFiles } from '../../../support/repos.ts';
import { watch, type Watched } from '../support/attempts.ts';

const URL_BANNER = "const __url = require('node:url').pathToFileURL(__filename).href;";
let bundle = '';

/** A child that is not ours: it has read its order when `code` runs. */
function badChild(code: string): string {
  const path = join(tempFolder('child'), 'child.cjs');
  writeFileSync(path, `process.stdin.once('data', () => { ${code} });`);
  return path;
}

async function runBad(code: string, over: Partial<Parameters<typeof createBuiltinAdapter>[0]> = {}, timeoutMs = 15_000): Promise<Watched> {
  const attempt = watch(createBuiltinAdapter({ childPath: badChild(code), graceMs: 300, ...over }), {
    agent: 'data-plane',
    action: 'scan',
    timeoutMs,
  });
  await attempt.ended;
  assert.equal(await attempt.leftovers(), 0);
  assert.equal(attempt.events.filter((event) => event.type === 'ended').length, 1);
  assert.equal(attempt.events.at(-1)?.type, 'ended');
  return attempt;
}

function artifact(attempt: Watched, name: string): string {
  const found = attempt.events.find(
    (event): event is Extract<AttemptEvent, { type: 'artifact' }> => event.type === 'artifact' && event.name === name,
  );
  assert.ok(found, `no artifact ${name}: ${JSON.stringify(attempt.events.at(-1))}`);
  return found.content;
}

describe('agents: builtin adapter', function () {
  before(async () => {
    const folder = tempFolder('bundle');
    bundle = join(folder, 'builtin.cjs');
    await esbuild.build({
      entryPoints: [join(import.meta.dirname, '../../../../daemon/agents/builtin/child.ts')],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      mainFields: ['module', 'main'],
      define: { 'import.meta.url': '__url' },
      banner: { js: URL_BANNER },
      logLevel: 'silent',
    });
  });
  after(removeTempFolders);

  it('goes from scan to report through real children', async () => {
    const repo = makeRepo({});
    writeFiles(repo, {
      'package.json': '{\n"scripts": {"test": "x"},\n"dependencies": {"a": "1"}}\n',
      'node_modules/a/i.js': 'x\n',
      '.DS_Store': 'x',
      '.env': 'A=1\n',
    });
    git(repo, 'add', '--all', '--force');
    git(repo, 'commit', '--quiet', '-m', 'planted');
    const commit = git(repo, 'rev-parse', 'HEAD');
    const place = { repo: { path: repo, gitDir: join(repo, '.git') } };
    const adapter = createBuiltinAdapter({ childPath: bundle });

    const scan = watch(adapter, { agent: 'data-plane', action: 'scan', commit, ...place });
    const scanned = await scan.ended;
    assert.deepEqual(
      [scanned.status, scanned.values['testCommand'], scanned.values['testSource']],
      ['succeeded', ['npm', 'test'], 'package.json:2'],
    );
    const findings = JSON.parse(artifact(scan, 'findings.json')) as Json;
    assert.equal(Findings.parse(findings).findings.length, 6);
    assert.ok(scan.events.some((event) => event.type === 'progress' && event.activity === 'analyzing'));

    const plan = watch(adapter, { agent: 'reasoning', action: 'plan', inputs: { 'findings.json': findings } });
    assert.deepEqual((await plan.ended).values, { repairs: 4, manual: 0 });
    const planned = JSON.parse(artifact(plan, 'plan.json')) as Json;
    Plan.parse(planned);

    const path = join(tempFolder('tree'), 'tree');
    git(repo, 'worktree', 'add', '--quiet', '-b', 'work', path, commit);
    const worktree = { path, gitDir: git(path, 'rev-parse', '--absolute-git-dir'), branch: 'work' };
    const allowed = ['ignore-generated-files', 'untrack-system-files', 'untrack-dependencies'];
    const refused = { 'untrack-environment-files': 'A person said no.' };
    const repair = watch(adapter, {
      agent: 'control-plane',
      action: 'repair',
      commit,
      worktree,
      ...place,
      inputs: { 'plan.json': planned, allowed, refused, done: [] },
    });
    const repaired = await repair.ended;
    assert.deepEqual(repaired.values, { commit: git(path, 'rev-parse', 'HEAD'), committed: 3 });
    assert.deepEqual(
      repair.events.flatMap((event) => (event.type === 'committed' ? [event.key] : [])),
      allowed,
    );
    const repairs = JSON.parse(artifact(repair, 'repairs.json')) as Json;
    assert.deepEqual(
      Repairs.parse(repairs).results.find((result) => result.status === 'refused'),
      { id: 'untrack-environment-files', status: 'refused', code: 'not_allowed', reason: 'A person said no.' },
    );

    const head = git(path, 'rev-parse', 'HEAD');
    const verify = watch(adapter, {
      agent: 'data-plane',
      action: 'verify',
      commit: head,
      ...place,
      inputs: { 'findings.json': findings, 'repairs.json': repairs },
    });
    assert.deepEqual(await verify.ended, { status: 'succeeded', exitCode: 0, values: { gone: 5, remaining: 1, added: 0 } });
    const verification = JSON.parse(artifact(verify, 'verification.json')) as Json;
    assert.deepEqual(
      Verification.parse(verification).remaining.map((finding) => finding.file),
      ['.env'],
    );

    const record = { run: 'run-1', repository: repo, decisions: [], merge: { status: 'merged', into: 'main', commit: head } };
    const report = watch(adapter, {
      agent: 'reasoning',
      action: 'report',
      inputs: { record, 'findings.json': findings, 'plan.json': planned, 'repairs.json': repairs, 'verification.json': verification },
    });
    const reported = await report.ended;
    assert.deepEqual([reported.values['done'], reported.values['refused'], reported.values['merge']], [3, 1, 'merged']);
    assert.match(artifact(report, 'report.md'), /signalbox undo run-1/);
  });

  it('fails the verification when what was repaired is still there', async () => {
    const repo = makeRepo({ '.DS_Store': 'x' });
    const commit = git(repo, 'rev-parse', 'HEAD');
    const place = { commit, repo: { path: repo, gitDir: join(repo, '.git') } };
    const adapter = createBuiltinAdapter({ childPath: bundle });
    const scan = watch(adapter, { agent: 'data-plane', action: 'scan', ...place });
    await scan.ended;
    const findings = Findings.parse(JSON.parse(artifact(scan, 'findings.json')));
    const ids = findings.findings.map((finding) => finding.id);
    const repairs = {
      version: 1,
      base: commit,
      head: commit,
      results: [{ id: 'untrack-system-files', status: 'done', findings: ids, summary: 'x' }],
    };
    const verify = watch(adapter, {
      agent: 'data-plane',
      action: 'verify',
      ...place,
      inputs: { findings: findings as unknown as Json, repairs },
    });
    const outcome = await verify.ended;
    assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'repair_incomplete']);
    Verification.parse(JSON.parse(artifact(verify, 'verification.json')));
  });

  it('answers with a code what it cannot do', async () => {
    const adapter = createBuiltinAdapter({ childPath: bundle });
    const code = async (over: Parameters<typeof watch>[1]): Promise<string | undefined> => (await watch(adapter, over).ended).error?.code;
    const repo = makeRepo();
    const place = { repo: { path: repo, gitDir: join(repo, '.git') } };
    const codes = await Promise.all([
      code({ agent: 'data-plane', action: 'dance' }),
      code({ agent: 'data-plane', action: 'scan' }),
      code({ agent: 'data-plane', action: 'scan', ...place }),
      code({ agent: 'data-plane', action: 'scan', ...place, commit: 'f'.repeat(40) }),
      code({ agent: 'reasoning', action: 'plan' }),
      code({ agent: 'reasoning', action: 'plan', inputs: { 'findings.json': { version: 2 } } }),
      code({ agent: 'control-plane', action: 'repair' }),
    ]);
    assert.deepEqual(codes, [
      'unknown_action',
      'no_repository',
      'no_commit',
      'git_failed',
      'input_missing',
      'input_invalid',
      'no_worktree',
    ]);
  });

  const frame = (value: object): string => `process.stdout.write(${JSON.stringify(`${JSON.stringify(value)}\n`)});`;
  const progress = frame({ type: 'progress', text: 'working' });
  const success = frame({ type: 'result', status: 'succeeded', values: {} });

  it('survives a crash, keeping what was said before it', async () => {
    const attempt = await runBad(`${progress} setTimeout(() => { throw new Error('boom'); }, 20)`);
    const outcome = await attempt.ended;
    assert.deepEqual([outcome.status, outcome.error?.code, outcome.exitCode], ['failed', 'agent_crashed', 1]);
    assert.match(outcome.error?.message ?? '', /boom/);
    assert.ok(attempt.events.some((event) => event.type === 'progress' && event.text === 'working'));
  });

  it('masks a secret in the last words of a crash', async () => {
    const token = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
    const outcome = await (await runBad(`console.error('${token}'); process.exit(3)`)).ended;
    assert.equal(outcome.error?.code, 'agent_crashed');
    assert.equal(outcome.error?.message.includes(token), false);
  });

  it('does not take a result for a success when the process fails after it', async () => {
    assert.equal((await (await runBad(`${success} setTimeout(() => process.exit(9), 20)`)).ended).error?.code, 'agent_crashed');
  });

  it('ends a busy loop at the timeout, with what it had started', async () => {
    const attempt = await runBad(
      `require('child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }); for (;;);`,
      {},
      700,
    );
    assert.equal((await attempt.ended).status, 'timeout');
  });

  it('ends a child that needs too much memory', async () => {
    const outcome = await (await runBad('const all = []; for (;;) all.push(new Array(100000).fill(Math.random()));', { memoryMb: 48 }))
      .ended;
    assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'agent_out_of_memory']);
  });

  for (const [name, code] of [
    ['no JSON', `process.stdout.write('hello\\n'); setInterval(() => {}, 1000)`],
    ['a message that is none of ours', `${frame({ type: 'ended', outcome: {} })} setInterval(() => {}, 1000)`],
    [
      'an artifact with a path for a name',
      `${frame({ type: 'artifact', name: '../x', mediaType: 't', content: '' })} setInterval(() => {}, 1000)`,
    ],
    ['more after the result', `${success} ${progress} setInterval(() => {}, 1000)`],
    ['a line without an end', `setInterval(() => process.stdout.write('x'.repeat(50000)), 1)`],
    ['too much altogether', `setInterval(() => { ${progress.repeat(200)} }, 1)`],
  ] as const) {
    it(`ends a child at once that says ${name}`, async () => {
      const outcome = await (await runBad(code, { maxFrameBytes: 300_000, maxTotalBytes: 1_000_000 })).ended;
      assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'agent_garbage']);
    });
  }

  it('cancels a child under way', async () => {
    const adapter = createBuiltinAdapter({ childPath: badChild(`${progress} for (;;);`), graceMs: 300 });
    const attempt = watch(adapter, { agent: 'data-plane', action: 'scan' });
    await attempt.saw((event) => event.type === 'progress');
    await attempt.running.cancel('enough');
    assert.deepEqual(await attempt.ended, { status: 'canceled', error: { code: 'canceled', message: 'Canceled: enough.' }, values: {} });
    assert.equal(await attempt.leftovers(), 0);
  });

  it('says when there is no child to start', async () => {
    const outcome = await watch(createBuiltinAdapter({ childPath: '/nonexistent/child.cjs' }), { agent: 'data-plane', action: 'scan' })
      .ended;
    assert.deepEqual([outcome.status, outcome.error?.code], ['failed', 'agent_crashed']);
  });
});
