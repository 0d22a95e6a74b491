import assert from 'node:assert/strict';
import { completeAction, resolveLexically } from '../../../daemon/policy/action-input.ts';
import { Action, ACTION_KINDS } from '../../../shared/state/action.ts';

const complete = (input: unknown) => completeAction(input, resolveLexically('/repo'));

function actionOf(input: unknown): Action {
  const completed = complete(input);
  if (!completed.ok) throw new Error(completed.error.message);
  return completed.action;
}

describe('an action written by hand', () => {
  for (const kind of ACTION_KINDS)
    it(`${kind} is complete with what little has to be said`, () => {
      const action = actionOf({ kind, ...(kind === 'agent.execute' ? { argv: ['ls'] } : {}) });
      assert.deepEqual(Action.parse(action), action);
      assert.notEqual(action.summary, '');
    });

  const paths: [path: string, facts: { relative: string; inside: boolean; git: boolean }][] = [
    ['src/a.ts', { relative: 'src/a.ts', inside: true, git: false }],
    ['src/../b', { relative: 'b', inside: true, git: false }],
    ['../other/a', { relative: '', inside: false, git: false }],
    ['/etc/passwd', { relative: '', inside: false, git: false }],
    ['.git/hooks/pre-commit', { relative: '.git/hooks/pre-commit', inside: true, git: true }],
    ['sub/.GIT/config', { relative: 'sub/.GIT/config', inside: true, git: true }],
    ['..a/b', { relative: '..a/b', inside: true, git: false }],
  ];
  for (const [path, facts] of paths)
    it(`reads the path ${path}`, () => {
      const action = actionOf({ kind: 'agent.edit', paths: [path] });
      assert.ok(action.kind === 'agent.edit');
      const [{ path: _, ...read } = { path: '' }] = action.paths;
      assert.deepEqual(read, facts);
    });

  it('reads hosts from addresses, and keeps the place of one that has none', () => {
    const action = actionOf({ kind: 'agent.fetch', urls: ['https://Example.org:8/x', 'nonsense', 'file:///etc/passwd'] });
    assert.deepEqual(action.kind === 'agent.fetch' && action.hosts, ['example.org', '', '']);
  });

  const wrong: [what: string, input: unknown, path: string, message: RegExp][] = [
    ['no object', 7, '', /expected object/],
    ['no kind', {}, 'kind', /name the kind/],
    ['a misspelt kind', { kind: 'agent.edits' }, 'kind', /Did you mean `agent.edit`/],
    ['an unknown field', { kind: 'agent.edit', pathes: [] }, '', /Did you mean `paths`/],
    ['a field of another kind', { kind: 'agent.edit', argv: [] }, '', /argv|^$/],
    ['a wrong value', { kind: 'agent.edit', risk: 'highest' }, 'risk', /expected one of/],
    ['a wrong type deep down', { kind: 'agent.execute', argv: ['a'], commands: [{ program: 7 }] }, 'commands.0.program', /expected string/],
    ['a command of nothing', { kind: 'agent.execute' }, 'argv', /expected array to have|>=1/],
  ];
  for (const [what, input, path, message] of wrong)
    it(`refuses ${what}`, () => {
      const completed = complete(input);
      assert.ok(!completed.ok);
      const [issue] = completed.error.issues;
      assert.equal(issue?.path.join('.'), path);
      assert.match(issue?.message ?? '', message);
    });
});
