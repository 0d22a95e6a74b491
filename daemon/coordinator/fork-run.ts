/** Starts a run that goes on from another one, as that was before one of its events. What had ended there is not done again. */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Inheritance, InheritedStage, RunOrigin } from '../../shared/state/origin.ts';
import type { Run, Stage } from '../../shared/state/run.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Origin } from '../commands.ts';
import {
  applyRepositoryPolicies,
  isTrusted,
  listNotices,
  openConfiguration,
  openRepository,
  refuseStranger,
  type RunPorts,
} from './submit-run.ts';

export interface ForkPorts extends RunPorts {
  /** What the record says of a run before one of its events; undefined when it has no such event. */
  foldRun(run: string, event: string): Promise<State | undefined>;
  definition(digest: string): Promise<WorkflowDefinition>;
}

/** Starts the run; throws SignalboxError for every refusal. */
export async function forkRun(
  ports: ForkPorts,
  params: ValidParamsOf<'run/fork'>,
  origin: Origin,
): Promise<{ run: string; existing: boolean; notices: string[]; inherited: string[] }> {
  const { run: from, event } = params;
  const state = await ports.foldRun(from, event);
  const source = state?.runs.get(from);
  if (!state || !source) throw notThere(from, event, state !== undefined);
  if (source.merge && source.merge.state !== 'failed') {
    const message = `By ${event} the run had begun to merge, so nothing can go on from there. Choose an event before that.`;
    throw new SignalboxError({ code: 'invalid_transition', message, facts: { run: from, event } });
  }
  const definition = await ports.definition(source.workflow.digest);
  refuseStranger(definition, origin.principal);
  const { repo } = source;
  const notices = repo === undefined ? [] : await enterRepository(ports, repo);
  const policy = params.policy && (await keepPolicy(ports, params.id, params.policy));
  const inherited = inherit(state, source, { run: from, event, ...(policy ? { policy } : {}) });
  const { gitDir = '', commonDir = '', head, base = '', into, workflow, inputs } = source;
  const where = { gitDir, commonDir, base, ...(head === undefined ? {} : { head }), ...(into === undefined ? {} : { into }) };
  const result = await ports.submit(
    {
      type: 'run/start',
      run: params.id,
      workflow,
      inputs: { ...inputs },
      again: true,
      answering: { mode: params.approve },
      ...(repo === undefined ? {} : { repository: { repo, ...where } }),
      inherited,
    },
    origin,
  );
  if (!result.ok) throw new SignalboxError(result.refusal);
  return { run: params.id, existing: result.commit === undefined, notices, inherited: inherited.stages.map(({ id }) => id) };
}

/** Makes sure that the repository of the run can be worked on, and puts its policies into force; what there is to know of it. */
async function enterRepository(ports: RunPorts, path: string): Promise<string[]> {
  const info = await openRepository(ports, path);
  const configuration = await openConfiguration(ports, info);
  const trusted = isTrusted(ports, info, configuration);
  await applyRepositoryPolicies(ports, info.path, configuration, trusted);
  return listNotices(info, configuration, trusted);
}

function notThere(run: string, event: string, known: boolean): SignalboxError {
  const message = known
    ? `The record has not got how the run ${run} began any more, so nothing can go on from it.`
    : `The run ${run} has no event ${event}. \`signalbox events --run ${run}\` lists those it has.`;
  return new SignalboxError({ code: 'not_found', message, facts: { run, event } });
}

/** Puts the rules that were given into force for the new run, and into the store; throws SignalboxError invalid_policy. */
async function keepPolicy(
  { rulebook, keepSource }: RunPorts,
  run: string,
  { file, text }: { file: string; text: string },
): Promise<NonNullable<RunOrigin['policy']>> {
  const loaded = rulebook.loadForRun(run, { file, text, origin: 'user', trusted: true });
  if (loaded.ok) return { file, artifact: await keepSource(text) };
  throw new SignalboxError({ code: 'invalid_policy', message: `${file} does not load.`, facts: { problems: loaded.problems } });
}

function inherit(state: State, source: Run, origin: RunOrigin): Inheritance {
  const ended = [...(state.stages.get(source.id)?.values() ?? [])].filter(stageEnded);
  const ids = new Set(['', ...ended.map(({ id }) => id)]);
  const artifacts = [...(state.artifacts.get(source.id) ?? [])].filter(([, { stage, stale }]) => ids.has(stage) && !stale);
  const { turns, returns, earlier } = source;
  return {
    origin,
    ...(turns ? { turns } : {}),
    ...(returns ? { returns } : {}),
    ...(earlier ? { earlier } : {}),
    stages: ended.map((stage) => ({ id: stage.id, ...pickEnd(stage) })),
    artifacts: artifacts.map(([name, artifact]) => ({ name, ...artifact })),
  };
}

function pickEnd({ status, reason, values, code, skipped, commit, chosen, turn, again }: Stage): InheritedStage {
  return {
    status: status as InheritedStage['status'],
    reason,
    values,
    ...(code === undefined ? {} : { code }),
    ...(skipped === undefined ? {} : { skipped }),
    ...(commit === undefined ? {} : { commit }),
    ...(chosen === undefined ? {} : { chosen }),
    ...(turn === undefined ? {} : { turn }),
    ...(again === undefined ? {} : { again }),
  };
}
