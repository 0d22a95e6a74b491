/**
 * What a run would do and be asked: the order, who would get each stage, and what the policies say about each action that is known.
 * Nothing is started, stored or recorded.
 */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { PlannedAction, PlannedStage, RunPlan } from '../../shared/protocol/views.ts';
import type { Action } from '../../shared/state/action.ts';
import { contextOf } from '../../shared/state/decision-context.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Run } from '../../shared/state/run.ts';
import { isPresent, listReferences, parseReference, parseWholeTemplate } from '../../shared/state/workflow.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Origin } from '../commands.ts';
import { chooseAgent, sayNobody } from '../workflow/agents.ts';
import { evaluateWorkflowCondition } from '../workflow/condition.ts';
import { depthsOf } from '../workflow/graph.ts';
import { listPeople } from '../workflow/parts.ts';
import { fill, fillSelection, resolveReference } from '../workflow/submit.ts';
import type { Ports } from './ports.ts';
import { proposeKnown } from './prepare.ts';
import type { EffectContext } from './reactor.ts';
import {
  applyRepositoryPolicies,
  checkInputs,
  describeRepository,
  isTrusted,
  listNotices,
  openConfiguration,
  openRepository,
  readWorkflow,
  refuseStranger,
  type RunPorts,
} from './submit-run.ts';

interface PlanParts {
  ports: Ports;
  runPorts: RunPorts;
  state: State;
  now(): number;
  taskTimeoutMs: number;
}

/** Plans a run; throws SignalboxError for what would refuse it, but that the caller may not start it. */
export async function planRun(parts: PlanParts, params: ValidParamsOf<'run/plan'>, origin: Origin): Promise<RunPlan> {
  const { runPorts } = parts;
  const info = params.repo === undefined ? undefined : await openRepository(runPorts, params.repo);
  const configuration = info && (await openConfiguration(runPorts, info));
  const trusted = info !== undefined && isTrusted(runPorts, info, configuration);
  const { definition, called } = await readWorkflow(runPorts, params, configuration, trusted);
  const inputs = checkInputs(definition, params.inputs);
  if (info && configuration) await applyRepositoryPolicies(runPorts, info.path, configuration, trusted);
  const repository = info && (await describeRepository(runPorts, info, { into: params.into, base: definition.base }));
  const run: Run = {
    id: 'plan',
    ...repository,
    workflow: { name: definition.workflow, version: definition.version, digest: '' },
    inputs,
    principal: origin.principal,
    status: 'running',
    summary: '',
    submittedAt: new Date(parts.now()).toISOString(),
  };
  const by = new Map(called.map((one) => [runPorts.hash(JSON.stringify(one)), one]));
  const notices = info ? listNotices(info, configuration, trusted) : [];
  return {
    definition,
    inputs,
    start: mayStart([definition, ...called], origin),
    notices,
    stages: await planStages(parts, { run, definition, by }),
  };
}

function mayStart(definitions: readonly WorkflowDefinition[], { principal }: Origin): RunPlan['start'] {
  try {
    for (const one of definitions) refuseStranger(one, principal);
    return { allowed: true, why: '' };
  } catch (error) {
    if (error instanceof SignalboxError) return { allowed: false, why: error.message };
    throw error;
  }
}

interface Subject {
  run: Run;
  definition: WorkflowDefinition;
  /** The workflows that stages run, by their digests. */
  by: ReadonlyMap<string, WorkflowDefinition>;
}

async function planStages(parts: PlanParts, subject: Subject): Promise<PlannedStage[]> {
  const depths = depthsOf(subject.definition);
  const ordered = subject.definition.stages.toSorted((a, b) => (depths.get(a.id) ?? 0) - (depths.get(b.id) ?? 0));
  const planned: PlannedStage[] = [];
  // One after the other: paths of commands are looked up with git.
  for (const def of ordered) {
    const work = def.matrix ? { ...def.matrix.each, id: def.id } : def;
    const who = chooseWho(parts, subject, work);
    const runs = await planCall(parts, subject, work);
    const actions = await planActions(parts, subject, { def, work, agent: who.agent });
    const skipped = whySkipped(parts.state, subject.run, def);
    planned.push({ stage: def.id, step: (depths.get(def.id) ?? 0) + 1, ...who, skipped, actions, ...(runs ? { runs } : {}) });
  }
  return planned;
}

/** The plan of the workflow that a stage runs, with the inputs that are known beforehand. */
async function planCall(parts: PlanParts, subject: Subject, { call }: StageDefinition): Promise<RunPlan | undefined> {
  const definition = call && subject.by.get(call.digest);
  if (!call || !definition) return undefined;
  const { state } = parts;
  const defaults = Object.entries(call.takes).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const given = Object.entries(call.inputs).filter(([, value]) => isKnown(subject.run, value));
  const known = given.map(([name, value]) => [name, readKnown(state, subject.run, value)] as const);
  const inputs = Object.fromEntries([...defaults, ...known]);
  const workflow = { name: call.workflow, version: call.version, digest: call.digest };
  const stages = await planStages(parts, { ...subject, definition, run: { ...subject.run, workflow, inputs } });
  return { definition, inputs, start: { allowed: true, why: '' }, notices: [], stages };
}

/** True when all that a text refers to is an input of the run, so that it is known before anything has run. */
function isKnown(run: Run, value: unknown): boolean {
  if (typeof value !== 'string') return true;
  const whole = parseWholeTemplate(value);
  const references = whole ? [whole] : listReferences(value);
  return references.every(({ stage, value: name }) => (stage === 'inputs' || stage === 'context') && Object.hasOwn(run.inputs, name));
}

function readKnown(state: State, run: Run, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const whole = parseWholeTemplate(value);
  return whole ? resolveReference(state, run, whole) : fill(state, run, value);
}

/** Who would get the work now, or why nobody can take it. */
function chooseWho(
  { state, taskTimeoutMs }: PlanParts,
  { run, definition }: Subject,
  work: StageDefinition,
): { agent: string; waits: string } {
  const nobody = { agent: '', waits: '' };
  if (work.agent === undefined && !work.select) return nobody;
  const { role, capabilities = [], tags = [] } = work.select ?? {};
  if (![role ?? '', ...capabilities, ...tags].every((text) => isKnown(run, text))) return nobody;
  const wanted = fillSelection({ state, run, definition, settings: { taskTimeoutMs } }, work);
  const agent = chooseAgent(state, wanted);
  if (agent !== undefined) return { agent, waits: '' };
  return { agent: '', waits: sayNobody(state, wanted) };
}

/** Why a stage would be left out, where that follows from the inputs alone. */
function whySkipped(state: State, run: Run, def: StageDefinition): string {
  if (def.merge && run.into === undefined) return 'No branch to merge into was named.';
  const absent = def.when.find(({ value }) => {
    const reference = parseReference(value);
    return reference?.stage === 'inputs' && !isPresent(resolveReference(state, run, reference));
  });
  if (absent) return absent.otherwise ?? `${absent.value} has no value.`;
  if (def.if === undefined || /(stages|values|item)/.test(def.if)) return '';
  const outcome = evaluateWorkflowCondition(def.if, { values: {}, inputs: run.inputs, stages: {}, item: null });
  if (!outcome.ok) return '';
  return outcome.value ? '' : `\`${def.if}\` does not hold.`;
}

interface Wanting {
  def: StageDefinition;
  /** What is done, of a list for each item. */
  work: StageDefinition;
  agent: string;
}

/** What a stage would want, in the order in which it is decided. */
async function planActions(parts: PlanParts, { run }: Subject, { def, work, agent }: Wanting): Promise<PlannedAction[]> {
  const about = { run: run.id, stage: def.id, task: '', repo: run.repo ?? '', risk: 'low' as const };
  const workflow = run.workflow.name;
  const advance = { kind: 'stage.advance' as const, ...about, agent: 'daemon', workflow, base: run.base ?? '', always: def.always };
  const say = (action: Action, ask?: string): PlannedAction => judge(parts, action, ask);
  const argvs = (work.criteria ?? []).flatMap((criterion) => (criterion.kind === 'command' ? [criterion.argv] : []));
  const command = work.command !== undefined && [work.command].flat().every((text) => isKnown(run, text));
  const checks = argvs.flat().every((text) => isKnown(run, text));
  const putText = (text: string) => Promise.resolve({ digest: parts.ports.hash(text), size: text.length });
  const place = {
    ...dry(parts),
    ports: { ...parts.ports, artifacts: { ...parts.ports.artifacts, putText } },
    run,
    def: { ...work, handoffs: def.handoffs, approval: def.approval } as StageDefinition,
  };
  const proposals = await proposeKnown(place, { command, checks });
  const said = (text: string): string => (isKnown(run, text) ? fill(parts.state, run, text) : text);
  const what = (work.prompt ? said(work.prompt) : [work.command ?? work.action ?? ''].flat().map(said).join(' ')).slice(0, 2_000);
  const task = { ...about, agent, what, priority: 0, timeoutMs: work.timeoutMs ?? 0 };
  const merge = def.merge && run.into !== undefined ? [{ from: def.merge.from, into: run.into }] : [];
  return [
    say({ ...advance, summary: `Start the stage ${def.id} of ${workflow}` }),
    ...proposals.map(({ action, ask }) => say(action, ask)),
    ...(work.command !== undefined && !command ? [open('agent.execute', `Run ${[work.command].flat().join(' ')}`.slice(0, 500))] : []),
    ...(checks ? [] : argvs.map((argv) => open('agent.execute', `Check ${def.id}: ${argv.join(' ')}`.slice(0, 500)))),
    ...(work.gate ? [open('agent.edit', `Each repair in ${work.gate.proposals}`)] : []),
    ...merge.map(({ from, into }) =>
      say({
        kind: 'workspace.merge',
        ...about,
        agent: 'daemon',
        risk: 'medium',
        summary: `Merge what ${from} commits into ${into}`,
        into,
        how: def.merge?.how ?? 'merge',
        from: '',
        base: run.base ?? '',
        tree: '',
        files: [],
      }),
    ),
    ...(agent === ''
      ? []
      : [say({ kind: 'task.submit', ...task, summary: `Submit to ${agent}: ${what}`.slice(0, 500), principal: 'daemon' })]),
    ...(agent === '' ? [] : [say({ kind: 'task.dispatch', ...task, summary: `Hand to ${agent}: ${what}`.slice(0, 500), attempt: 1 })]),
    ...listPeople(work).map((name) => say({ ...advance, summary: `Sign off what ${work.name} made` }, `${name} has to sign its work off.`)),
  ];
}

/** What an effect may use, without anything that is recorded. */
function dry({ ports, state, taskTimeoutMs }: PlanParts): EffectContext {
  const tell = () => Promise.resolve({ ok: true as const, commit: undefined });
  return { ports, state, settings: { taskTimeoutMs }, tell };
}

function open(kind: PlannedAction['kind'], summary: string): PlannedAction {
  return { kind, summary, effect: 'open', why: ['What exactly it is, is known when it comes.'] };
}

function judge({ runPorts, state, now }: PlanParts, action: Action, ask?: string): PlannedAction {
  const { kind, summary, repo } = action;
  const { rulebook } = runPorts;
  const decision = rulebook.permits(kind, repo) ? undefined : rulebook.judge(action, contextOf(state, action, now()));
  const effect = decision?.effect ?? 'allow';
  const reasons = (decision?.reasons ?? []).filter((reason) => reason.effect === effect);
  const why = reasons.map(({ policy, rule, message }) => `${policy}/${rule}: ${message}`);
  if (ask === undefined || effect === 'deny') return { kind, summary, effect, why };
  return { kind, summary, effect: 'require_approval', why: [...(effect === 'require_approval' ? why : []), ask] };
}
