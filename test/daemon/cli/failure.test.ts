import assert from 'node:assert/strict';
import { CliFailure, renderFailure, toFailure } from '../../../daemon/cli/failure.ts';
import { createPaint, wantsColour } from '../../../daemon/cli/render/paint.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';

const lines = (error: unknown, cwd = '/w') => renderFailure(toFailure(error, cwd), createPaint(false));

describe('what a person is told when something fails', () => {
  it('lists problems of a file like a compiler, seen from the current folder', () => {
    const problems = [
      { code: 'x', file: '/w/flows/a.yaml', line: 3, column: 5, message: '`agnt` is not known.', hint: 'Did you mean `agent`?' },
    ];
    const error = new SignalboxError({ code: 'invalid_workflow', message: 'It has problems.', facts: { problems } });
    assert.deepEqual(lines(error), [
      'flows/a.yaml:3:5: `agnt` is not known. Did you mean `agent`?',
      'error: 1 problem, so nothing was started.',
    ]);
    assert.equal(toFailure(error, '/w').exit, 2);
  });

  it('knows a denial by its exit code', () => {
    for (const code of ['policy_denied', 'forbidden', 'not_trusted'])
      assert.equal(toFailure(new SignalboxError({ code, message: 'no' }), '/').exit, 3);
    assert.equal(toFailure(new SignalboxError({ code: 'repository', message: 'no' }), '/').exit, 1);
  });

  it('says what to do next, and cleans what came from outside', () => {
    assert.deepEqual(lines(new CliFailure('a\u001b[2J\nb', { hint: 'do this' })), ['error: a b', 'hint: do this']);
  });

  it('is red only where colours are wanted', () => {
    assert.match(renderFailure(new CliFailure('x'), createPaint(true))[0] ?? '', /\u001b\[31m/);
    const cases: [NodeJS.ProcessEnv, boolean, boolean][] = [
      [{}, true, true],
      [{}, false, false],
      [{ NO_COLOR: '1' }, true, false],
      [{ NO_COLOR: '' }, true, true],
      [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
      [{ FORCE_COLOR: '1' }, false, true],
      [{ FORCE_COLOR: '0' }, true, false],
      [{ TERM: 'dumb' }, true, false],
    ];
    for (const [env, tty, wanted] of cases) assert.equal(wantsColour(env, tty), wanted, JSON.stringify(env));
  });
});
