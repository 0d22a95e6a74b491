import assert from 'node:assert/strict';
import { Findings } from '../../../shared/artifacts/findings.ts';
import { Plan } from '../../../shared/artifacts/plan.ts';

const repair = (id: string, needs: string[] = [], path = 'a') => ({
  id,
  title: id,
  findings: ['x'],
  risk: 'low',
  needs,
  operations: [{ op: 'untrack', path, folder: false }],
  changes: 'c',
  undo: 'u',
  paths: [path],
});
const accepts = (repairs: unknown[]): boolean => Plan.safeParse({ version: 1, base: 'a'.repeat(40), repairs, manual: [] }).success;

describe('artifacts: Plan', () => {
  it('takes repairs in the order of their needs only', () => {
    assert.equal(accepts([repair('one'), repair('two', ['one'])]), true);
    assert.equal(accepts([repair('two', ['one']), repair('one')]), false);
    assert.equal(accepts([repair('one', ['one'])]), false);
    assert.equal(accepts([repair('one', ['gone'])]), false);
    assert.equal(accepts([repair('one'), repair('one')]), false);
  });

  it('takes no path out of the repository', () => {
    for (const path of ['', '/etc/passwd', '../x', 'a/../b', './a', 'a//b', 'a/'])
      assert.equal(accepts([repair('one', [], path)]), false, path);
  });

  it('takes no line that is more than one', () => {
    const add = (line: string) => ({ ...repair('one'), operations: [{ op: 'append_lines', path: '.gitignore', lines: [line] }] });
    assert.equal(accepts([add('*.log')]), true);
    for (const line of ['a\nb', 'a\rb', 'a\0b']) assert.equal(accepts([add(line)]), false);
  });
});

describe('artifacts: Findings', () => {
  it('bounds what it takes', () => {
    const finding = { id: 'secret-000000000001', rule: 'secret', severity: 'high', file: 'a', message: 'm' };
    const document = (findings: unknown[]) => ({
      version: 1,
      commit: 'a'.repeat(40),
      project: { types: [], packageManagers: [], ci: [], ignoreFile: false, files: 0, bytes: 0 },
      findings,
      notes: [],
    });
    assert.equal(Findings.safeParse(document([finding])).success, true);
    assert.equal(Findings.safeParse(document([{ ...finding, rule: 'other' }])).success, false);
    assert.equal(Findings.safeParse(document([{ ...finding, line: 0 }])).success, false);
    assert.equal(Findings.safeParse(document(Array.from({ length: 2_001 }, () => finding))).success, false);
  });
});
