// Options and arguments with which known programs run code, or another program. They are marked, not followed.
import { words, type Word } from './command.ts';
import { isAbbreviation } from './git.ts';
import { takesValue } from './hosts.ts';
import { readOptions } from './options.ts';
import { hidesOption } from './unwrap.ts';

interface Executing {
  /** Arguments that run something. */
  args?: RegExp;
  /** Long options that do; any unique beginning counts. */
  long?: string;
  /** Without operands, or with `-`, it reads code from its standard input. */
  bare?: true;
  /** Without an argument like this it reads commands from its standard input. */
  needs?: RegExp;
  /** Whatever its arguments are. */
  always?: true;
}

const TABLE: Readonly<Record<string, Executing>> = {
  perl: { args: /^-[A-Za-z0-9]*[eEMmdIx]/, bare: true },
  ruby: { args: /^-[A-Za-z]*[erIx]/, long: '--require', bare: true },
  php: { args: /^-[A-Za-z]*[rBREd]/, long: '--run --process-begin --process-code --process-end --define', bare: true },
  lua: { args: /^-[A-Za-z]*[eli]/, bare: true },
  luajit: { args: /^-[A-Za-z]*[eli]/, bare: true },
  deno: { args: /^(eval|repl|jupyter)$/ },
  bun: { args: /^(-[a-zA-Z]*[erp]|repl)$/, long: '--eval --print --preload --require --import' },
  tsx: { args: /^-[a-zA-Z]*[epr]/, long: '--eval --print --require --import', bare: true },
  'ts-node': { args: /^-[a-zA-Z]*[epr]/, long: '--eval --print --require', bare: true },
  osascript: { args: /^-e/, bare: true },
  Rscript: { args: /^-e/, bare: true },
  R: { args: /^-e/, bare: true },
  julia: { args: /^-[a-zA-Z]*[eELi]/, long: '--eval --print --load', bare: true },
  ghc: { args: /^-e/, long: '--interactive' },
  scala: { args: /^-e$/, bare: true },
  groovy: { args: /^-[a-zA-Z]*[epn]/, bare: true },
  jshell: { always: true },
  jrunscript: { always: true },
  irb: { always: true },
  tclsh: { bare: true },
  expect: { args: /^-[a-zA-Z]*[cbi]/, bare: true },
  guile: { args: /^-[a-z]*[cl]/, bare: true },
  emacs: { always: true },
  ed: { always: true },
  ex: { always: true },
  vi: { always: true },
  vim: { always: true },
  nvim: { always: true },
  view: { always: true },
  rvim: { always: true },
  less: { args: /^([-+]+[koO]|\+.*!)/, long: '--lesskey-file --lesskey-src --lesskey-content --log-file' },
  more: { args: /^\+/ },
  nano: { args: /^-[a-zA-Z]*s/, long: '--speller' },
  sudoedit: { always: true },
  visudo: { always: true },
  vipw: { always: true },
  man: { args: /^-[a-zA-Z]*[PHCT]/, long: '--pager --html --preprocessor --config-file --gxditview' },
  gdb: { always: true },
  lldb: { always: true },
  dlv: { always: true },
  tar: {
    args: /^(-[A-Za-z]*[IF]|--rsh-command)/,
    long: '--to-command --checkpoint-action --use-compress-program --rsh-command --rmt-command --info-script --new-volume-script',
  },
  bsdtar: { args: /^-[A-Za-z]*I$/, long: '--use-compress-program' },
  cpio: { long: '--rsh-command' },
  zip: { args: /^-(TT|[A-Za-z]*T)/, long: '--unzip-command' },
  '7z': { args: /^-m.*=.*exec/ },
  rsync: { args: /^-[A-Za-z]*e/, long: '--rsh --rsync-path --daemon' },
  scp: { args: /^-[A-Za-z0-9]*[SoFD]/ },
  sftp: { args: /^-[A-Za-z0-9]*[SoFDbs]/ },
  rg: { long: '--pre --hostname-bin --search-zip', args: /^--pre-glob$/ },
  ag: { long: '--pager' },
  ack: { long: '--pager' },
  bat: { long: '--pager' },
  delta: { long: '--pager' },
  sort: { long: '--compress-program' },
  split: { long: '--filter' },
  wget: { args: /^-[a-zA-Z]*e/, long: '--execute --use-askpass --config' },
  curl: { args: /^-[a-zA-Z]*K/, long: '--config' },
  nc: { args: /^-[a-zA-Z]*[ec]/ },
  ncat: { args: /^-[a-zA-Z]*[ec]/, long: '--exec --sh-exec --lua-exec' },
  socat: { args: /^(EXEC|SYSTEM|SHELL)[:,]/i },
  nmap: { long: '--script --interactive' },
  openssl: { args: /^-(engine|provider|provider-path)$/ },
  go: { args: /^--?(exec|toolexec|vettool|modfile|overlay)(=|$)/ },
  rustc: { args: /^-C|^-Clinker|^--codegen/ },
  gcc: { args: /^(-wrapper|-fplugin=.*|-B.*|-specs=.*|@.*)$/ },
  cc: { args: /^(-wrapper|-fplugin=.*|-B.*|-specs=.*|@.*)$/ },
  'g++': { args: /^(-wrapper|-fplugin=.*|-B.*|-specs=.*|@.*)$/ },
  clang: { args: /^(-fplugin=.*|-B.*|-Xclang|@.*)$/ },
  gradle: { args: /^-[a-zA-Z]*I/, long: '--init-script' },
  mvn: { args: /^(exec:|-Dexec\.|org\.codehaus\.mojo:exec)/ },
  ant: { always: true },
  ansible: { always: true },
  'ansible-playbook': { always: true },
  psql: { args: /\\!|\\copy|\bprogram\b/i, needs: /^(-[a-zA-Z]*[cflV]|--(command|file|list|version|help))/ },
  mysql: { args: /\\!|\bsystem\b/i, long: '--pager', needs: /^(-[a-zA-Z]*[eV]|--(execute|version|help))/ },
  mariadb: { args: /\\!|\bsystem\b/i, long: '--pager', needs: /^(-[a-zA-Z]*[eV]|--(execute|version|help))/ },
  sqlite3: {
    args: /\.(shell|system|load|import|output|once|excel)|load_extension|edit\s*\(|^-(init|cmd)$/i,
    needs: /\s|^-+(version|help)$/,
  },
  'redis-cli': { args: /^(eval|script|config|module)$/i },
  mongosh: { always: true },
  helm: { long: '--post-renderer' },
  terraform: { args: /^(console)$/ },
  apt: { args: /^-[a-zA-Z]*[oc]/, long: '--option --config-file' },
  dpkg: { args: /^-[a-zA-Z]*i/, long: '--pre-invoke --post-invoke --install' },
  rpm: { long: '--eval --define --pipe' },
  crontab: { args: /^[^-]|^-$|^-[a-z]*e/, bare: true },
  at: { always: true },
  batch: { always: true },
  tmux: { always: true },
  screen: { always: true },
  xterm: { args: /^-e/ },
  'gnome-terminal': { always: true },
  open: { always: true },
  'xdg-open': { always: true },
  start: { always: true },
  cscript: { always: true },
  wscript: { always: true },
  rundll32: { always: true },
  mshta: { always: true },
  regsvr32: { always: true },
  bwrap: { always: true },
  firejail: { always: true },
  proot: { always: true },
  fakeroot: { always: true },
  nodemon: { always: true },
  concurrently: { always: true },
  'npm-run-all': { always: true },
  foreman: { always: true },
  pm2: { always: true },
  supervisord: { always: true },
  'start-stop-daemon': { always: true },
  'run-parts': { always: true },
  'run-mailcap': { always: true },
  ip: { args: /^(netns|vrf)$/ },
  capsh: { always: true },
  logrotate: { always: true },
  tcpdump: { args: /^-[a-zA-Z]*z/ },
  ctags: { long: '--options --_echo' },
  pdflatex: { args: /^--?(shell-escape|enable-write18)/ },
  latexmk: { args: /^-(e|r|pdflatex|latex)/ },
  ffmpeg: {},
  hyperfine: { always: true },
  'git-lfs': {},
  jq: { args: /^-[a-zA-Z]*L|^--library-path/ },
  eslint: { args: /^(-c|-f|--config|--format|--plugin|--rulesdir|--resolve-plugins-relative-to|--parser)(=|$)/ },
};
const PYTHON = {
  code: words('-c'),
  valued: words('-c -m -W -X --check-hash-based-pycs'),
  plain: words('-b -bb -B -d -E -h -i -I -O -OO -P -q -s -S -u -v -V -x -3 -t -R --version --help'),
};
const NODE = {
  code: words(
    '-e -p -r --eval --print --require --import --loader --experimental-loader --openssl-config --env-file --env-file-if-exists --test-reporter -i --interactive --experimental-config-file',
  ),
  valued: words(
    '-e -p -r -C --eval --print --require --import --loader --experimental-loader --conditions --env-file --env-file-if-exists --input-type --test-reporter --test-reporter-destination --test-name-pattern --watch-path --openssl-config --title --icu-data-dir',
  ),
  plain: words(
    `-c -i -v -h --check --interactive --version --help --test --watch --no-warnings --trace-warnings --enable-source-maps --expose-gc --inspect --inspect-brk --max-old-space-size --experimental-strip-types
     --experimental-vm-modules --test-only --test-concurrency --test-timeout --preserve-symlinks --trace-deprecation --throw-deprecation --no-deprecation --unhandled-rejections --stack-trace-limit --run --experimental-test-coverage`,
  ),
};

/** Whether the program runs code or a program that its arguments name. `names` are the names that it goes by. */
export function runsArguments(names: readonly string[], args: readonly Word[]): boolean {
  if (names.includes('python') || names.includes('pypy')) return runsScript(PYTHON, args);
  if (names.includes('node') || names.includes('nodejs')) return runsScript(NODE, args);
  const name = names.find((each) => Object.hasOwn(TABLE, each));
  const known = name === undefined ? undefined : TABLE[name];
  if (known === undefined) return false;
  // tar takes its first word as options, also without a dash.
  if (name === 'tar' && /^[A-Za-z]*[IF][A-Za-z]*$/.test(args[0]?.text ?? '')) return true;
  if (known.always === true || (known.bare === true && isBare(args))) return true;
  if (known.needs && !args.some(({ text }) => known.needs?.test(text))) return true;
  if ((known.args ?? known.long) === undefined) return false;
  const long = words(known.long ?? '');
  if (args.some(({ text }) => known.args?.test(text) === true || isAbbreviation(text, long))) return true;
  return hidesOption(args.filter((arg, index) => arg.splits || !takesValue(name ?? '', args[index - 1]?.text ?? '')));
}

const isBare = (args: readonly Word[]): boolean =>
  !args.some(({ text }) => /^(-v|-V|--version|-h|--help)$/.test(text)) &&
  (args.every(({ text }) => text.startsWith('-')) || args.some(({ text }) => text === '-'));

/** An interpreter whose options are known: those behind its script are the script's. */
function runsScript(known: typeof PYTHON, args: readonly Word[]): boolean {
  const { options, rest, sure } = readOptions(args, known);
  const first = options.find(({ name }) => known.code.has(name) || name === '-m' || name === '--run');
  const module = first?.name === '-m' ? first.value?.text : undefined;
  if (module !== undefined) return !first?.value?.known || /^(timeit|cProfile|profile|pdb|code|trace|runpy|this)$/.test(module);
  if (first?.name === '--run') return false;
  const tells = options.some(({ name }) => /^(-v|-V|--version|-h|--help|--test)$/.test(name));
  if (!sure && args.some(({ text }) => [...known.code].some((each) => text.startsWith(each)))) return true;
  return first !== undefined || hidesOption(args.slice(0, rest + 1)) || (args[rest] === undefined && !tells) || args[rest]?.text === '-';
}
