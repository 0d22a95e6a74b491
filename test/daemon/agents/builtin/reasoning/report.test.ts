import assert from 'node:assert/strict';
import { writeReport } from '../../../../../daemon/agents/builtin/reasoning/report.ts';
import { ReportInput } from '../../../../../shared/artifacts/report.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const repair = (id: string, needs: string[] = []) => ({
  id,
  title: `Title ${id}`,
  findings: ['x'],
  risk: 'low',
  needs,
  operations: [{ op: 'untrack', path: 'a', folder: false }],
  changes: `Changes ${id}.`,
  undo: `Undo ${id}.`,
  paths: ['a'],
});

const FULL = ReportInput.parse({
  run: 'run-1',
  repository: 'my_repo',
  findings: {
    version: 1,
    commit: A,
    project: {
      types: ['node'],
      packageManagers: ['npm'],
      ci: [],
      testCommand: { argv: ['npm', 'test'], source: { file: 'package.json', line: 4 } },
      ignoreFile: true,
      files: 12,
      bytes: 3_400_000,
    },
    findings: [
      { id: 'secret-000000000001', rule: 'secret', severity: 'high', file: 'src/a`b|c.js', line: 3, message: 'A <b>secret</b>.' },
      { id: 'tracked-log-000000000001', rule: 'tracked-log', severity: 'low', file: 'x.log', message: 'x.log is tracked: log files.' },
    ],
    notes: ['2 binary files were not searched for secrets.'],
  },
  plan: {
    version: 1,
    base: A,
    repairs: [repair('one'), repair('two'), repair('three', ['two']), repair('four')],
    manual: [{ findings: ['secret-000000000001'], title: 'A secret', steps: ['Rotate it.', 'Remove it.'] }],
  },
  repairs: {
    version: 1,
    base: A,
    head: B,
    results: [
      { id: 'one', status: 'done', commit: B, findings: ['x'], summary: 's' },
      { id: 'two', status: 'refused', code: 'not_allowed', reason: 'A person said no.' },
      { id: 'three', status: 'left', code: 'need_not_done', reason: 'It needs two, which was not done.' },
    ],
  },
  verification: { version: 1, before: A, after: B, gone: ['x'], remaining: [], added: [], incomplete: [] },
  test: { status: 'failed', argv: ['npm', 'test'], exitCode: 3 },
  decisions: [{ subject: 'two', effect: 'denied', by: 'jo', reason: 'not now' }],
  merge: { status: 'merged', into: 'main', commit: B, branch: 'signalbox/x' },
});

describe('reasoning: writeReport', () => {
  it('tells what was found, done, refused, left, what a person must do, and how to undo it', () => {
    const { markdown, summary } = writeReport(FULL);
    assert.deepEqual(summary, {
      findings: 2,
      high: 1,
      done: 1,
      refused: 1,
      failed: 0,
      left: 1,
      manual: 1,
      remaining: 0,
      tests: 'failed',
      merge: 'merged',
    });
    for (const part of [
      '# Check-up of my\\_repo',
      '1 high, 1 low.',
      '### Done\n\n- **Title one** (`one`, risk low)\n  - Changes one.\n  - Commit: `bbbbbbbbbbbb`\n  - Undo: Undo one.',
      '### Refused\n\n- **Title two** (`two`, risk low)\n  - Decision: denied by jo: not now\n  - Why: A person said no. (`not_allowed`)',
      '### Left\n\n- **Title three**',
      '- **Title four** (`four`, risk low)\n  - It was not reached.',
      '`npm test` (named in `package.json:4`) failed with exit code 3.',
      'A second scan: 1 gone, 0 still there, 0 new.',
      '1. Rotate it.\n2. Remove it.',
      'Merged into `main` as `bbbbbbbbbbbb`. To take it back: `signalbox undo run-1`.',
      '- 2 binary files were not searched for secrets.',
    ]) {
      assert.ok(markdown.includes(part), `missing: ${part}\n---\n${markdown}`);
    }
  });

  it('lets no text of the repository become markup', () => {
    const { markdown } = writeReport(FULL);
    assert.ok(markdown.includes('`` src/a`b|c.js:3 ``'));
    assert.ok(markdown.includes('A \\<b\\>secret\\</b\\>.'));
  });

  it('says so when hardly anything happened', () => {
    assert.match(writeReport({}).markdown, /was not scanned/);
    const { findings } = FULL;
    const { markdown } = writeReport({ ...(findings === undefined ? {} : { findings: { ...findings, findings: [] } }) });
    assert.match(markdown, /Nothing was found/);
    assert.match(markdown, /`npm test`.* was not run/);
  });

  it('says that there is no test command, and how to merge by hand', () => {
    const { markdown } = writeReport({ ...FULL, test: { status: 'absent' }, merge: { status: 'not_asked', branch: 'signalbox/x' } });
    assert.match(markdown, /names no test command/);
    assert.match(markdown, /`git merge signalbox\/x`/);
  });
});
