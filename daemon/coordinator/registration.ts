/** Which triggers there are: those that a person adds, and those of the repositories that are trusted. */
import { isAbsolute } from 'node:path';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { TriggerDefinition } from '../../shared/state/trigger-definition.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { CommandOf, Origin } from '../commands.ts';
import { checkInputs, isTrusted, openConfiguration, openRepository, othersIn, readWorkflow, type RunPorts } from './submit-run.ts';

export interface RegistrationParts {
  ports: RunPorts;
  state: State;
  hash(text: string): string;
  /** Hears why triggers of a repository are not registered. */
  problem(trigger: string, message: string): void;
}

/** A workflow whose triggers are registered, and for what. */
interface Registering {
  definition: WorkflowDefinition;
  text: string;
  /** The workflows that it runs. */
  called: readonly WorkflowDefinition[];
  origin: RegisteredTrigger['origin'];
  repo?: string | undefined;
  into?: string | undefined;
  inputs: Record<string, unknown>;
}

/** Registers the triggers of a workflow that somebody named; throws SignalboxError for every refusal. */
export async function addTriggers(parts: RegistrationParts, params: ValidParamsOf<'trigger/add'>, origin: Origin): Promise<string[]> {
  const { ports } = parts;
  const info = params.repo === undefined ? undefined : await openRepository(ports, params.repo);
  const configuration = info && (await openConfiguration(ports, info));
  const { definition, text, called } = await readWorkflow(
    ports,
    params,
    configuration,
    info !== undefined && isTrusted(ports, info, configuration),
  );
  if (!definition.triggers?.length) {
    const message = `${definition.workflow} has no triggers. Write some under \`triggers:\`, or start it by hand with \`signalbox run\`.`;
    throw new SignalboxError({ code: 'invalid_params', message, facts: { workflow: definition.workflow } });
  }
  const { into, inputs } = params;
  if (info && into !== undefined) await ports.readBranch({ ...info, path: info.path }, into).catch(() => refuseBranch(info.path, into));
  return register(parts, { definition, text, called, origin: 'user', repo: info?.path, into, inputs }, origin);
}

function refuseBranch(path: string, branch: string): never {
  throw new SignalboxError({
    code: 'repository',
    message: `${path} has no branch ${branch}.`,
    facts: { reason: 'branch_missing', branch },
  });
}

/** Registers what the workflows of a repository say once it is trusted, and removes what they no longer say. */
export async function syncRepository(parts: RegistrationParts, path: string, origin: Origin): Promise<void> {
  const { ports, state } = parts;
  const info = await openRepository(ports, path);
  const configuration = await openConfiguration(ports, info);
  const wanted = isTrusted(ports, info, configuration) ? configuration.workflows : [];
  const kept = new Set<string>();
  const { loadWorkflow } = await import('../workflow/load.ts');
  for (const { file, text } of wanted) {
    const loaded = loadWorkflow({ file, text, others: othersIn(ports, configuration, true) });
    if (!loaded.ok || !loaded.definition.triggers?.length) continue;
    const { definition, called } = loaded;
    try {
      for (const id of await register(parts, { definition, text, called, origin: 'repository', repo: info.path, inputs: {} }, origin))
        kept.add(id);
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error;
      parts.problem(definition.workflow, error.message);
    }
  }
  const gone = [...state.triggers.values()].filter((one) => one.origin === 'repository' && one.repo === info.path && !kept.has(one.id));
  const reason = wanted.length === 0 ? 'The repository is not trusted any more.' : 'Its workflow does not have it any more.';
  for (const { id } of gone) await ports.submit({ type: 'trigger/remove', trigger: id, by: origin.principal, reason }, origin);
}

async function register({ ports, state, hash }: RegistrationParts, what: Registering, origin: Origin): Promise<string[]> {
  const { definition, text, repo, into, inputs } = what;
  for (const trigger of definition.triggers ?? []) {
    checkGiven(definition, trigger, inputs);
    if (repo === undefined && (trigger.kind === 'files' || (trigger.kind === 'folder' && !isAbsolute(trigger.folder)))) {
      const message = `The trigger ${trigger.id} looks at files, so it needs a repository: --repo.`;
      throw new SignalboxError({ code: 'invalid_params', message, facts: { trigger: trigger.id } });
    }
  }
  for (const one of what.called) await ports.keepDefinition(one);
  const { workflow: name, version } = definition;
  const workflow = { name, version, digest: await ports.keepDefinition(definition), source: await ports.keepSource(text) };
  const ids = (definition.triggers ?? []).map(({ id }) => triggerId({ name, id, repo }, hash));
  const commands = (definition.triggers ?? []).map((one, i): CommandOf<'trigger/register'> => {
    const where = { ...(repo === undefined ? {} : { repo }), ...(into === undefined ? {} : { into }) };
    return {
      type: 'trigger/register',
      trigger: ids[i] ?? '',
      workflow,
      definition: one,
      origin: what.origin,
      ...where,
      inputs,
      by: origin.principal,
    };
  });
  for (const command of commands) {
    const result = await ports.submit(command, origin);
    if (!result.ok) throw new SignalboxError(result.refusal);
  }
  const before = [...state.triggers.values()].filter(
    (one) => one.workflow.name === name && one.repo === repo && one.origin === what.origin,
  );
  for (const { id } of before.filter((one) => !ids.includes(one.id)))
    await ports.submit(
      { type: 'trigger/remove', trigger: id, by: origin.principal, reason: 'Its workflow does not have it any more.' },
      origin,
    );
  return ids;
}

/** The same trigger of the same workflow for the same repository has the same id, whenever it is registered. */
function triggerId({ name, id, repo }: { name: string; id: string; repo: string | undefined }, hash: (text: string) => string): string {
  return `${name}.${id}${repo === undefined ? '' : `-${hash(repo).slice(0, 6)}`}`;
}

/** What the run needs must come from the trigger, from whoever adds it, or from a default. */
function checkGiven(definition: WorkflowDefinition, trigger: TriggerDefinition, given: Record<string, unknown>): void {
  const unknown = Object.keys(trigger.inputs).find((name) => !Object.hasOwn(definition.inputs, name));
  if (unknown !== undefined)
    throw new SignalboxError({
      code: 'invalid_params',
      message: `The trigger ${trigger.id} gives the input ${unknown}, which ${definition.workflow} does not have.`,
    });
  const promised = Object.keys(trigger.inputs).filter((name) => !Object.hasOwn(given, name));
  const rest = Object.fromEntries(Object.entries(definition.inputs).filter(([name]) => !promised.includes(name)));
  try {
    checkInputs({ workflow: definition.workflow, inputs: rest }, given);
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error;
    throw new SignalboxError({ code: 'invalid_params', message: `The trigger ${trigger.id}: ${error.message}`, facts: error.facts });
  }
}
