import assert from 'node:assert/strict';
import fc from 'fast-check';
import { conditionsFor } from '../../../daemon/policy/rule-for-action.ts';
import { rememberAction, writePolicy } from '../../../daemon/policy/remember.ts';
import { type Action, ACTION_KINDS, type ActionKind, type ActionPath, SimpleCommand } from '../../../shared/state/action.ts';
import { configure, decide, edit, execute, merge, pathAt, policiesOf, policyFile, sampleOf } from './fixtures.ts';

const asks = (kind: ActionKind) =>
  policyFile(`policy: guard\nversion: 1\nrules:\n  - id: ask\n    on: [${kind}]\n    effect: require_approval\n    message: Asked.\n`);

/** The rule for an action that the guard asked about, as a file of the user's. */
function remembered(action: Action, repo?: string) {
  const { reasons } = decide(policiesOf(asks(action.kind)), action);
  const made = rememberAction(action, reasons, { id: 'allow-1', message: 'Anna always allows this: "yes"', repo });
  assert.ok(made.ok, made.ok ? '' : made.why);
  return made.rule;
}

/** What becomes of another action once the answer to the first is a rule. */
function then(first: Action, other: Action, repo?: string): string {
  const rule = policyFile(writePolicy('remembered', remembered(first, repo).text));
  return decide(policiesOf(asks(first.kind), rule), other).effect;
}

const command = (program: string, args: string[], more: Partial<SimpleCommand> = {}) =>
  SimpleCommand.parse({ program, args, subcommand: args[0] ?? '', options: [], opaque: false, ...more });
const run = (...commands: SimpleCommand[]): Action => execute({ argv: ['sh', '-c', 'line'], line: 'line', commands });

const writesTo = (path: ActionPath) => ({ operator: '>', writes: true, path });

const word = fc.oneof(fc.constantFrom('', 'git', 'push', '-f', 'a b', '"', "it's", '\\', '\n', '# x: y'), fc.string({ maxLength: 6 }));
const words = fc.array(word, { maxLength: 3 });
const path = fc
  .constantFrom('src/a.ts', 'src/b.ts', 'a"b', '.env')
  .chain((name) => fc.constantFrom(pathAt(name), { ...pathAt(name), inside: false, relative: '' }));
const paths = fc.uniqueArray(path, { minLength: 1, maxLength: 3, selector: (each) => JSON.stringify(each) });
const commands = fc.array(
  fc
    .record({
      program: word.filter((name) => name !== ''),
      args: words,
      subcommand: fc.constantFrom('', 'push'),
      assignments: words,
      via: fc.subarray(['sudo', 'nice']),
      hosts: fc.subarray(['', 'a.example']),
      cwd: fc.constantFrom('.', 'sub'),
      redirections: fc.array(path.map(writesTo), { maxLength: 2 }),
    })
    .map((fields) => SimpleCommand.parse({ ...fields, options: [], opaque: false })),
  { minLength: 1, maxLength: 2 },
);

/** An action, and what of it a rule may never take for another's. */
const actions: fc.Arbitrary<{ action: Action; exact: unknown }> = fc.oneof(
  commands.map((all) => ({ action: execute({ line: JSON.stringify(all), commands: all }), exact: all })),
  fc
    .tuple(paths, fc.constantFrom('low' as const, 'high' as const))
    .map(([all, risk]) => ({ action: edit({ paths: all, risk }), exact: [all, risk] })),
  paths.map((all) => ({ action: { ...sampleOf('agent.read'), paths: all } as Action, exact: all })),
  fc.uniqueArray(fc.constantFrom('a.example', 'b.example', 'example'), { minLength: 1 }).map((hosts) => ({
    action: { ...sampleOf('agent.fetch'), hosts } as Action,
    exact: hosts,
  })),
  fc.tuple(word, word).map(([server, tool]) => ({ action: { ...sampleOf('agent.mcp'), server, tool } as Action, exact: [server, tool] })),
  fc.tuple(word, word).map(([tool, input]) => ({ action: { ...sampleOf('agent.other'), tool, input } as Action, exact: [tool, input] })),
);

/** Command lines that differ from these commands in one thing. */
function listNeighbours(all: readonly SimpleCommand[]): SimpleCommand[][] {
  const [first, ...rest] = all;
  if (!first) return [];
  const changes: Partial<SimpleCommand>[] = [
    { program: `${first.program}x` },
    { args: [...first.args, 'x'] },
    ...(first.args.length > 0 ? [{ args: first.args.slice(1) }, { args: [first.args.join(' '), 'x'] }] : []),
    { assignments: [...first.assignments, 'X=1'] },
    { via: [...first.via, 'env'] },
    { hosts: [...first.hosts, 'evil.example'] },
    { cwd: `${first.cwd}/x` },
    { redirections: [...first.redirections, writesTo(pathAt('x'))] },
    ...(first.redirections.length > 0
      ? [{ redirections: first.redirections.map(({ path: _, ...each }) => ({ ...each, path: pathAt('x') })) }]
      : []),
    { opaque: true },
    { inline: true },
    { expands: true },
  ];
  const changed = changes.map((change) => ({ ...first, ...change }));
  // What has become another command of the same line differs in its text.
  const differs = (one: SimpleCommand) => !rest.some((other) => JSON.stringify(other) === JSON.stringify(one));
  return [...changed.filter(differs).map((one) => [one, ...rest]), rest, [...all, first]];
}

/** Of several paths or hosts a rule may allow some alone; otherwise only the same. */
function covers(first: { action: Action; exact: unknown }, other: { action: Action; exact: unknown }): boolean {
  const [a, b] = [first.action, other.action];
  if (a.kind !== b.kind) return false;
  const within = (some: readonly unknown[], all: readonly unknown[]) =>
    some.every((each) => all.some((known) => JSON.stringify(known) === JSON.stringify(each)));
  if (a.kind === 'agent.fetch' && b.kind === 'agent.fetch') return within(b.hosts, a.hosts);
  if (a.kind === 'agent.read' && b.kind === 'agent.read') return within(b.paths, a.paths);
  if (a.kind === 'agent.edit' && b.kind === 'agent.edit') return a.risk === b.risk && within(b.paths, a.paths);
  return JSON.stringify(first.exact) === JSON.stringify(other.exact);
}

describe('a rule that an answer is made into', () => {
  it('loads, allows the action that it is made from, and none that is only like it', () =>
    fc.assert(
      fc.property(actions, fc.array(actions, { minLength: 1, maxLength: 8 }), fc.boolean(), (first, others, here) => {
        const repo = here ? first.action.repo : undefined;
        assert.equal(then(first.action, first.action, repo), 'allow');
        for (const other of others.filter(({ action }) => action.kind === first.action.kind))
          assert.equal(then(first.action, other.action, repo) === 'allow', covers(first, other), JSON.stringify([first, other]));
        if (first.action.kind !== 'agent.execute') return;
        for (const near of listNeighbours(first.action.commands))
          assert.equal(then(first.action, { ...first.action, commands: near }, repo), 'require_approval', JSON.stringify(near));
      }),
      { numRuns: 40 },
    ));

  const OWN = new Set<ActionKind>(['agent.register', 'daemon.configure']);
  for (const kind of ACTION_KINDS.filter((each) => !OWN.has(each)))
    it(`allows the same ${kind} again`, () => assert.equal(then(sampleOf(kind), sampleOf(kind)), 'allow'));

  const push = run(command('git', ['push', 'origin', 'main']));
  const table: [string, Action, Action, string?][] = [
    ['other arguments', push, run(command('git', ['push', 'origin', 'main', '--force']))],
    ['another branch', push, run(command('git', ['push', 'origin', 'release']))],
    ['something more in the same line', push, run(command('git', ['push', 'origin', 'main']), command('rm', ['-rf', '.']))],
    ['a variable that is set for it', push, run(command('git', ['push', 'origin', 'main'], { assignments: ['GIT_SSH_COMMAND=evil'] }))],
    ['another folder', push, run(command('git', ['push', 'origin', 'main'], { cwd: 'sub' }))],
    ['a command that the repository names', { ...push, source: 'agent' } as Action, { ...push, source: 'repository' } as Action],
    ['another path', edit(), edit({ paths: [pathAt('src/a.ts'), pathAt('src/b.ts')] })],
    ['the same path outside of the worktree', edit(), edit({ paths: [{ ...pathAt('src/a.ts'), inside: false }] })],
    ['a secret in the same file', edit(), edit({ secrets: ['github-token'] })],
    ['more harm', edit({ risk: 'low' }), edit({ risk: 'high' })],
    ['a merge into another branch', merge(), { ...merge(), into: 'release' } as Action],
    ['a merge that changes .signalbox/', merge(), merge(['src/a.ts', '.signalbox/policies/a.yaml'])],
    ['another repository', merge(), { ...merge(), repo: '/other' }, '/repo'],
  ];
  for (const [what, first, other, repo] of table) {
    it(`does not allow ${what}`, () => {
      assert.equal(then(first, first, repo), 'allow', 'the same');
      assert.equal(then(first, other, repo), 'require_approval');
    });
  }

  it('answers the rules that asked, by name, and no rule that asks or denies besides', () => {
    const rule = remembered(merge());
    assert.deepEqual(rule.excepts, ['guard/ask']);
    const file = policyFile(writePolicy('remembered', rule.text));
    for (const effect of ['require_approval', 'deny']) {
      const more = policyFile(
        `policy: more\nversion: 1\nrules:\n  - id: x\n    on: [workspace.merge]\n    effect: ${effect}\n    message: x\n`,
      );
      assert.equal(decide(policiesOf(asks('workspace.merge'), file, more), merge()).effect, effect);
    }
  });

  it('is not made for what changes Signalbox itself, writes a secret, or nobody’s rule asks about', () => {
    const why = (action: Action, files = [asks(action.kind)]) => {
      const made = rememberAction(action, decide(policiesOf(...files), action).reasons, { id: 'a', message: 'm', repo: undefined });
      return made.ok ? '' : made.why;
    };
    assert.match(why(configure()), /each time/);
    assert.match(why(edit({ secrets: ['x'] })), /secret/);
    assert.match(why(edit({ paths: [pathAt('.git/config', { git: true })] })), /git/);
    assert.match(why(run(command('echo', ['x'.repeat(5_000)]))), /too long/);
    assert.match(why(run(...Array.from({ length: 30 }, (_, n) => command('echo', [`${n}`])))), /too long/);
    const allows = policyFile('policy: a\nversion: 1\ndefault: allow\n');
    assert.match(why(merge(), [allows]), /No rule asks/);
  });

  const unknowable: [string, Action, RegExp][] = [
    ['an address that nobody can read', { ...sampleOf('agent.fetch'), hosts: ['example.org', ''] } as Action, /no host/],
    ['no command', run(), /not understood/],
    ['a line that was not understood', execute({ problem: 'A quote is not closed.' }), /not understood/],
    ['what the shell itself does', run(command('', [])), /shell itself/],
    ['an opaque command', run(command('npm', ['test']), command('make', [], { opaque: true })), /`make` does here is only known/],
    ['code in an argument', run(command('node', ['-e', '1'], { inline: true })), /`node` does here is only known/],
    ['an argument that expands', run(command('rm', ['$X'], { expands: true })), /`rm` does here is only known/],
    [
      'a file that expands',
      run(command('ls', [], { redirections: [writesTo({ path: '$X', relative: '', inside: false, git: false })] })),
      /`ls`/,
    ],
  ];
  for (const [what, action, why] of unknowable)
    it(`is never made for ${what}`, () => {
      const { reasons } = decide(policiesOf(asks(action.kind)), action);
      for (const repo of [undefined, action.repo]) {
        const made = rememberAction(action, reasons, { id: 'a', message: 'm', repo });
        assert.match(made.ok ? made.rule.text : made.why, why);
      }
      assert.deepEqual(conditionsFor(action), []);
    });

  it('holds any text: quotes, lines, and characters that turn a line around', () => {
    const odd = 'a"b\\c\nd: - e #\u202ef\u2028g é 😀';
    const action = run(command('echo', [odd]));
    assert.equal(then(action, action), 'allow');
    assert.doesNotMatch(remembered(action).text, /[\u202e\u2028]/);
  });
});
