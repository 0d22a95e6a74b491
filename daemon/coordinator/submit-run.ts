/** From what a client asks for to a run: the repository as it is, the workflow, the policies, the inputs. Everything is checked before anything is recorded. */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Command, CommandOf, CommandResult, Origin } from '../commands.ts';
import type { PolicySource } from '../policy/load.ts';
import type { RepoInfo } from '../workspace/inspect.ts';
import type { RepoWithPath } from '../workspace/merge.ts';
import { bindInputs } from '../workflow/inputs.ts';
import type { OtherWorkflows } from '../workflow/load-call.ts';
import { type ContinuePorts, findContinued } from './continue-run.ts';
import { explain } from './merges.ts';
import type { Rulebook } from './rulebook.ts';

/** What `.signalbox/` of a repository holds. */
export interface Configuration {
  /** Hash over all of its files; empty when there is none. */
  digest: string;
  files: string[];
  policies: { file: string; text: string }[];
  workflows: { file: string; name: string; text: string }[];
}

export interface RunPorts extends ContinuePorts {
  rulebook: Rulebook;
  inspectRepo(path: string): Promise<RepoInfo>;
  readBranch(repo: RepoWithPath, branch: string): Promise<string>;
  /** The commit that a branch, tag or commit names, or undefined. */
  readCommit(repo: RepoWithPath, revision: string): Promise<string | undefined>;
  /** What the trusted configuration of a repository wants work to start from, if it says so. */
  baseOf(repo: string): Promise<string | undefined>;
  /** Reads `.signalbox/` of the main checkout that a repository belongs to; bounded, follows no links. */
  readConfiguration(repo: RepoInfo): Promise<Configuration>;
  builtinWorkflow(name: string): { file: string; text: string } | undefined;
  /** Stores a definition under the digest of its JSON, and remembers it. */
  keepDefinition(definition: WorkflowDefinition): Promise<string>;
  readSource(digest: string): Promise<string>;
  /** Records what is in force in a repository, or of the host for an empty name. */
  policiesLoaded(repo: string): Promise<void>;
  trustedDigest(repo: string): string | undefined;
  hash(text: string): string;
  submit(command: Command, origin: Origin): Promise<CommandResult>;
}

type Params = ValidParamsOf<'run/start'>;
/** The principal of the endpoint file's token. */
const USER = 'user';

/** Starts a run; throws SignalboxError for every refusal. */
export async function submitRun(
  ports: RunPorts,
  params: Params,
  origin: Origin,
): Promise<{ run: string; existing: boolean; notices: string[] }> {
  const earlier = params.continues === undefined ? undefined : await findContinued(ports, params.continues);
  const path = params.repo ?? earlier?.repo;
  const info = path === undefined ? undefined : await openRepository(ports, path);
  if (earlier && info?.path !== earlier.repo) throw refuseOtherRepository(earlier.repo, info?.path);
  const configuration = info && (await openConfiguration(ports, info));
  const trusted = info !== undefined && isTrusted(ports, info, configuration);
  const { definition, text, called } = await readWorkflow(ports, params, configuration, trusted);
  for (const one of [definition, ...called]) refuseStranger(one, origin.principal);
  const inputs = checkInputs(definition, params.inputs);
  if (info && configuration) await applyRepositoryPolicies(ports, info.path, configuration, trusted);
  // What goes on does so from where it was left.
  const base = earlier?.base ?? params.base ?? definition.base;
  const repository = info && (await describeRepository(ports, info, { into: params.into, base }));
  for (const one of called) await ports.keepDefinition(one);
  const digest = await ports.keepDefinition(definition);
  const workflow = { name: definition.workflow, version: definition.version, digest, source: await ports.keepSource(text) };
  const result = await ports.submit(
    {
      type: 'run/start',
      run: params.id,
      workflow,
      inputs,
      again: params.again,
      answering: readAnswering(params),
      ...(earlier ? { continues: earlier.continues } : {}),
      ...(repository ? { repository } : {}),
    },
    origin,
  );
  if (!result.ok) throw new SignalboxError(result.refusal);
  return { run: params.id, existing: result.commit === undefined, notices: info ? listNotices(info, configuration, trusted) : [] };
}

function refuseOtherRepository(repo: string, given = ''): SignalboxError {
  const message = `The run to go on from worked in ${repo}, not in ${given}. Leave the repository out.`;
  return new SignalboxError({ code: 'invalid_params', message, facts: { repo } });
}

function repositoryProblem(reason: string, message: string, facts: Record<string, unknown> = {}): SignalboxError {
  return new SignalboxError({ code: 'repository', message, facts: { ...facts, reason } });
}

/** Whether the `.signalbox/` of a repository is what somebody trusted. */
export function isTrusted(ports: Pick<RunPorts, 'trustedDigest'>, info: RepoInfo, configuration: Configuration | undefined): boolean {
  return configuration !== undefined && configuration.digest !== '' && ports.trustedDigest(info.path) === configuration.digest;
}

export async function openRepository(ports: RunPorts, path: string): Promise<RepoInfo> {
  let info: RepoInfo;
  try {
    info = await ports.inspectRepo(path);
  } catch (error) {
    const { code, message } = explain(error);
    throw repositoryProblem(code, message, { path });
  }
  if (info.head.commit === undefined) {
    throw repositoryProblem('repository_empty', `${info.path} has no commit yet, so there is nothing to look at. Commit something first.`, {
      path,
    });
  }
  return info;
}

export async function openConfiguration(ports: RunPorts, info: RepoInfo): Promise<Configuration> {
  try {
    return await ports.readConfiguration(info);
  } catch (error) {
    const { code, message } = explain(error);
    throw repositoryProblem(code, message, { path: info.path });
  }
}

export async function describeRepository(
  ports: RunPorts,
  info: RepoInfo,
  { into, base: named }: { into?: string | undefined; base?: string | undefined },
) {
  const { path: repo, gitDir, commonDir, head } = info;
  const place = { gitDir, commonDir, path: repo };
  const tip = into === undefined ? undefined : await readTarget(ports, place, into);
  const wanted = named ?? (await ports.baseOf(repo));
  const start = wanted === undefined ? undefined : await ports.readCommit(place, wanted);
  if (wanted !== undefined && start === undefined)
    throw repositoryProblem('base_missing', `${wanted}, from which the work is to start, names no commit in ${repo}.`, { base: wanted });
  // Else the run starts from the branch that it is to be merged into, so that its diff is its own work only.
  const base = start ?? tip ?? head.commit ?? '';
  return {
    repo,
    gitDir,
    commonDir,
    base,
    ...(head.branch === undefined ? {} : { head: head.branch }),
    ...(into === undefined ? {} : { into }),
  };
}

async function readTarget(ports: RunPorts, place: RepoWithPath, into: string): Promise<string> {
  try {
    return await ports.readBranch(place, into);
  } catch (error) {
    const { code, message } = explain(error);
    throw repositoryProblem(code, message, { branch: into });
  }
}

/** The workflow that somebody chose; throws SignalboxError with every problem of its file. */
export async function readWorkflow(
  ports: RunPorts,
  params: Pick<Params, 'workflow'>,
  configuration: Configuration | undefined,
  trusted: boolean,
): Promise<{ definition: WorkflowDefinition; text: string; called: WorkflowDefinition[] }> {
  const chosen = params.workflow;
  const source = 'file' in chosen ? chosen : findWorkflow(ports, chosen.name, configuration, trusted);
  const parts = 'file' in chosen ? chosen.parts : undefined;
  const others = othersIn(ports, configuration, trusted);
  // What reads workflow files is loaded with the first one: the shapes of all that they may say cost a start too much.
  const { loadWorkflow } = await import('../workflow/load.ts');
  const loaded = loadWorkflow({ text: source.text, file: source.file, parts, others });
  if (loaded.ok) return { definition: loaded.definition, text: source.text, called: loaded.called };
  const first = loaded.problems[0];
  const message = `${source.file} has ${loaded.problems.length} problem${loaded.problems.length === 1 ? '' : 's'}${first ? `; the first: ${first.line}:${first.column}: ${first.message}` : ''}`;
  throw new SignalboxError({ code: 'invalid_workflow', message, facts: { problems: loaded.problems } });
}

/** The workflows that one may run: those of the repository, where they are trusted, and those that come with the program. */
export function othersIn(
  ports: Pick<RunPorts, 'builtinWorkflow' | 'hash'>,
  configuration: Configuration | undefined,
  trusted: boolean,
): OtherWorkflows {
  const own = trusted ? (configuration?.workflows ?? []) : [];
  return {
    names: own.map(({ name }) => name),
    find: (name) => own.find((one) => one.name === name) ?? ports.builtinWorkflow(name),
    hash: ports.hash,
  };
}

function findWorkflow(
  ports: RunPorts,
  name: string,
  configuration: Configuration | undefined,
  trusted: boolean,
): { file: string; text: string } {
  const own = configuration?.workflows.find((w) => w.name === name);
  if (own && trusted) return own;
  const builtin = ports.builtinWorkflow(name);
  if (builtin) return builtin;
  if (own) {
    const message = `${own.file} comes from the repository, and nobody has trusted its .signalbox/. Look at it, then run \`signalbox trust\`.`;
    throw new SignalboxError({ code: 'not_trusted', message, facts: { file: own.file, digest: configuration?.digest } });
  }
  throw new SignalboxError({
    code: 'not_found',
    message: `There is no workflow ${name}. Name a built-in one (checkup), one in .signalbox/workflows/, or a path to a file.`,
    facts: { workflow: name },
  });
}

/** A workflow may name who starts it by hand: principals, or `human` for the person whose daemon this is. */
export function refuseStranger({ trigger, workflow }: WorkflowDefinition, principal: string): void {
  if (trigger?.kind !== 'manual' || trigger.authorized.length === 0) return;
  if (trigger.authorized.includes(principal) || (principal === USER && trigger.authorized.includes('human'))) return;
  const message = `${workflow} is started by ${trigger.authorized.join(' or ')}, not by ${principal}.`;
  throw new SignalboxError({ code: 'forbidden', message, facts: { workflow, authorized: trigger.authorized } });
}

/** The inputs of a run with its defaults; throws SignalboxError for one that is unknown, missing or of another type. */
export function checkInputs(
  definition: Pick<WorkflowDefinition, 'workflow' | 'inputs'>,
  given: Record<string, unknown>,
): Record<string, unknown> {
  const bound = bindInputs(definition.inputs, given, definition.workflow);
  if (bound.ok) return bound.inputs;
  throw new SignalboxError({ code: 'invalid_params', message: bound.message, facts: { input: bound.input } });
}

/** Puts a repository's policies into force, and into the record; throws SignalboxError invalid_policy with every problem. */
export async function applyRepositoryPolicies(
  ports: Pick<RunPorts, 'rulebook' | 'policiesLoaded'>,
  repo: string,
  configuration: Configuration,
  trusted: boolean,
): Promise<void> {
  const sources = configuration.policies.map(({ file, text }): PolicySource => ({ file, text, origin: 'repository', trusted }));
  const loaded = ports.rulebook.load(repo, sources);
  if (loaded.ok) return ports.policiesLoaded(repo);
  const message = `The repository's policies have ${loaded.problems.length} problem${loaded.problems.length === 1 ? '' : 's'}, so nothing can be decided there.`;
  throw new SignalboxError({ code: 'invalid_policy', message, facts: { problems: loaded.problems } });
}

export function listNotices(info: RepoInfo, configuration: Configuration | undefined, trusted: boolean): string[] {
  const { changed, untracked } = info.dirty;
  const dirty = changed + untracked;
  return [
    ...(dirty > 0
      ? [
          `${dirty} uncommitted change${dirty === 1 ? '' : 's'} in ${info.path} ${dirty === 1 ? 'is' : 'are'} not looked at and not touched: the run works on commits.`,
        ]
      : []),
    ...(info.submodules.length > 0
      ? [`Submodules are not looked at: ${info.submodules.slice(0, 5).join(', ')}${info.submodules.length > 5 ? ', …' : ''}.`]
      : []),
    ...(configuration && configuration.digest !== '' && !trusted
      ? [
          'The repository brings its own .signalbox/, which nobody has trusted: only its deny and ask rules count. `signalbox trust` shows it.',
        ]
      : []),
  ];
}

function readAnswering({ approve, deadlineMs }: Params): NonNullable<CommandOf<'run/start'>['answering']> {
  return { mode: approve, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
}
