// Subcommands that start the command in their arguments: `npm exec`, `docker run`, `poetry run`.
import { wrapper, type Wrapper } from './wrappers.ts';

const OWN = { listed: true };
const PACKAGE = { listed: true, fetches: true };
/** The command runs in a container or on another machine, in a folder that the line does not tell. */
const AWAY = { listed: true, elsewhere: true };
const CONTAINER = `-e --env --env-file -u --user -w --workdir --detach-keys`;
const DOCKER_RUN = `${CONTAINER} -a --attach --add-host --annotation --blkio-weight --cap-add --cap-drop --cgroup-parent --cgroupns --cidfile -c --cpu-shares --cpus --cpuset-cpus --device
  --dns --domainname --expose --gpus --group-add --health-cmd -h --hostname --ip --ipc -l --label --label-file --link --log-driver --log-opt --mac-address -m --memory --memory-swap --mount --name --network --net
  --network-alias --pid --pids-limit --platform -p --publish --pull --restart --runtime --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs
  --ulimit --userns --uts -v --volume --volume-driver --volumes-from`;
const RUN_PLAIN =
  '-i --interactive -t --tty -d --detach --rm --init --privileged --read-only -P --publish-all -q --quiet --no-healthcheck --oom-kill-disable --sig-proxy';
const docker = {
  run: wrapper({ ...AWAY, skip: 1, interactive: true, valued: DOCKER_RUN, plain: RUN_PLAIN, opens: '--entrypoint' }),
  exec: wrapper({
    ...AWAY,
    skip: 1,
    valued: `${CONTAINER} --index`,
    plain: '-i --interactive -t --tty -T --no-TTY -d --detach --privileged --no-tty',
  }),
  composeRun: wrapper({
    ...AWAY,
    skip: 1,
    interactive: true,
    valued: `${CONTAINER} -l --label --name -p --publish -v --volume --cap-add --cap-drop --pull`,
    plain:
      '-i --interactive -T --no-TTY -t --tty -d --detach --rm --no-deps --build -P --service-ports --use-aliases -q --quiet --quiet-pull --remove-orphans',
    opens: '--entrypoint',
  }),
};
const DOCKER: Readonly<Record<string, Wrapper>> = {
  run: docker.run,
  create: docker.run,
  exec: docker.exec,
  'compose run': docker.composeRun,
  'compose exec': docker.exec,
};
const PACKAGE_EXEC = wrapper({
  ...PACKAGE,
  interactive: true,
  code: '-c --call --shell-mode',
  valued: '-p --package -w --workspace --prefix --allow-build -r',
  plain: '-y --yes --no -q --quiet -s --silent --ws --workspaces --parallel --no-bail --recursive --if-present',
});

const TABLE: Readonly<Record<string, Readonly<Record<string, Wrapper>>>> = {
  npm: {
    exec: PACKAGE_EXEC,
    init: wrapper({ ...PACKAGE, interactive: true, plain: '-y --yes -f --force', valued: '-w --workspace --scope' }),
    explore: wrapper({ ...OWN, skip: 1, joins: true }),
  },
  pnpm: { exec: PACKAGE_EXEC, dlx: PACKAGE_EXEC, create: wrapper(PACKAGE) },
  yarn: { exec: PACKAGE_EXEC, dlx: PACKAGE_EXEC, create: wrapper(PACKAGE) },
  bun: { x: PACKAGE_EXEC, exec: wrapper({ ...OWN, joins: true }), create: wrapper(PACKAGE) },
  docker: DOCKER,
  podman: DOCKER,
  'docker-compose': { run: docker.composeRun, exec: docker.exec },
  kubectl: {
    exec: wrapper({
      ...AWAY,
      skip: 1,
      valued: '-c --container -n --namespace --pod-running-timeout -f --filename',
      plain: '-i --stdin -t --tty -q --quiet -it',
    }),
    run: wrapper({
      ...AWAY,
      skip: 1,
      interactive: true,
      valued: '--image -n --namespace --restart --env -l --labels --overrides --port',
      plain: '-i --stdin -t --tty --rm --command --attach -q --quiet',
      opens: '',
    }),
    debug: wrapper({
      ...AWAY,
      skip: 1,
      interactive: true,
      valued: '--image -c --container --target -n --namespace --copy-to',
      plain: '-i --stdin -t --tty --attach',
    }),
  },
  uv: {
    run: wrapper({
      ...OWN,
      valued:
        '--with -p --python --package --extra --group --no-group --only-group --project --env-file --index --index-url --default-index --refresh-package --no-extra',
      folder: '--directory',
      plain:
        '-q --quiet -v --verbose --locked --frozen --no-sync --isolated --all-extras --no-dev --dev --active --no-project --offline -n --no-cache --refresh --exact --all-groups',
      opens: '-m --module -s --script --gui-script --with-editable --with-requirements -w',
    }),
    'tool run': wrapper({
      ...PACKAGE,
      valued: '--from --with --python -p --index',
      plain: '-q --quiet -v --verbose --isolated --refresh --offline',
    }),
  },
  pipx: {
    run: wrapper({
      ...PACKAGE,
      valued: '--spec --python --pip-args --index-url -i',
      plain: '--no-cache --pypackages --verbose -v --quiet -q',
    }),
  },
  poetry: { run: wrapper(OWN) },
  pipenv: { run: wrapper(OWN) },
  hatch: { run: wrapper({ ...OWN, joins: true }) },
  rye: { run: wrapper(OWN) },
  conda: {
    run: wrapper({
      ...OWN,
      valued: '-n --name -p --prefix',
      folder: '--cwd',
      plain: '-v --verbose --no-capture-output --live-stream --dev --debug-wrapper-scripts',
    }),
  },
  bundle: { exec: wrapper({ ...OWN, valued: '--gemfile', plain: '--keep-file-descriptors' }) },
  rbenv: { exec: wrapper(OWN) },
  pyenv: { exec: wrapper(OWN) },
  asdf: { exec: wrapper(OWN) },
  fnm: { exec: wrapper({ ...OWN, valued: '--using' }) },
  volta: { run: wrapper({ ...OWN, valued: '--node --npm --pnpm --yarn --env', plain: '--bundled-npm --no-pnpm --no-yarn' }) },
  direnv: { exec: wrapper({ ...OWN, skip: 1 }) },
  lerna: {
    exec: wrapper({ ...OWN, valued: '--scope --ignore --concurrency', plain: '--stream --parallel --no-bail --no-prefix', joins: true }),
  },
  nix: {
    develop: wrapper({ ...OWN, opens: '-c --command', interactive: true, valued: '--profile', plain: '--impure' }),
    shell: wrapper({ ...OWN, opens: '-c --command', interactive: true, plain: '--impure' }),
    run: wrapper({ ...OWN, opens: '', interactive: true }),
  },
  flatpak: { run: wrapper({ ...AWAY, skip: 1, interactive: true, opens: '--command' }) },
  heroku: { run: wrapper({ ...AWAY, valued: '-a --app -s --size -r --remote -e --env', joins: true }) },
  doppler: { run: wrapper({ ...OWN, code: '--command', valued: '-p --project -c --config -t --token' }) },
  op: { run: wrapper({ ...OWN, valued: '--env-file --environment', plain: '--no-masking' }) },
};
/** Where the words in front of `--` are the program's own, wherever its options stand. */
const DASHED = new Set(['kubectl', 'doppler', 'op', 'mise', 'lerna']);
const MISE = wrapper({ ...OWN, code: '-c --command', valued: '-j --jobs', plain: '--raw' });

/** How a subcommand starts the command in its arguments; undefined when it does not. */
export function runnerOf(program: string, subcommand: string): { wrapper: Wrapper; dashed: boolean } | undefined {
  const subcommands = Object.hasOwn(TABLE, program) ? TABLE[program] : undefined;
  const found = program === 'mise' && /^(exec|x)$/.test(subcommand) ? MISE : undefined;
  const own = subcommands && Object.hasOwn(subcommands, subcommand) ? subcommands[subcommand] : found;
  return own && { wrapper: own, dashed: DASHED.has(program) };
}
