import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectTo } from '../../../daemon/rpc/connect.ts';
import { readEndpoint } from '../../../daemon/rpc/endpoint.ts';
import { idOf, json, Place } from './spawned.ts';

const POLICY = `policy: two-eyes
version: 1
headless: allow
rules:
  - id: two
    on: [agent.execute]
    when: action.argv.exists(a, a == "echo two")
    effect: require_approval
    quorum: 2
    message: Two people look at this.
`;

describe('answering from the command line', function () {
  this.timeout(60_000);
  const signalbox = Place.forEachTest({ SIGNALBOX_SANDBOX: 'off' });
  const connect = async (token?: string) => {
    const found = await readEndpoint(join(signalbox.folder, 'home'));
    assert.ok(found.kind === 'running');
    return connectTo(found.endpoint, { name: 'test', version: '0', ...(token === undefined ? {} : { token }) });
  };

  it('shows how far a question is: who said yes, what was said about it, and everything that it is about', async () => {
    await mkdir(join(signalbox.folder, 'home', 'config', 'policies'), { recursive: true });
    await writeFile(join(signalbox.folder, 'home', 'config', 'policies', 'two-eyes.yaml'), POLICY);
    const work = signalbox.begin(['run', await signalbox.writeWorkflow(['echo two'])]);
    await work.until(/0 of 2 have said yes/);
    const { approvals } = json('approvals', await signalbox.run(['approvals', '--json']));
    const id = idOf(approvals);
    assert.match((await signalbox.run(['approve', id, '--reason', 'read it'])).out, /1 of 2 have said yes, by user \(read it\)/);
    const user = await connect();
    const { token } = await user.call('token/issue', { name: 'anna', scopes: ['observe', 'approve'] });
    const anna = await connect(token);
    const agent = await connect((await user.call('token/issue', { name: 'agent:other', scopes: ['observe', 'agent'] })).token);
    await assert.rejects(agent.call('approval/comment', { approval: id, text: 'yes!' }), { code: 'forbidden' });
    await assert.rejects(agent.call('approval/answer', { approval: id, answer: 'grant' }), { code: 'forbidden' });
    await anna.call('approval/comment', { approval: id, text: 'looks\nfine' });
    await work.until(/anna says: looks fine/);
    const asked = [['approvals'], ['approvals', 'show', id], ['token', 'anna']].map((args) => signalbox.run(args));
    const [list = '', shown = '', said = ''] = (await Promise.all(asked)).map(({ out }) => out);
    assert.match(list, /pending 1\/2 +person/);
    assert.match(shown, /anna \(person\): looks fine/);
    assert.match(shown, /argv +\["sh","-c","echo two"\]/);
    assert.doesNotMatch(shown, /"kind":/, 'nothing of it is shown twice');
    const own = { env: { SIGNALBOX_TOKEN: said.trim() } };
    assert.equal((await signalbox.run(['approve', id, '--reason', 'me too'], own)).code, 0);
    const wrong = await signalbox.run(['approvals'], { env: { SIGNALBOX_TOKEN: 'wrong' } });
    assert.match(wrong.err, /not a token of this daemon/);
    assert.equal((await work.ended).code, 0);
    const { runs } = await user.call('run/list', {});
    for (const client of [user, anna, agent]) client.close();
    const after = [
      ['approvals', 'show', id],
      ['revoke', id],
      ['approve', idOf(runs)],
    ].map((args) => signalbox.run(args));
    const [answered, revoked, late] = await Promise.all(after);
    assert.match(answered?.out ?? '', /2 of 2 have said yes, by user \(read it\), anna \(me too\)/);
    assert.match(revoked?.err ?? '', /Only a grant that nothing has used/);
    assert.match(late?.err ?? '', /Nothing waits in that run; it is success/);
  });

  it('makes a yes a rule: for the rest of the run, or always, as the diff showed it', async () => {
    const file = await signalbox.writeWorkflow(['true', 'true', 'echo other']);
    const work = signalbox.begin(['run', file]);
    await work.until(/To answer/);
    const client = await connect();
    const pending = async () => (await client.call('approval/list', { pending: true })).approvals;
    const first = idOf(await pending());
    assert.match((await signalbox.run(['approve', first, '--for-run'])).err, /For the rest of this run: .*true/);
    await work.until(/s2 +waits for an approval/);
    const { runs } = await client.call('run/list', {});
    assert.match((await signalbox.run(['runs', 'show', idOf(runs)])).out, /user allowed .*true for the rest of the run/);
    const third = idOf(await pending());
    const unseen = await signalbox.run(['approve', third, '--always']);
    assert.deepEqual([unseen.code, /\+ {4}on: \[agent\.execute\]/.test(unseen.err)], [2, true], unseen.err);
    const written = await signalbox.run(['approve', third, '--always', '--yes']);
    assert.equal(written.code, 0, written.err);
    assert.equal((await work.ended).code, 0);
    const rules = await readFile(join(signalbox.folder, 'home', 'config', 'policies', 'remembered.yaml'), 'utf8');
    assert.match(rules, /policy: remembered\nversion: 1\nrules:\n {2}- id: allow-/);
    const again = signalbox.begin(['run', await signalbox.writeWorkflow(['echo other', 'true'])]);
    await again.until(/s1 +waits for an approval/);
    assert.equal((await pending()).length, 1, 'the rule that stays was in force at once; the rule of the first run is gone with it');
    assert.equal((await signalbox.run(['revoke', first])).code, 0);
    assert.match((await signalbox.run(['approvals', 'show', first])).out, /taken back/);
    assert.match((await signalbox.run(['revoke', third])).err, /stands in .*remembered\.yaml/);
    client.close();
  });

  it('ends with 5 when nobody answered in time, and in CI without waiting for anybody', async () => {
    const file = await signalbox.writeWorkflow(['true']);
    const soon = signalbox.run(['run', file, '--deadline', 'soon']);
    const late = await signalbox.run(['run', file, '--deadline', '1s']);
    assert.equal(late.code, 5, late.out);
    assert.match(late.out, /expired: s0 failed: Nobody answered in time/);
    const ci = await signalbox.run(['run', file], { env: { CI: 'true' } });
    assert.equal(ci.code, 3, ci.out);
    assert.match(ci.err, /--approve=policy/);
    assert.match(ci.out, /denied by user: .*the policy does not allow it then/);
    assert.equal((await soon).code, 2);
  });
});
