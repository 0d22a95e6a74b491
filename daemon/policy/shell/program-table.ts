// Programs with subcommands: the options in front of the subcommand, and the subcommands where another word could be an alias.

/** The texts of a grammar; what is left out is empty. */
export interface GrammarTexts {
  valued?: string;
  plain?: string;
  opaque?: string;
  own?: string;
  scripts?: boolean;
  groups?: string;
  aliases?: string;
}

const GIT_OWN = `add am annotate apply archive backfill bisect blame branch bugreport bundle cat-file check-attr check-ignore check-mailmap check-ref-format checkout
  checkout-index cherry cherry-pick clean clone column commit commit-graph commit-tree config count-objects credential daemon describe diagnose diff diff-files
  diff-index diff-pairs diff-tree difftool fast-export fast-import fetch fetch-pack filter-branch for-each-ref for-each-repo format-patch fsck gc get-tar-commit-id
  grep gui hash-object help hook http-backend http-fetch http-push imap-send index-pack init init-db instaweb interpret-trailers lfs log ls-files ls-remote
  ls-tree mailinfo mailsplit maintenance merge merge-base merge-file merge-index merge-tree mergetool mktag mktree multi-pack-index mv name-rev notes
  pack-objects pack-redundant pack-refs patch-id prune prune-packed pull push range-diff read-tree rebase receive-pack reflog refs remote repack replace
  replay request-pull rerere reset restore rev-list rev-parse revert rm send-email send-pack shell shortlog show show-branch show-index show-ref
  sparse-checkout stage stash status stripspace submodule svn switch symbolic-ref tag unpack-file unpack-objects update-index update-ref
  update-server-info upload-archive upload-pack var verify-commit verify-pack verify-tag version whatchanged worktree write-tree`;
const NPM_ALIASES = `i=install in=install ins=install inst=install insta=install instal=install isnt=install isnta=install isntal=install isntall=install add=install
  t=test tst=test it=install-test cit=install-ci-test clean-install=ci ic=ci isntall-clean=ci install-clean=ci x=exec run-script=run rum=run urn=run
  un=uninstall unlink=uninstall remove=uninstall rm=uninstall r=uninstall up=update upgrade=update udpate=update
  ls=list la=list ll=list c=config ln=link s=search se=search find=search info=view show=view v=view create=init innit=init adduser=login add-user=login`;

/** Every known program with subcommands. */
export const PROGRAMS: Readonly<Record<string, GrammarTexts>> = {
  git: {
    valued: '-C --work-tree --namespace --super-prefix --list-cmds --attr-source',
    plain: `-p -P --paginate --no-pager --no-replace-objects --no-lazy-fetch --no-advice --bare --literal-pathspecs --glob-pathspecs --noglob-pathspecs
      --icase-pathspecs --no-optional-locks --version --help -v -h --html-path --man-path --info-path`,
    // Another git directory has settings of its own, which run what they like.
    opaque: '--config-env --exec-path --git-dir',
    own: GIT_OWN,
  },
  npm: {
    valued: '-C --prefix -w --workspace --registry --cache --loglevel --userconfig --globalconfig --otp --tag',
    plain: `-s --silent -g --global -q --quiet -d -dd -ddd --verbose --json --offline --prefer-offline --workspaces -ws --if-present --ignore-scripts --no-audit --no-fund
      --include-workspace-root -version -v --version --help -h --no-color --color --force -f --production -y --yes`,
    opaque: '--script-shell --node-options --shell --git --editor --viewer --init-module --prefix-script',
    aliases: NPM_ALIASES,
  },
  pnpm: {
    valued:
      '-C --dir -F --filter --filter-prod --config --loglevel --reporter --store-dir --workspace-concurrency --test-pattern --changed-files-ignore-pattern',
    plain: `-r --recursive -s --silent -w --workspace-root --stream --parallel --if-present --no-bail --aggregate-output --offline --color --no-color -v --version -h --help --use-stderr -D -P
      --ignore-scripts --frozen-lockfile --sequential --yes -y --include-workspace-root --fail-if-no-match`,
    opaque: '--script-shell --node-options --shell-emulator -c --shell-mode',
    own: `access add approve-builds audit bin cache cat-file cat-index ci config create dedupe deploy deprecate dist-tag dlx doctor env exec fetch find-hash help ignored-builds import init install install-test licenses
      link list login logout outdated owner pack patch patch-commit patch-remove ping prefix prune publish rebuild remove root run search self-update server setup star store test uninstall unlink unpublish update
      version view whoami why start restart stop`,
    scripts: true,
    aliases:
      'i=install it=install-test rm=remove un=remove uninstall=remove up=update upgrade=update t=test tst=test run-script=run ls=list la=list ll=list rb=rebuild ln=link x=exec c=config info=view show=view',
  },
  yarn: {
    valued: '--cwd --cache-folder --modules-folder --network-timeout --mutex --registry --use-yarnrc',
    plain:
      '-s --silent --verbose --offline --json --ignore-scripts --frozen-lockfile --immutable --non-interactive --production --prod --no-progress --ignore-engines -v --version -h --help',
    opaque: '--script-shell',
    own: `add audit autoclean bin cache check config constraints create dedupe dlx exec explain generate-lock-entry global help import info init install licenses link list login logout node npm outdated owner pack patch
      patch-commit plugin policies prune publish rebuild remove run search set stage start tag team test unlink unplug unpublish up upgrade upgrade-interactive version versions why workspace workspaces`,
    scripts: true,
    aliases: 'install=install run-script=run upgrade-interactive=upgrade-interactive',
  },
  bun: {
    valued: '--cwd --config -c --filter --env-file -p --port',
    plain: '--silent --bun -b --smol --watch --hot -v --version -h --help --verbose --if-present',
    opaque: '-r --preload --require --import -e --eval --print --shell --inspect',
    own: 'add audit build create exec info init install link outdated patch pm publish remove repl run test unlink update upgrade why x',
    scripts: true,
    aliases: 'i=install a=add rm=remove c=create',
  },
  docker: {
    valued: '-c --context -H --host -l --log-level --config --tlscacert --tlscert --tlskey',
    plain: '-D --debug --tls --tlsverify -v --version -h --help',
    groups:
      'builder buildx checkpoint compose config container context image manifest network node plugin scout secret service stack swarm system trust volume model mcp',
  },
  podman: {
    valued:
      '-c --connection --url --identity --log-level --root --runroot --storage-driver --storage-opt --tmpdir --cgroup-manager --events-backend --network-cmd-path --ssh',
    plain: '-r --remote --syslog --noout -v --version -h --help',
    opaque: '--hooks-dir --conmon --runtime --runtime-flag --module',
    groups: 'compose container generate image kube machine manifest network play pod secret system volume',
  },
  'docker-compose': {
    valued: '-f --file -p --project-name --profile --env-file --project-directory --parallel --ansi --progress -c --context -H --host',
    plain: '--compatibility --dry-run --all-resources -v --version -h --help --verbose',
  },
  cargo: {
    valued: '-C --color -Z --target-dir',
    plain: '-q --quiet -v --verbose -vv --locked --offline --frozen --list -V --version -h --help',
    opaque: '--config',
    own: `add bench build check clean clippy config doc fetch fix fmt generate-lockfile help info init install locate-project login logout metadata miri new owner package pkgid publish
      read-manifest remove report run rustc rustdoc search test tree uninstall update vendor verify-project version yank nextest`,
    aliases: 'b=build c=check d=doc r=run t=test rm=remove',
  },
  go: { valued: '-C', plain: '', groups: 'mod work tool' },
  pip: {
    valued:
      '--log --proxy --retries --timeout --exists-action --trusted-host --cert --client-cert --cache-dir --keyring-provider --use-feature --use-deprecated',
    plain:
      '--debug --isolated --require-virtualenv -v --verbose -q --quiet --no-input --no-cache-dir --disable-pip-version-check --no-color --no-python-version-warning -V --version -h --help',
    opaque: '--python',
  },
  uv: {
    valued: '--cache-dir --color --directory --project --allow-insecure-host --native-tls',
    plain:
      '-q --quiet -v --verbose --offline --no-progress -n --no-cache --no-config --managed-python --no-managed-python -V --version -h --help --no-python-downloads',
    opaque: '--config-file --python',
    groups: 'pip tool python cache self auth',
  },
  poetry: {
    valued: '-C --directory -P --project',
    plain: '-q --quiet -v -vv -vvv --verbose --ansi --no-ansi -n --no-interaction --no-plugins --no-cache -V --version -h --help',
    groups: 'cache config env self source debug',
  },
  kubectl: {
    valued: `-n --namespace --context --cluster --user -s --server --token --as --as-group --as-uid --request-timeout -v --v --cache-dir --certificate-authority
      --client-certificate --client-key --tls-server-name --profile --profile-output --vmodule --password --username`,
    plain: '--insecure-skip-tls-verify --match-server-version --warnings-as-errors --disable-compression -h --help',
    opaque: '--kubeconfig --kuberc',
    groups: 'auth certificate config create rollout set top apply plugin kustomize',
  },
  helm: {
    valued:
      '-n --namespace --kube-context --kube-apiserver --kube-token --registry-config --repository-cache --repository-config --burst-limit --qps',
    plain: '--debug -h --help',
    opaque: '--kubeconfig',
    groups: 'dependency get plugin registry repo search show',
  },
  gh: {
    valued: '-R --repo --hostname',
    plain: '--version --help -h',
    own: `alias api attestation auth browse cache co codespace completion config extension gist gpg-key issue label org pr preview project release repo ruleset run search secret ssh-key status
      variable workflow help accessibility agent-task copilot`,
    groups: `alias attestation auth cache codespace config extension gist gpg-key issue label org pr preview project release repo ruleset run search secret ssh-key variable workflow`,
    aliases: 'extensions=extension ext=extension cs=codespace',
  },
  glab: {
    valued: '-R --repo',
    plain: '--version --help -h',
    groups: 'alias auth ci cluster config incident issue job label mr release repo schedule snippet ssh-key token user variable',
  },
  apt: {
    valued: '-t --target-release -a --host-architecture',
    plain:
      '-y --yes --assume-yes -q -qq --quiet -s --simulate -d --download-only -f --fix-broken -m --no-install-recommends --install-suggests --allow-downgrades -V -v --version -h --help',
    opaque: '-o --option -c --config-file',
  },
  systemctl: {
    valued:
      '-t --type --state -p --property -P -H --host -M --machine -n --lines -o --output --job-mode -s --signal --kill-whom --root --what',
    plain:
      '-a --all -l --full -q --quiet --user --system --global --runtime --now --no-pager --no-legend --no-block --no-wall --no-ask-password -f --force --plain --failed --version -h --help -r --recursive --wait --show-types --value',
  },
  terraform: { valued: '-chdir', plain: '-version --version -v -help --help -h', groups: 'state workspace providers metadata' },
  aws: {
    valued:
      '--profile --region --output --endpoint-url --query --color --ca-bundle --cli-read-timeout --cli-connect-timeout --cli-binary-format',
    plain: '--debug --no-verify-ssl --no-paginate --no-sign-request --no-cli-pager --version --cli-auto-prompt --no-cli-auto-prompt',
    groups: '*',
  },
  gcloud: {
    valued: '--account --billing-project --configuration --format --project --verbosity --region --zone',
    plain: '-q --quiet --log-http --version -h --help --user-output-enabled',
    opaque: '--flags-file',
    groups: '*',
  },
  brew: {
    valued: '',
    plain: '-v --verbose -q --quiet -d --debug -h --help --version',
    aliases: 'rm=uninstall remove=uninstall up=update ls=list ln=link',
    groups: 'services tap-new bundle',
  },
  gem: { valued: '--config-file', plain: '-v --version -h --help --backtrace --debug --norc' },
  bundle: { valued: '-r --retry', plain: '--no-color -V --verbose -v --version -h --help' },
  composer: {
    valued: '-d --working-dir',
    plain:
      '-q --quiet -n --no-interaction -v -vv -vvv --profile --no-plugins --no-scripts --no-cache --ansi --no-ansi -V --version -h --help',
  },
  dotnet: { plain: '-d --diagnostics --info --list-sdks --list-runtimes --version -h --help', groups: 'tool nuget sln workload new' },
  hg: {
    valued: '-R --repository --cwd --encoding --encodingmode --color --pager',
    plain: '-q --quiet -v --verbose -y --noninteractive --debug --traceback --time --profile --version --hidden -h --help',
    opaque: '--config --debugger',
  },
  svn: {
    valued: '--username --password --config-dir',
    plain: '-q --quiet --no-auth-cache --non-interactive --version -h --help',
    opaque: '--config-option --diff-cmd --diff3-cmd --editor-cmd',
  },
  deno: { plain: '-q --quiet -h --help -V --version' },
  conda: { plain: '--no-plugins -v --verbose -h --help -V --version', groups: 'env' },
  nix: {
    valued: '--extra-experimental-features --log-format --option',
    plain: '-L --print-build-logs -v --verbose --offline --refresh --debug --quiet --version --help',
    groups: 'flake profile store registry derivation path-info config',
  },
  pipx: { plain: '-q --quiet -v --verbose --version -h --help' },
  hatch: { valued: '-e --env -p --project', plain: '-v --verbose -q --quiet' },
  rye: {},
  rbenv: {},
  pyenv: {},
  mise: { valued: '-C --cd -E --env -j --jobs', plain: '-q --quiet -v --verbose -y --yes' },
  asdf: {},
  direnv: {},
  lerna: { valued: '--scope --ignore --concurrency', plain: '--no-private --stream --parallel' },
  flatpak: { plain: '--user --system -v --verbose' },
  volta: { plain: '--verbose --quiet' },
  fnm: {},
  heroku: {},
  doppler: {},
  op: {},
};
