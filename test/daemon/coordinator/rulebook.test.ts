// What is in force when files change, break and are mended.
import assert from 'node:assert/strict';
import { createRulebook, type Rulebook } from '../../../daemon/coordinator/rulebook.ts';
import { execute, hash, IDLE, policyFile } from '../policy/fixtures.ts';

const host = (effect: string) =>
  policyFile(`policy: mine\nversion: 1\nrules: [{id: r, on: [agent.execute], effect: ${effect}, message: M.}]\n`);
const own = (effect: string) =>
  policyFile(`policy: own\nversion: 1\nrules: [{id: r, on: [agent.execute], effect: ${effect}, message: M.}]\n`, { origin: 'repository' });
const judge = (book: Rulebook, repo = '') => book.judge(execute({ repo }), IDLE).effect;

describe('rule book', () => {
  it('keeps the last good policies of the host beside broken ones, and says so until they are mended', () => {
    const book = createRulebook({ sources: [host('deny')] }, hash);
    assert.equal(book.reload([host('denny')]).ok, false);
    assert.equal(judge(book), 'deny');
    assert.match(book.notices().join('\n'), /mine\.yaml:3:.*\n.*in force before stay so, until/);
    assert.equal(book.reload([host('allow')]).ok, true);
    assert.deepEqual([judge(book), book.notices()], ['allow', []]);
  });

  it('starts with the last good ones, and does not start without any', () => {
    const book = createRulebook({ sources: [host('denny')], lastGood: [host('deny')] }, hash);
    assert.equal(judge(book), 'deny');
    assert.match(book.notices().join('\n'), /mine\.yaml:3:/);
    assert.deepEqual(
      book.filesOf('').map(({ text }) => text),
      [host('deny').text],
    );
    assert.throws(() => createRulebook({ sources: [host('denny')] }, hash), { code: 'invalid_policy', message: /mine\.yaml:3:/ });
    assert.throws(() => createRulebook({ sources: [host('denny')], lastGood: [host('x')] }, hash), { code: 'invalid_policy' });
  });

  it('keeps a repository strict when its file breaks and the host changes below it', () => {
    const book = createRulebook({ sources: [host('allow')] }, hash);
    book.load('/repo', [own('deny')]);
    assert.deepEqual([judge(book, '/repo'), judge(book, '/other')], ['deny', 'allow']);
    assert.equal(book.load('/repo', [own('denny')]).ok, false);
    assert.equal(judge(book, '/repo'), 'deny');
    book.reload([host('require_approval')]);
    assert.deepEqual([judge(book, '/repo'), judge(book, '/other')], ['deny', 'require_approval']);
    assert.match(book.notices().join('\n'), /own\.yaml:3:.*\n.*stay so in \/repo/);
    book.load('/repo', []);
    assert.deepEqual([judge(book, '/repo'), book.notices(), book.filesOf('/repo')], ['require_approval', [], []]);
  });

  it('adds the rules of one run to those in force, never in their place, and for no other run', () => {
    const book = createRulebook({ sources: [host('require_approval')] }, hash);
    const of = (run: string) => book.judge(execute({ run }), IDLE).effect;
    assert.equal(book.loadForRun('strict', host('denny')).ok, false);
    assert.equal(of('strict'), 'require_approval');
    assert.ok(book.loadForRun('strict', host('deny')).ok && book.loadForRun('loose', host('allow')).ok);
    assert.deepEqual([of('strict'), of('loose'), of('other')], ['deny', 'require_approval', 'require_approval']);
    book.reload([host('allow')]);
    assert.deepEqual([of('strict'), of('loose'), of('other')], ['deny', 'allow', 'allow']);
    assert.equal(book.permits('agent.execute', ''), false);
    book.forgetRun('strict');
    assert.deepEqual([of('strict'), book.permits('agent.execute', '')], ['allow', true]);
  });

  it('names the files of a repository apart from the host, each with its text', () => {
    const book = createRulebook({ sources: [host('allow')] }, hash);
    book.load('/repo', [own('deny')]);
    assert.deepEqual(
      book.filesOf('/repo').map(({ file, text, rules }) => [file, text, rules]),
      [['own.yaml', own('deny').text, 1]],
    );
    assert.ok(book.permits('agent.execute', '') && !book.permits('agent.execute', '/repo'));
  });
});
