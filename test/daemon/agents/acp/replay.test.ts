// Traffic of real agents, recorded by `npm run test:agents -- --record`, against the adapter as it is now.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROFILES } from '../../../../daemon/agents/acp/profiles.ts';
import type { EarlierWork, WantedAction } from '../../../../daemon/agents/agent.ts';
import { removeTempFolders, tempFolder } from '../../../support/repos.ts';
import { drive, type Driven } from './scripted.ts';

const FIXTURES = fileURLToPath(new URL('../../../fixtures/acp', import.meta.url));
const REPLAY = fileURLToPath(new URL('../../../support/replay-agent.mjs', import.meta.url));

/** What each recording comes to. */
const EXPECTED: Record<string, string[]> = {
  'claude-code-allow': ['succeeded', 'execute echo yes > made.txt'],
  'claude-code-cancel': ['canceled'],
  'claude-code-deny': ['succeeded', 'execute echo yes > made.txt'],
  'claude-code-edit': ['succeeded', 'edit README.md'],
  'claude-code-resume': ['succeeded', 'execute echo done > done.txt', 'execute echo done > done.txt'],
  'claude-code-outside': ['succeeded', 'edit outside'],
  // What its own sandbox allows, it does without a question.
  'codex-allow': ['succeeded'],
  'codex-cancel': ['canceled'],
  'codex-deny': ['succeeded'],
  'codex-edit': ['succeeded'],
  'codex-outside': ['succeeded'],
  'codex-resume': ['succeeded', 'execute echo done > done.txt'],
  // It does not say which command it is about.
  'gemini-allow': ['succeeded', 'agent.other'],
  'gemini-cancel': ['canceled'],
  'gemini-deny': ['succeeded', 'agent.other'],
  'gemini-edit': ['succeeded', 'edit README.md'],
  'gemini-outside': ['succeeded'],
  'opencode-allow': ['succeeded', 'execute echo yes > made.txt'],
  'opencode-cancel': ['canceled'],
  'opencode-deny': ['succeeded', 'execute echo yes > made.txt'],
  'opencode-edit': ['succeeded', 'edit README.md'],
  'opencode-resume': ['succeeded', 'execute echo done > done.txt'],
  'opencode-outside': ['succeeded', 'edit outside outside'],
};

function describeWish({ action }: WantedAction): string {
  if (action.kind === 'agent.execute') return `execute ${action.line || action.argv.join(' ')}`;
  if (action.kind === 'agent.edit' || action.kind === 'agent.read')
    return `${action.kind.slice(6)} ${action.paths.map((p) => (p.inside ? p.relative : 'outside')).join(' ')}`;
  return action.kind;
}

/** The words of the first prompt, as they were recorded. */
function promptOf(text: string): string {
  const line = text.split('\n').find((each) => each.startsWith('> ') && each.includes('"session/prompt"')) ?? '> {}';
  const message = JSON.parse(line.slice(2)) as { params?: { prompt?: { text?: string }[] } };
  return message.params?.prompt?.[0]?.text ?? '';
}

const LEAD = 'Go on. ';

/** What it went on from, where the recording loads a session. */
function earlierOf(text: string): { earlier?: EarlierWork } {
  const session = /"method":"session\/load","params":\{"sessionId":"([^"]+)"/.exec(text)?.[1];
  return session === undefined ? {} : { earlier: { attempt: 'before', session, lead: LEAD, summary: '' } };
}

function replay(name: string): Driven {
  const file = join(FIXTURES, `${name}.txt`);
  const profile = [...PROFILES.values()].find(({ agent }) => name.startsWith(`${agent}-`));
  assert.ok(profile, name);
  const [root, outside, home] = [tempFolder('tree'), tempFolder('outside'), tempFolder('home')];
  const places = { worktree: root, outside, home, model: 'http://127.0.0.1:1' };
  const text = readFileSync(file, 'utf8');
  const { writes, reads, session } = profile;
  const attempt = drive([], {
    root,
    profile: { program: REPLAY, args: [], ...(profile.mode === undefined ? {} : { mode: profile.mode }), writes, reads, session },
    spec: { prompt: promptOf(text).replace(LEAD, ''), ...earlierOf(text), home, env: { REPLAY: JSON.stringify({ file, places }) } },
    answer: () => (/-(deny|outside)$/.test(name) ? { allowed: false, reason: 'Not in this test.' } : { allowed: true }),
  });
  if (name.endsWith('-cancel'))
    void attempt.saw((e) => e.type === 'output' && e.stream === 'stdout').then(() => attempt.running.cancel('the test wants it'));
  return attempt;
}

describe('agents: recorded traffic', function () {
  this.timeout(30_000);
  after(removeTempFolders);
  const names = readdirSync(FIXTURES).map((file) => file.replace(/\.txt$/, ''));
  const attempts = new Map<string, Driven>();
  before(() => {
    for (const name of names) attempts.set(name, replay(name));
  });

  it('is there for at least three agents, and is expected', () => {
    assert.deepEqual(names.toSorted(), Object.keys(EXPECTED).toSorted());
  });

  for (const name of names)
    it(name, async () => {
      const attempt = attempts.get(name);
      assert.ok(attempt);
      const outcome = await attempt.ended;
      const told = [outcome.status, ...attempt.wanted.map(describeWish)];
      assert.deepEqual(told, EXPECTED[name], `${outcome.error?.message ?? ''} ${attempt.output('stderr')}`);
      assert.equal(await attempt.leftovers(), 0);
    });
});
