// Who may fire a webhook: signatures of both schemes, and everything that looks like one.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { receiveDelivery, type HookParts } from '../../../daemon/triggers/hooks.ts';
import { checkSignature, TOLERANCE_MS, type Scheme } from '../../../daemon/triggers/signature.ts';
import type { Happened } from '../../../daemon/triggers/listener.ts';
import type { RegisteredTrigger } from '../../../shared/state/trigger.ts';

const SECRET = 'a secret of some length';
const NOW = 1_700_000_000_000;
const body = Buffer.from('{"ref":"main","n":1}');
const hex = (secret = SECRET, text: Buffer = body) => createHmac('sha256', secret).update(text).digest('hex');
const at = String(NOW / 1_000);
const v1 = (id = 'm1', timestamp = at, key: string | Buffer = SECRET) =>
  `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
const standard = (signature: string, more = {}) => ({
  'webhook-id': 'm1',
  'webhook-timestamp': at,
  'webhook-signature': signature,
  ...more,
});
const digest = createHash('sha256').update(body).digest('hex');
const late = String((NOW - TOLERANCE_MS) / 1_000 - 1);

const ROWS: [name: string, scheme: Scheme, headers: Record<string, string>, id: string | undefined, secret?: string][] = [
  ['as GitHub signs', 'github', { 'x-hub-signature-256': `sha256=${hex()}` }, digest],
  ['in capitals', 'github', { 'x-hub-signature-256': `sha256=${hex().toUpperCase()}` }, digest],
  [
    'under another delivery id, which nobody signed',
    'github',
    { 'x-hub-signature-256': `sha256=${hex()}`, 'x-github-delivery': 'new' },
    digest,
  ],
  ['not signed', 'github', {}, undefined],
  ['by another secret', 'github', { 'x-hub-signature-256': `sha256=${hex('another secret of a length')}` }, undefined],
  ['for another body', 'github', { 'x-hub-signature-256': `sha256=${hex(SECRET, Buffer.from('{}'))}` }, undefined],
  ['with SHA-1', 'github', { 'x-hub-signature': 'sha1=aa' }, undefined],
  ['cut short', 'github', { 'x-hub-signature-256': `sha256=${hex().slice(0, 62)}` }, undefined],
  ['with something behind it', 'github', { 'x-hub-signature-256': `sha256=${hex()}00` }, undefined],
  ['as Standard Webhooks says', 'standard', standard(v1()), 'm1'],
  ['among signatures of other secrets', 'standard', standard(`v1,AAAA ${v1()}`), 'm1'],
  [
    'with a secret in base64',
    'standard',
    standard(v1('m1', at, Buffer.from(SECRET))),
    'm1',
    `whsec_${Buffer.from(SECRET).toString('base64')}`,
  ],
  ['with another id than was signed', 'standard', standard(v1(), { 'webhook-id': 'm2' }), undefined],
  ['with another time than was signed', 'standard', standard(v1(), { 'webhook-timestamp': String(Number(at) + 1) }), undefined],
  ['too old', 'standard', standard(v1('m1', late), { 'webhook-timestamp': late }), undefined],
  ['with a time that is none', 'standard', standard(v1('m1', 'now'), { 'webhook-timestamp': 'now' }), undefined],
  ['of another version', 'standard', standard(v1().replace('v1,', 'v2,')), undefined],
  ['without an id', 'standard', standard(v1(''), { 'webhook-id': '' }), undefined],
];

describe('a delivery', () => {
  for (const [name, scheme, headers, id, secret = SECRET] of ROWS)
    it(`${scheme}: ${name}`, () => assert.equal(checkSignature(scheme, secret, { headers, body }, NOW)?.id, id));

  const heard: Happened[] = [];
  const hook = {
    id: 'w.hook',
    definition: { kind: 'webhook', id: 'hook', inputs: {}, overlap: 'queue', secret: { env: 'S' }, signature: 'github' },
  };
  const parts = (secret: string | undefined): HookParts => ({
    find: (id) => (id === 'w.hook' ? (hook as unknown as RegisteredTrigger) : undefined),
    secretOf: () => Promise.resolve(secret === undefined ? { ok: false, problem: 'The secret is missing.' } : { ok: true, secret }),
    hear: (_trigger, happened) => Promise.resolve(void heard.push(happened)).then(() => ({ kind: 'fired', run: 'r', existing: false })),
    problem: () => undefined,
    now: () => NOW,
  });
  const signed = { headers: { 'x-hub-signature-256': `sha256=${hex()}`, 'x-github-event': 'push' }, body };

  it('fires with its body; strangers get one answer, whatever is wrong', async () => {
    assert.deepEqual(await receiveDelivery(parts(SECRET), 'w.hook', signed), { status: 202, body: { run: 'r', existing: false } });
    assert.deepEqual(heard, [
      {
        firing: `hook:${digest}`,
        facts: { id: digest, event: 'push', body: { ref: 'main', n: 1 } },
        summary: 'a webhook came: push',
        keep: true,
      },
    ]);
    const strangers = [
      await receiveDelivery(parts(SECRET), 'w.other', signed),
      await receiveDelivery(parts(SECRET), 'w.hook', { headers: {}, body }),
      await receiveDelivery(parts(undefined), 'w.hook', signed),
    ];
    for (const answer of strangers) assert.deepEqual(answer, { status: 401, body: { error: 'Not accepted.' } });
    assert.equal(heard.length, 1);
  });
});
