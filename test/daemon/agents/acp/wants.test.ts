import assert from 'node:assert/strict';
import { trackToolCalls, wantsOf } from '../../../../daemon/agents/acp/tools.ts';
import { diffText } from '../../../../daemon/agents/acp/diff-text.ts';
import { readProfile } from '../../../../daemon/agents/acp/profile-files.ts';
import { PROFILES } from '../../../../daemon/agents/acp/profiles.ts';

/** What the real agents send, as recorded, and what it comes to. */
const CALLS: { name: string; update: object; reads?: string[]; wants: string[] }[] = [
  { name: 'Claude, a command', update: { name: 'Bash', rawInput: { command: 'ls > a', timeout: 1 } }, wants: ['execute ls > a'] },
  {
    name: 'Codex, a shell with its line',
    update: { rawInput: { command: ['/bin/bash', '-lc', 'ls | wc'], cwd: '/w' } },
    wants: ['execute ls | wc'],
  },
  { name: 'an argv', update: { rawInput: { command: ['git', 'push'] } }, wants: ['execute [git,push]'] },
  { name: 'an empty command', update: { rawInput: { command: ' ' } }, wants: ['other'] },
  { name: 'Claude, a read', update: { name: 'Read', rawInput: { file_path: '/w/a' } }, reads: ['Read'], wants: ['read /w/a'] },
  {
    name: 'a tool called Read that writes',
    update: { name: 'Read', rawInput: { file_path: '/w/a', content: 'x' } },
    reads: ['Read'],
    wants: ['edit /w/a'],
  },
  { name: 'a path with nothing else', update: { kind: 'read', rawInput: { path: '/w/a' } }, wants: ['edit /w/a'] },
  {
    name: 'opencode, a folder outside',
    update: { rawInput: { filepath: '/x/a', parentDir: '/x' }, locations: [{ path: '/x/a' }, { path: '/x' }] },
    wants: ['edit /x/a,/x'],
  },
  {
    name: 'Codex, a patch',
    update: { rawInput: { changes: { '/w/a': { add: {} }, '/w/b': { update: { move_path: '/w/c' } } } } },
    wants: ['edit /w/a,/w/b'],
  },
  {
    name: 'a patch text',
    update: { rawInput: { input: '*** Begin Patch\n*** Update File: a.txt\n*** Move to: b.txt\n' } },
    wants: ['edit a.txt,b.txt'],
  },
  {
    name: 'Gemini, a shell request',
    update: { kind: 'execute', title: 'rm -rf /', content: [{ type: 'content', content: { type: 'text', text: 'x' } }] },
    wants: ['other'],
  },
  { name: 'an address', update: { rawInput: { url: 'https://a.b/c' } }, wants: ['fetch https://a.b/c'] },
  {
    name: 'a tool of an MCP server',
    update: { name: 'mcp__git_hub__make__it', rawInput: { command: 'x' } },
    wants: ['mcp git_hub make__it'],
  },
  {
    name: 'Codex, a tool of an MCP server',
    update: { rawInput: { server: 'hub', tool: 'make', arguments: { path: 'x' } }, _meta: { is_mcp_tool_call: true } },
    wants: ['mcp hub make'],
  },
  { name: 'the same words without the sign', update: { rawInput: { server: 'hub', tool: 'make', arguments: {} } }, wants: ['other'] },
  {
    name: 'Qwen, a tool of an MCP server',
    update: { rawInput: { path: 'x' }, _meta: { toolName: 'mcp__hub__make' } },
    wants: ['mcp hub make'],
  },
  { name: 'nothing', update: {}, wants: ['other'] },
];

describe('agents: what a tool call wants', () => {
  for (const { name, update, reads = [], wants } of CALLS)
    it(name, () => {
      const call = trackToolCalls().take({ toolCallId: '1', ...update });
      const told = wantsOf(call, reads).map((wanted) => {
        if (wanted.kind === 'execute') return `execute ${wanted.line || `[${wanted.argv.join(',')}]`}`;
        if (wanted.kind === 'edit' || wanted.kind === 'read') return `${wanted.kind} ${wanted.paths.join(',')}`;
        if (wanted.kind === 'fetch') return `fetch ${wanted.urls.join(',')}`;
        return wanted.kind === 'mcp' ? `mcp ${wanted.server} ${wanted.tool}` : wanted.kind;
      });
      assert.deepEqual(told, wants);
    });

  it('takes what the question says over what was said before, and both where they differ in kind', () => {
    const calls = trackToolCalls();
    calls.take({ toolCallId: '1', rawInput: { command: 'harmless' }, content: [{ type: 'diff', path: 'a', newText: 'x' }] });
    const call = calls.take({ toolCallId: '1', rawInput: { command: 'evil' } });
    assert.deepEqual(
      wantsOf(call, []).map(({ kind }) => kind),
      ['execute', 'edit'],
    );
    assert.equal(call.input['command'], 'evil');
  });

  it('shows a change as one hunk, with little around it', () => {
    const lines = Array.from({ length: 20 }, (_, i) => `l${i}`);
    const after = lines.with(10, 'new').join('\n');
    assert.equal(
      diffText('a.txt', lines.join('\n'), after),
      '--- a.txt\n+++ a.txt\n@@ -8,7 +8,7 @@\n l7\n l8\n l9\n-l10\n+new\n l11\n l12\n l13\n',
    );
    assert.equal(diffText('b', '', 'x\n'), '--- /dev/null\n+++ b\n@@ -1,0 +1,1 @@\n+x\n');
  });
});

describe('agents: profiles', () => {
  it('those that are shipped name exact versions and loosen nothing', () => {
    assert.deepEqual([...PROFILES.keys()], ['claude-code', 'opencode', 'gemini', 'codex', 'copilot', 'qwen']);
    for (const { title, uncovered } of PROFILES.values()) assert.ok(uncovered.length > 0, title);
  });

  it('reads one of a person, also one that extends a shipped one', () => {
    const own = readProfile('agent: mine\nprogram: mine-acp\nargs: [acp]\nenv: { A: "{home}/x" }\n', 'mine.yaml');
    assert.deepEqual(own.problems, []);
    assert.equal(own.profile?.title, 'mine');
    const text = 'agent: codex-local\nextends: codex\nenv: { X: "1" }\nfiles: { .codex/config.toml: "model = 1" }\n';
    const extended = readProfile(text, 'codex.yaml').profile;
    assert.equal(extended?.program, 'codex-acp');
    assert.deepEqual(extended?.env, { CODEX_HOME: '{home}/.codex', X: '1' });
    assert.equal(extended?.mode, 'read-only');
  });

  const WRONG: [text: string, place: string, says: RegExp][] = [
    ['agent: A b\nprogram: x\n', '1:8', /lower-case/],
    ['agent: a\nprogram: x\npackage: left-pad\n', '3:10', /exact version/],
    ['agent: a\nprogram: x\nfiles:\n  ../evil: x\n', '4:3', /inside of HOME/],
    ['agent: a\nprogram: x\nlogin: [/etc/passwd]\n', '3:9', /inside of HOME/],
    ['agent: a\nprogram: x\nenw: {}\n', '3:1', /`enw` is not a key/],
    ['agent: a\nextends: claude\n', '2:10', /no shipped profile `claude`; there are claude-code/],
    ['agent: a\n', '1:1', /`program` is missing/],
    ['agent: [\n', '2:1', /./],
  ];
  for (const [text, place, says] of WRONG)
    it(`refuses ${JSON.stringify(text)} at ${place}`, () => {
      const { profile, problems } = readProfile(text, 'p.yaml');
      assert.equal(profile, undefined);
      const [first] = problems;
      assert.equal(`${first?.line}:${first?.column}`, place);
      assert.match(first?.message ?? '', says);
    });
});
