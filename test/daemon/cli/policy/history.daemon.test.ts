// `signalbox policy simulate` and `suggest` over a record that lies on the disk.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { actionOf, type Decided, recordDecided } from '../../../support/decided.ts';
import { CLI, environmentOf } from '../../../support/programs.ts';

const DAY_MS = 86_400_000;

const line = (text: string, more: Partial<Decided> = {}, n = 0): Decided => ({
  action: actionOf({ kind: 'agent.execute', line: text, agent: 'claude', task: `t${n}` }),
  effect: 'require_approval',
  rule: 'default/run-named-code',
  ...more,
});
const times = (count: number, make: (n: number) => Decided): Decided[] => Array.from({ length: count }, (_, n) => make(n));

const DECIDED: Decided[] = [
  ...times(6, (n) => line('npm test', { answer: 'granted' }, n)),
  ...times(3, (n) => line('git push origin a', { answer: n === 2 ? 'denied' : 'granted' }, n)),
  ...times(4, (n) => line('npm run build && npm test', { answer: 'granted' }, n)),
  ...times(2, (n) => ({
    ...line('x'),
    action: actionOf({ kind: 'agent.mcp', server: 'tracker', tool: 'read', task: `${n}` }),
    rule: 'default/default',
    answer: 'granted' as const,
  })),
  line('rm -rf dist', { answer: 'granted' }),
  line('npm publish', { effect: 'deny', rule: 'team/no-publish' }),
];

describe('policies over the record', function () {
  this.timeout(30_000);
  let folder: string;
  let home: string;

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-history-')));
    home = join(folder, 'home');
    await mkdir(home, { mode: 0o700 });
    await recordDecided(home, DECIDED, new Date(Date.now() - 2 * DAY_MS).toISOString());
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: string[]) => {
    const env = { ...environmentOf(folder, home), NO_COLOR: '1' };
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'policy', ...args], { cwd: folder, env, encoding: 'utf8' });
    return { status, out: stdout, err: stderr };
  };

  it('simulate counts what would be decided otherwise, and whose answers the rules would give', async () => {
    const rules = join(folder, 'new.yaml');
    await writeFile(
      rules,
      `policy: default
version: 2
default: require_approval
rules:
  - { id: npm, on: [agent.execute], effect: allow, message: M., when: 'action.commands.all(c, c.program == "npm" && !c.opaque)' }
  - { id: push, on: [agent.execute], effect: deny, message: M., when: 'action.commands.exists(c, c.subcommand == "push")' }
`,
    );
    const ended = run('simulate', '--days', '7', '--with', rules, '--json');
    assert.equal(ended.status, 0, ended.err);
    const { decisions, unreadable, changes, answers, distinct } = JSON.parse(ended.out) as {
      decisions: number;
      unreadable: number;
      distinct: number;
      changes: { from: string; to: string; count: number; examples: { rules: string[]; summary: string }[] }[];
      answers: { agree: number; disagree: number; asked: number };
    };
    assert.deepEqual([decisions, unreadable], [DECIDED.length, 0]);
    assert.ok(distinct < DECIDED.length, 'what is the same for the rules is decided once');
    assert.deepEqual(
      changes.map(({ from, to, count }) => [from, to, count]),
      [
        ['require_approval', 'allow', 10],
        ['require_approval', 'deny', 3],
        ['deny', 'allow', 1],
      ],
    );
    assert.deepEqual(changes[1]?.examples, [{ ...changes[1]?.examples[0], summary: 'git push origin a', rules: ['default/push'] }]);
    assert.deepEqual({ ...answers, examples: [] }, { agree: 11, disagree: 2, asked: 3, examples: [] });
    const text = run('simulate', '--days', '7', '--with', rules).out;
    assert.match(text, /10 require_approval -> allow\n {2}npm test +by default\/npm/);
    assert.match(text, /Of 16 answers that people gave\n {2}11 the rules would give too, 2 the other way, 3 would still be asked/);
  });

  it('simulate with the rules in force changes nothing, and older decisions do not count', () => {
    assert.match(run('simulate', '--days', '7').out, /1 deny -> require_approval\n {2}npm publish/);
    assert.match(run('simulate', '--days', '1').out, /^0 decisions of the past 1 day;/);
    assert.equal(run('simulate', '--days', 'many').status, 2);
  });

  it('suggest offers a few rules as a difference, writes none unless it is told to, and then nobody is asked again', async () => {
    const shown = run('suggest');
    assert.equal(shown.status, 0, shown.err);
    assert.match(shown.out, /^--- home\/config\/policies\/suggested\.yaml\n\+ {2}- id: answer-1\n/);
    assert.match(shown.out, /\+ +message: "?You said yes to this 10 times/);
    assert.match(shown.out, /2 rules would have given 12 of 15 answers \(80 %\), and let pass nothing that was denied\./);
    assert.doesNotMatch(shown.out, /push|rm -rf|publish/);
    assert.ok(!existsSync(join(home, 'config/policies/suggested.yaml')));
    assert.equal(run('suggest', '--write').status, 2, 'nobody is there to ask');
    const written = run('suggest', '--write', '--yes');
    assert.equal(written.status, 0, written.err);
    assert.deepEqual(await readdir(join(home, 'config/policies')), ['suggested.yaml']);
    assert.match(run('check').out, /suggested +[0-9a-f]{12} +2 +yours/);
    const explained = JSON.parse(run('explain', '--json', 'npm test').out) as { decision: { effect: string; reasons: { rule: string }[] } };
    assert.deepEqual([explained.decision.effect, explained.decision.reasons[0]?.rule], ['allow', 'answer-1']);
    const other = JSON.parse(run('explain', '--json', 'npm publish').out) as typeof explained;
    assert.equal(other.decision.effect, 'require_approval');
    const before = readFileSync(join(home, 'config/policies/suggested.yaml'), 'utf8');
    assert.match(run('suggest', '--write', '--yes').out, /no rule would have given two of them/);
    assert.equal(readFileSync(join(home, 'config/policies/suggested.yaml'), 'utf8'), before);
  });
});
