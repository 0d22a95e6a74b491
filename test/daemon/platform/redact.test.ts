import assert from 'node:assert/strict';
import { findSecrets, listSecretKinds, MAX_REDACTABLE_LENGTH, redact, TextTooLongError } from '../../../daemon/platform/redact.ts';

// Put together at run time, so that no scanner takes this file for a leak.
const join = (...parts: string[]) => parts.join('');
const letters = 'aB3dE5gH7jK9mN1pQ2sT4vW6yZ8cF0';
const SECRETS: Record<string, { text: string; secret: string; rule: string }> = {
  jwt: { text: 'token: @ end', secret: join('ey', 'JhbGciOiJIUzI1NiJ9', '.', 'ey', 'JzdWIiOiIxMjM0In0', '.', letters), rule: 'jwt' },
  openai: { text: 'KEY=@\n', secret: join('s', 'k-', 'proj-', letters, letters), rule: 'openai-key' },
  google: { text: '"@"', secret: join('AI', 'za', letters, 'abcde'), rule: 'google-api-key' },
  'private key': {
    text: 'x\n@\ny',
    secret: join('-----BEGIN RSA ', 'PRIVATE KEY-----\n', letters, '\n', letters, '\n-----END RSA ', 'PRIVATE KEY-----'),
    rule: 'private-key',
  },
  'an unfinished private key': {
    text: 'x\n@',
    secret: join('-----BEGIN ', 'PRIVATE KEY-----\n', letters, '\n', letters),
    rule: 'private-key',
  },
  'url password': { text: 'amqp://user:@@queue.local/x', secret: join('hunter2', 'hunter3'), rule: 'url-password' },
  github: { text: 'git clone with @ now', secret: join('gh', 'p_', letters, 'abcdef'), rule: 'github' },
  slack: { text: '@', secret: join('xo', 'xb-', '123456789012-', '123456789012-', letters.slice(0, 24)), rule: 'slack' },
};

describe('redact', () => {
  for (const [name, { text, secret, rule }] of Object.entries(SECRETS)) {
    it(`masks ${name}, and says nothing of it`, async () => {
      const planted = text.replace('@', () => secret);
      const masked = await redact(planted);
      assert.equal(masked.includes(secret), false);
      assert.match(masked, /\*\*\*/);
      const findings = await findSecrets('a.txt', planted);
      assert.ok(
        findings.some((finding) => finding.rule === rule),
        JSON.stringify(findings),
      );
      for (const part of [secret, secret.slice(-10)]) assert.equal(JSON.stringify(findings).includes(part), false);
    });
  }

  it('keeps everything around them', async () => {
    const planted = `before ${SECRETS['jwt']?.secret} between ${SECRETS['github']?.secret} after\n`;
    assert.equal(await redact(planted), 'before *** between *** after\n');
  });

  it('tells where they stand', async () => {
    const planted = `one\r\ntwo\n  ${SECRETS['github']?.secret}\n`;
    const [finding, ...more] = await findSecrets('config/a.env', planted);
    assert.deepEqual([finding?.line, finding?.column, finding?.range[0], more], [3, 2, 11, []]);
  });

  it('cannot be switched off by a comment in the text', async () => {
    const planted = `// secretlint-disable\n${SECRETS['github']?.secret}\n// secretlint-enable\n`;
    assert.equal((await findSecrets('a.js', planted)).length, 1);
  });

  const innocent = [
    '',
    'hello',
    'https://example.com/a:b@c',
    'https://user@example.com',
    'sk-short',
    'task-oriented-architecture-of-the-whole-system',
    'http://${USER}:${PASSWORD}@host/',
    'see -----BEGIN CERTIFICATE-----',
  ];
  for (const text of innocent) {
    it(`leaves alone: ${JSON.stringify(text)}`, async () => assert.equal(await redact(text), text));
  }

  it('names each kind of secret once, and no value', async () => {
    const { jwt, openai } = SECRETS;
    const text = [openai?.secret, jwt?.secret, openai?.secret].join('\n');
    assert.deepEqual(await listSecretKinds('a.txt', text), ['jwt', 'openai-key']);
    assert.deepEqual(await listSecretKinds('a.txt', 'hello'), []);
  });

  it('refuses text that is too long', async () => {
    await assert.rejects(redact('x'.repeat(MAX_REDACTABLE_LENGTH + 1)), TextTooLongError);
  });

  it('ends soon on text that is made to keep it busy', async () => {
    const mean = [join('ey', 'J', 'a'.repeat(10)), 'a://b:', join('-----BEGIN ', 'PRIVATE KEY-----'), join('s', 'k-a-')];
    for (const part of mean) await redact(part.repeat(20_000));
  }).timeout(10_000);
});
