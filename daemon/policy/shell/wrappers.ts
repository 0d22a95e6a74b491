// Programs that start the command in their arguments. One table; what is not in it is not unwrapped.
import { words } from './command.ts';
import type { OptionGrammar } from './options.ts';

export interface Wrapper extends OptionGrammar {
  /** Words between the options and the command: a duration, a root folder. */
  skip: number;
  /** `NAME=value` words in front of the command are assignments. */
  assigns: boolean;
  /** It does something of its own (gives rights, changes the root, reaches another machine), so it stands in the list as well. */
  listed: boolean;
  /** Options whose value is code for a shell. */
  code: ReadonlySet<string>;
  /** Options whose value is the folder that the command runs in. */
  folder: ReadonlySet<string>;
  /** Options with which no command is started. */
  asks: ReadonlySet<string>;
  /** Options that make it run something that is not in the line. */
  opens: ReadonlySet<string>;
  /** Without a command it starts a shell. */
  interactive: boolean;
  /** The command runs in a folder that the line does not tell. */
  elsewhere: boolean;
  /** It adds words of its own to the command. */
  appends: boolean;
  /** The command is the name of a package, perhaps with a version. */
  fetches: boolean;
  /** The command is joined to one line and given to a shell. */
  joins: boolean;
}

type Texts = { [K in keyof Wrapper]?: Wrapper[K] extends ReadonlySet<string> ? string : Wrapper[K] };

/** A wrapper from the texts of its options. */
export function wrapper(texts: Texts): Wrapper {
  const own = {
    skip: 0,
    assigns: false,
    listed: false,
    interactive: false,
    elsewhere: false,
    appends: false,
    fetches: false,
    joins: false,
  };
  const { valued = '', plain = '', code = '', folder = '', asks = '', opens = '', ...rest } = texts;
  return {
    ...own,
    ...rest,
    valued: words(`${valued} ${code} ${folder}`),
    plain: words(`${plain} ${asks} ${opens} --help --version`),
    code: words(code),
    folder: words(folder),
    asks: words(`${asks} --help --version`),
    opens: words(opens),
  };
}

const LIKE_SUDO = {
  listed: true,
  assigns: true,
  interactive: true,
  valued: `-u --user -g --group -C --close-from -h --host -p --prompt -R --chroot -r --role -t --type -T --command-timeout -U --other-user`,
  folder: '-D --chdir',
  plain: `-A --askpass -b --background -B --bell -E --preserve-env -H --set-home -n --non-interactive -P --preserve-groups -S --stdin -i --login -s --shell -N --no-update`,
  asks: '-l --list -v --validate -V -K --remove-timestamp -k --reset-timestamp',
  opens: '-e --edit',
};

const TABLE: Readonly<Record<string, Texts>> = {
  env: {
    valued: '-u --unset -a --argv0 -S --split-string',
    folder: '-C --chdir',
    assigns: true,
    plain: '- -i --ignore-environment -0 --null -v --debug --list-signal-handling --block-signal --default-signal --ignore-signal',
  },
  sudo: LIKE_SUDO,
  // `-k` with a command only asks for the password anew.
  doas: { listed: true, interactive: true, valued: '-u -a', plain: '-n -L -s', opens: '-C' },
  pkexec: { listed: true, interactive: true, valued: '--user', plain: '--disable-internal-agent --keep-cwd' },
  run0: { listed: true, interactive: true, valued: '-u --user -g --group --nice --setenv --unit --description', folder: '-D --chdir' },
  nohup: {},
  timeout: { skip: 1, valued: '-k --kill-after -s --signal', plain: '-v --verbose -f --foreground -p --preserve-status' },
  gtimeout: { skip: 1, valued: '-k --kill-after -s --signal', plain: '-v --verbose -f --foreground -p --preserve-status' },
  nice: { valued: '-n --adjustment', plain: '-0 -1 -2 -3 -4 -5 -6 -7 -8 -9' },
  ionice: { valued: '-c --class -n --classdata', plain: '-t --ignore', asks: '-p --pid -P --pgid -u --uid' },
  chrt: {
    skip: 1,
    valued: '-T --sched-runtime -P --sched-period -D --sched-deadline',
    plain: '-b -f -i -o -r -d -R -a -v',
    asks: '-p --pid -m --max',
  },
  taskset: { skip: 1, plain: '-c --cpu-list -a --all-tasks', asks: '-p --pid' },
  numactl: {
    valued: '-i --interleave -m --membind -N --cpunodebind -C --physcpubind -p --preferred',
    plain: '-l --localalloc',
    asks: '-H --hardware -s --show',
  },
  stdbuf: { valued: '-i --input -o --output -e --error' },
  setarch: { skip: 1, plain: '-v --verbose -R --addr-no-randomize -B --32bit -L -Z -3' },
  linux32: { plain: '-v -R' },
  linux64: { plain: '-v -R' },
  i386: { plain: '-v -R' },
  x86_64: { plain: '-v -R' },
  arch: { valued: '-arch -e -d', plain: '-x86_64 -arm64 -arm64e -i386' },
  setsid: { plain: '-c --ctty -f --fork -w --wait' },
  time: { valued: '-f --format -o --output', plain: '-p --portability -v --verbose -a --append -q --quiet -l -h' },
  gtime: { valued: '-f --format -o --output', plain: '-p --portability -v --verbose -a --append -q --quiet' },
  command: { plain: '-p', asks: '-v -V' },
  builtin: {},
  exec: { valued: '-a', plain: '-c -l' },
  noglob: {},
  nocorrect: {},
  caffeinate: { valued: '-t -w', plain: '-d -i -m -s -u' },
  unbuffer: { plain: '-p' },
  'dbus-run-session': { valued: '--config-file --dbus-daemon' },
  'xvfb-run': {
    valued: '-e --error-file -f --auth-file -n --server-num -s --server-args -w --wait',
    plain: '-a --auto-servernum -l --listen-tcp',
  },
  'cross-env': { assigns: true },
  'cross-env-shell': { assigns: true, joins: true },
  dotenv: { valued: '-e -f -c -v', plain: '-o --override' },
  xargs: {
    appends: true,
    valued: '-I -n --max-args -P --max-procs -L -a --arg-file -d --delimiter -E -s --max-chars --process-slot-var -J -R -S',
    plain: '-0 --null -r --no-run-if-empty -t --verbose -p --interactive -x --exit -o --open-tty -i --replace -l --max-lines -e --eof',
    asks: '--show-limits',
  },
  parallel: {
    listed: true,
    appends: true,
    joins: true,
    valued:
      '-j --jobs -I -a --arg-file -d --delimiter -N -n --max-args -L -C --colsep --timeout --delay --joblog --results --tmpdir --retries -S --sshlogin --halt --wd --workdir',
    plain:
      '-k --keep-order -q --quote -0 --null -u --ungroup --bar --eta --progress --line-buffer --lb -X -m -v -t --dry-run --will-cite --no-notice --pipe --tag -r',
  },
  watch: {
    listed: true,
    joins: true,
    valued: '-n --interval',
    plain: '-d --differences -t --no-title -b --beep -e --errexit -g --chgexit -c --color -p --precise -x --exec -w --no-wrap',
  },
  entr: { listed: true, appends: true, plain: '-a -c -d -n -p -r -s -x -z' },
  chroot: { listed: true, skip: 1, elsewhere: true, interactive: true, valued: '--userspec --groups', plain: '--skip-chdir' },
  unshare: {
    listed: true,
    interactive: true,
    valued: '-S --setuid -G --setgid --propagation --setgroups --map-user --map-group',
    folder: '-w --wd',
    plain:
      '-m --mount -u --uts -i --ipc -n --net -p --pid -U --user -C --cgroup -T --time -f --fork -r --map-root-user -c --map-current-user --mount-proc --kill-child --keep-caps',
  },
  nsenter: {
    listed: true,
    elsewhere: true,
    interactive: true,
    valued: '-t --target -S --setuid -G --setgid',
    plain: '-a --all -m --mount -u --uts -i --ipc -n --net -p --pid -C --cgroup -U --user -F --no-fork -r --root',
  },
  setpriv: {
    listed: true,
    valued: '--reuid --regid --groups --ruid --rgid --inh-caps --bounding-set --ambient-caps --securebits --pdeathsig',
    plain: '--clear-groups --keep-groups --init-groups --no-new-privs --nnp --reset-env',
    asks: '-d --dump',
  },
  'systemd-run': {
    listed: true,
    valued: '-p --property -u --unit -E --setenv --slice --description --uid --gid -M --machine -H --host --nice',
    folder: '--working-directory',
    plain: '--user --system --scope -t --pty -P --pipe -q --quiet -G --collect --wait -d --same-dir -r --remain-after-exit --no-block',
  },
  strace: {
    listed: true,
    valued: '-e -o -p -s -u -E -a -I -O -P -S -X',
    plain: '-f -ff -c -C -d -i -k -n -q -r -t -tt -ttt -T -v -w -x -xx -y -yy -z -Z',
  },
  ltrace: { listed: true, valued: '-e -o -p -s -u -l -n -a -D -x', plain: '-f -c -C -i -r -t -tt -ttt -T -S' },
  flock: {
    listed: true,
    skip: 1,
    code: '-c --command',
    valued: '-w --wait --timeout -E --conflict-exit-code',
    plain: '-s --shared -x -e --exclusive -n --nb --nonblock -u --unlock -o --close -F --no-fork --verbose',
  },
  // What follows the file is the command; `-c` carries it as code.
  script: {
    listed: true,
    interactive: true,
    skip: 1,
    code: '-c --command',
    valued: '-I --log-in -O --log-out -B --log-io -T --log-timing -m --logging-format -o --output-limit -E --echo',
    plain: '-a --append -e --return -f --flush --force -q --quiet -t',
  },
  npx: {
    listed: true,
    fetches: true,
    interactive: true,
    code: '-c --call',
    valued: '-p --package -w --workspace --prefix --cache --registry --userconfig',
    plain: '-y --yes --no --no-install -q --quiet -s --silent --ignore-existing --workspaces -ws --include-workspace-root',
    opens: '--node-arg -n --node-options --script-shell --shell --shell-auto-fallback',
  },
  pnpx: { listed: true, fetches: true, interactive: true, plain: '-s --silent', code: '-c --shell-mode', valued: '--package' },
  bunx: { listed: true, fetches: true, interactive: true, plain: '--bun --silent --verbose --no-install', valued: '-p --package' },
  uvx: {
    listed: true,
    fetches: true,
    valued: '--from --with --python -p --index --index-url --default-index --refresh-package',
    plain: '-q --quiet -v --verbose --isolated --refresh --offline --no-cache -n',
    opens: '--with-editable --with-requirements --env-file --config-file',
  },
  corepack: {},
  busybox: {},
  toybox: {},
};

const WRAPPERS = new Map(Object.entries(TABLE).map(([name, texts]) => [name, wrapper(texts)]));

/** How a program starts the command in its arguments; undefined when it does not. */
export function wrapperOf(program: string): Wrapper | undefined {
  return WRAPPERS.get(program);
}
