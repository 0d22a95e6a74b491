import assert from 'node:assert/strict';
import { sandboxArguments, type SandboxPlan } from '../../../../daemon/platform/sandbox/argv.ts';

const PLAN: SandboxPlan = {
  argv: ['npm', 'test'],
  cwd: '/state/worktrees/a',
  system: [{ path: '/usr' }, { path: '/bin', link: 'usr/bin' }, { path: '/etc' }],
  masked: ['/etc/shadow'],
  tools: ['/home/u/.nvm/v20'],
  hidden: ['/state', '/home/u/.config/signalbox'],
  borrowed: ['/home/u/repo/.git/objects'],
  writable: ['/state/worktrees/a', '/state/homes/a'],
  covered: [],
  pinned: [{ from: '/state/lent/a/link', at: '/state/worktrees/a/.git' }],
};

/** The places of each kind of mount, in the order in which bubblewrap makes them. */
function mounts(plan: Partial<SandboxPlan> = {}): string[] {
  const args = sandboxArguments({ ...PLAN, ...plan });
  const found: string[] = [];
  for (const [i, arg] of args.slice(0, args.indexOf('--')).entries()) {
    if (['--ro-bind', '--ro-bind-try', '--bind', '--symlink'].includes(arg)) found.push(`${arg.slice(2)} ${args[i + 2] ?? ''}`);
    if (['--tmpfs', '--proc', '--dev', '--dir', '--remount-ro', '--chdir'].includes(arg))
      found.push(`${arg.slice(2)} ${args[i + 1] ?? ''}`);
  }
  return found;
}

describe('sandbox: the command line of bubblewrap', () => {
  it('shows the system, then tools, then what may be written, and pins last', () => {
    assert.deepEqual(mounts(), [
      'ro-bind /usr',
      'symlink /bin',
      'ro-bind /etc',
      'ro-bind /etc/shadow',
      'proc /proc',
      'dev /dev',
      'tmpfs /tmp',
      'tmpfs /run',
      'dir /var/tmp',
      'ro-bind-try /home/u/.nvm/v20',
      'ro-bind /home/u/repo/.git/objects',
      'bind /state/worktrees/a',
      'bind /state/homes/a',
      'ro-bind /state/worktrees/a/.git',
      'remount-ro /',
      'chdir /state/worktrees/a',
    ]);
  });

  it('takes every namespace, no capability and no terminal, ends with the daemon, and starts the program itself', () => {
    const args = sandboxArguments(PLAN);
    for (const flag of ['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--die-with-parent', '--new-session'])
      assert.ok(args.includes(flag), flag);
    assert.equal(args[args.indexOf('--cap-drop') + 1], 'ALL');
    assert.deepEqual(args.slice(args.indexOf('--')), ['--', 'npm', 'test']);
  });

  it('covers what a repository brings for an agent, over what may be written', () => {
    const covered = [
      { path: '/state/worktrees/a/.codex', folder: true },
      { path: '/state/worktrees/a/x.json', folder: false },
    ];
    assert.deepEqual(mounts({ covered }).slice(12, 16), [
      'bind /state/homes/a',
      'tmpfs /state/worktrees/a/.codex',
      'remount-ro /state/worktrees/a/.codex',
      'ro-bind /state/worktrees/a/x.json',
    ]);
  });

  for (const [name, plan, wanted, unwanted] of [
    ['empties a state folder inside the system', { hidden: ['/usr/state'] }, 'tmpfs /usr/state', 'ro-bind /usr/state'],
    ['empties a state folder inside a tool', { hidden: ['/home/u/.nvm/v20/s'] }, 'tmpfs /home/u/.nvm/v20/s', 'bind /home/u'],
    ['shows no tool of a hidden folder', { tools: ['/state/bin'] }, 'bind /state/homes/a', 'ro-bind-try /state/bin'],
    ['leaves what nobody shows alone', { hidden: ['/elsewhere'] }, 'bind /state/homes/a', 'tmpfs /elsewhere'],
    ['does not take a name for a folder', { hidden: ['/usr2'] }, 'ro-bind /usr', 'tmpfs /usr2'],
    ['shows objects also out of a hidden folder', { borrowed: ['/state/demo/objects'] }, 'ro-bind /state/demo/objects', 'bind /state'],
  ] as [string, Partial<SandboxPlan>, string, string][])
    it(name, () => {
      const made = mounts(plan);
      assert.ok(made.includes(wanted), `${wanted} in ${made.join(', ')}`);
      assert.ok(!made.includes(unwanted), `no ${unwanted} in ${made.join(', ')}`);
    });

  for (const wrong of ['relative', '/', '', '/a\0b'])
    it(`refuses ${JSON.stringify(wrong)} as a place`, () => {
      assert.throws(() => sandboxArguments({ ...PLAN, writable: [wrong] }), TypeError);
      assert.throws(() => sandboxArguments({ ...PLAN, pinned: [{ from: '/a', at: wrong }] }), TypeError);
    });
});
