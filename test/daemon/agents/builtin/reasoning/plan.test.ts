import assert from 'node:assert/strict';
import { compareFindings } from '../../../../../daemon/agents/builtin/data-plane/compare.ts';
import { planRepairs } from '../../../../../daemon/agents/builtin/reasoning/plan.ts';
import type { Finding, FindingRule, Findings } from '../../../../../shared/artifacts/findings.ts';
import { Plan } from '../../../../../shared/artifacts/plan.ts';

const id = (rule: FindingRule, n = 1): string => `${rule}-${String(n).padStart(12, '0')}`;

function finding(rule: FindingRule, file: string, data: Finding['data'] = {}, n = 1): Finding {
  return { id: id(rule, n), rule, severity: 'low', file, message: 'x', data };
}

function findingsOf(findings: Finding[], ignoreFile = true): Findings {
  return {
    version: 1,
    commit: 'a'.repeat(40),
    project: { types: [], packageManagers: [], ci: [], ignoreFile, files: 1, bytes: 1 },
    findings,
    notes: [],
  };
}

const plan = (findings: Finding[], ignoreFile = true): Plan => Plan.parse(planRepairs(findingsOf(findings, ignoreFile)));

describe('reasoning: planRepairs', () => {
  it('touches nothing when there is nothing', () => {
    assert.deepEqual(plan([]), { version: 1, base: 'a'.repeat(40), repairs: [], manual: [] });
  });

  it('untracks only after the entry that keeps it out, and only what that entry is about', () => {
    const { repairs } = plan([
      finding('missing-ignore-entry', '.gitignore', { entry: 'node_modules/', keepsOut: ['tracked-dependencies'] }),
      finding('tracked-dependencies', 'node_modules', { folder: true, count: 900 }),
      finding('tracked-system-file', 'a', { folder: false, paths: ['a/.DS_Store', 'a/Thumbs.db'], count: 2 }),
    ]);
    assert.deepEqual(
      repairs.map(({ id: name, risk, needs }) => ({ name, risk, needs })),
      [
        { name: 'ignore-generated-files', risk: 'low', needs: [] },
        { name: 'untrack-system-files', risk: 'low', needs: [] },
        { name: 'untrack-dependencies', risk: 'medium', needs: ['ignore-generated-files'] },
      ],
    );
    assert.deepEqual(repairs[0]?.operations, [{ op: 'append_lines', path: '.gitignore', lines: ['node_modules/'] }]);
    assert.deepEqual(repairs[2]?.operations, [{ op: 'untrack', path: 'node_modules', folder: true }]);
    assert.deepEqual(repairs[1]?.paths, ['a/.DS_Store', 'a/Thumbs.db']);
    assert.match(repairs[2]?.changes ?? '', /merging deletes them/);
  });

  it('makes a .gitignore where there is none', () => {
    const { repairs } = plan([finding('missing-ignore-entry', '.gitignore', { entry: 'target/' })], false);
    assert.deepEqual(repairs[0]?.operations, [{ op: 'create_file', path: '.gitignore', lines: ['target/'] }]);
  });

  it('repairs no secret and no large file, and says what a person must do', () => {
    const { repairs, manual } = plan([
      { ...finding('secret', 'src/a.js', { kind: 'github' }), line: 7 },
      finding('secret', 'test/a.js', { kind: 'github', sample: true }, 2),
      finding('large-file', 'a.bin', { bytes: 6_000_000 }),
      finding('tracked-ignored', '.gitignore', { count: 1, paths: ['dist/a.js'] }),
    ]);
    assert.deepEqual(repairs, []);
    assert.deepEqual(
      manual.map((step) => step.title),
      [
        'A secret is in src/a.js:7',
        '1 value in tests, examples or documentation look like secrets',
        'a.bin is 6.0 MB',
        '.gitignore:1 ignores 1 tracked file',
      ],
    );
    assert.match(manual[0]?.steps[0] ?? '', /Revoke or rotate/);
  });

  it('untracks an environment file at medium risk and has its secret rotated all the same', () => {
    const env = { ...finding('tracked-environment', '.env', { folder: false, paths: ['.env'], kind: 'environment', count: 1 }), line: 2 };
    const { repairs, manual } = plan([env]);
    assert.deepEqual(
      repairs.map((repair) => [repair.id, repair.risk]),
      [['untrack-environment-files', 'medium']],
    );
    assert.match(manual[0]?.steps[0] ?? '', /Rotate what .env:2 holds/);
    assert.match(manual[0]?.steps[1] ?? '', /keep your own copy/);
  });

  it('leaves to a person what is tracked by some framework’s advice', () => {
    const { repairs, manual } = plan([
      {
        ...finding('tracked-environment', '.env.production', {
          folder: false,
          paths: ['.env.production'],
          kind: 'environment',
          sample: true,
        }),
        line: 1,
      },
    ]);
    assert.deepEqual(repairs, []);
    assert.equal(manual.length, 1);
  });
});

describe('data-plane: compareFindings', () => {
  const secret = finding('secret', 'a.js');
  const cache = finding('tracked-cache', 'c');
  const done = {
    version: 1 as const,
    base: 'a'.repeat(40),
    head: 'b'.repeat(40),
    results: [{ id: 'untrack-caches', status: 'done' as const, findings: [cache.id], summary: 'x' }],
  };

  it('tells what is gone, what remains and what is new', () => {
    const result = compareFindings(findingsOf([secret, cache]), findingsOf([secret, finding('large-file', 'b')]), done);
    assert.deepEqual(result.gone, [cache.id]);
    assert.deepEqual(
      result.remaining.map((f) => f.id),
      [secret.id],
    );
    assert.deepEqual(
      result.added.map((f) => f.rule),
      ['large-file'],
    );
    assert.deepEqual(result.incomplete, []);
  });

  it('names a repair whose finding is still there, and only that', () => {
    const result = compareFindings(findingsOf([secret, cache]), findingsOf([secret, cache]), done);
    assert.deepEqual(result.incomplete, [{ repair: 'untrack-caches', findings: [cache.id] }]);
  });
});
