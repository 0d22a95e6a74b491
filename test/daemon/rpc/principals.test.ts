import assert from 'node:assert/strict';
import { createPrincipals } from '../../../daemon/rpc/principals.ts';
import { USER_SCOPES } from '../../../shared/protocol/scopes.ts';

describe('rpc principals', () => {
  let time = 1_000_000;
  const make = (): ReturnType<typeof createPrincipals> => createPrincipals({ now: () => time });

  it('makes another user token at each start, which never expires', () => {
    const principals = make();
    assert.match(principals.userToken, /^[\w-]{43}$/);
    assert.notEqual(principals.userToken, make().userToken);
    assert.deepEqual(principals.authenticate(principals.userToken, Number.MAX_SAFE_INTEGER), { name: 'user', scopes: [...USER_SCOPES] });
    assert.equal(make().authenticate(principals.userToken, time), undefined);
    for (const wrong of ['', 'x', `${principals.userToken} `, principals.userToken.slice(0, -1)])
      assert.equal(principals.authenticate(wrong, time), undefined);
  });

  it('issues tokens that end', () => {
    const principals = make();
    const { token, expiresAt } = principals.issue({ name: 'worker-1', scopes: ['worker', 'worker'], ttlMs: 1_000 });
    assert.equal(Date.parse(expiresAt), time + 1_000);
    assert.deepEqual(principals.authenticate(token, time + 999), { name: 'worker-1', scopes: ['worker'], expiresAt: time + 1_000 });
    assert.equal(principals.authenticate(token, time + 1_000), undefined);
    assert.equal(principals.authenticate(principals.userToken, time)?.name, 'user');
  });

  it('never joins work and decision, gives away no right that the issuer lacks, and keeps the name of the user', () => {
    const principals = make();
    for (const works of ['worker', 'agent'] as const) {
      for (const decides of ['approve', 'configure'] as const) {
        assert.throws(() => principals.issue({ name: 'x', scopes: ['observe', works, decides], ttlMs: 1_000 }), { code: 'forbidden' });
      }
    }
    assert.throws(() => principals.issue({ name: 'x', scopes: ['approve'], ttlMs: 1_000, by: ['configure'] }), {
      code: 'forbidden',
      facts: { lacking: ['approve'] },
    });
    assert.ok(principals.issue({ name: 'x', scopes: ['worker', 'observe'], ttlMs: 1_000, by: ['configure'] }).token);
    assert.throws(() => principals.issue({ name: 'user', scopes: ['observe'], ttlMs: 1_000 }), { code: 'id_taken' });
  });

  it('keeps a bounded number, and forgets the expired ones', () => {
    const principals = make();
    for (let i = 1; i < 1_000; i += 1) principals.issue({ name: 'x', scopes: ['observe'], ttlMs: 1_000 });
    assert.throws(() => principals.issue({ name: 'x', scopes: ['observe'], ttlMs: 1_000 }), { code: 'too_many' });
    time += 1_000;
    assert.ok(principals.issue({ name: 'x', scopes: ['observe'], ttlMs: 1_000 }).token);
    assert.equal(principals.authenticate(principals.userToken, time)?.name, 'user');
  });
});
