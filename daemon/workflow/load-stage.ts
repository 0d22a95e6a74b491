// From one stage as it is written to the stages that the engine runs: branches, a join, cleanup.
import type { Approver } from '../../shared/state/flow.ts';
import type { Criterion } from '../../shared/state/gate.ts';
import { isValueName, type StageDefinition } from '../../shared/state/workflow.ts';
import type { Bindings, Worker } from './load-bindings.ts';
import { listDeliberationOutputs, readDeliberation } from './load-deliberate.ts';
import {
  type AgentChoice,
  type CleanupShape,
  type CriterionShape,
  readApprover,
  readCriterion,
  readNext,
  readOnFailure,
  readRetry,
} from './load-parts.ts';
import { type Called, callOf } from './load-call.ts';
import { looksAtItem } from './condition.ts';
import { gatheredName } from './matrix.ts';
import { type BranchShape, defaultWorktree, type StageShape } from './load-shape.ts';

/** What the file, and its bindings, say beside the stage. */
export interface Around {
  /** Stages are written as in the dialect: their agents work in worktrees. */
  nested: boolean;
  checks: Readonly<Record<string, CriterionShape>>;
  bindings: Bindings | undefined;
  /** The workflows that stages run. */
  calls?: ReadonlyMap<string, Called>;
}

/** Who works: as `StageDefinition` has it. */
type Who = Pick<StageDefinition, 'agent' | 'select' | 'command' | 'timeoutMs'>;

/** The stages that a stage becomes; the first has its id. */
export function expandStage(given: StageShape, around: Around): StageDefinition[] {
  const shape = applyChange(given, around);
  const branches = Array.isArray(shape.parallel) ? shape.parallel : shape.parallel_agents;
  const main = branches ? joinOf(shape, branches) : shape.matrix ? matrixOf(shape, around) : normaliseStage(shape, around);
  const rest = (branches ?? []).map((branch) => normaliseBranch(shape, branch, around));
  const cleanup = (shape.cleanup ?? []).map((name) => normaliseCleanup(shape, name, around));
  return [main, ...rest, ...cleanup];
}

function applyChange(shape: StageShape, { bindings, nested }: Around): StageShape {
  const change = bindings?.change[shape.id];
  const byDefault =
    nested && bindings?.on_failure !== undefined && shape.on_failure === undefined ? { on_failure: bindings.on_failure } : {};
  return { ...byDefault, ...shape, ...known(change ?? {}) };
}

function known<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

/** Id of a branch: given, or made of the agent's. */
export function branchId(stage: string, branch: BranchShape, index: number): string {
  if (branch.id !== undefined) return branch.id;
  const name = typeof branch.agent === 'string' ? branch.agent : branch.agent?.role;
  const slug = (name ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `${stage}-${slug === '' ? String(index + 1) : slug}`.slice(0, 64);
}

/** The branches of a stage that several work on, with their ids; none of an ordinary one. */
export function listBranches(shape: StageShape): { id: string; branch: BranchShape }[] {
  const branches = Array.isArray(shape.parallel) ? shape.parallel : (shape.parallel_agents ?? []);
  return branches.map((branch, index) => ({ id: branchId(shape.id, branch, index), branch }));
}

/** The stage that waits for the branches. */
function joinOf(shape: StageShape, branches: readonly BranchShape[]): StageDefinition {
  const ids = branches.map((branch, index) => branchId(shape.id, branch, index));
  const { sync_point: sync = 'all' } = shape;
  const count = typeof sync === 'number' ? Math.min(sync, ids.length) : sync.startsWith('any') ? 1 : ids.length;
  return {
    ...emptyStage(shape.id, shape.name ?? shape.id),
    needs: ids,
    join: { count, endRest: count < ids.length },
    optional: shape.optional,
    ...nextOf(shape),
  };
}

/** The stage of a list: what it waits for is its own, what is done for each item stands in `each`. */
function matrixOf(shape: StageShape, around: Around): StageDefinition {
  const { matrix, next: _, ...rest } = shape;
  const perItem = shape.if !== undefined && looksAtItem(shape.if);
  const of = perItem ? { if: shape.if } : {};
  const own = normaliseStage(rest, around);
  const { if: __, needs: ___, approval, slaMs, when, next: ____, ...work } = own;
  const { over = [], max_parallel: maxParallel, fail_fast: failFast = true } = matrix ?? {};
  return {
    ...emptyStage(shape.id, own.name),
    needs: own.needs,
    outputs: [...new Set(own.outputs.map(gatheredName))],
    when,
    ...(perItem || shape.if === undefined ? {} : { if: shape.if }),
    ...(approval === undefined ? {} : { approval }),
    ...(slaMs === undefined ? {} : { slaMs }),
    ...nextOf(shape),
    always: own.always,
    optional: own.optional,
    matrix: {
      over,
      ...(maxParallel === undefined ? {} : { maxParallel }),
      failFast,
      each: { ...work, ...of, needs: [], when: [] },
    },
  };
}

function emptyStage(id: string, name: string): StageDefinition {
  return { id, name, needs: [], inputs: [], outputs: [], worktree: 'none', when: [], always: false, optional: false, onDenied: 'fail' };
}

function normaliseBranch(shape: StageShape, branch: BranchShape, around: Around): StageDefinition {
  const index = listBranches(shape).findIndex((one) => one.branch === branch);
  const id = branchId(shape.id, branch, index);
  const count =
    joinOf(
      shape,
      listBranches(shape).map((one) => one.branch),
    ).join?.count ?? 0;
  const { tickets } = branch;
  const whole = {
    ...shape,
    id,
    name: `${shape.name ?? shape.id}: ${typeof branch.agent === 'string' ? branch.agent : id}`,
    agent: branch.agent ?? shape.agent,
    action: branch.action ?? shape.action,
    prompt: branch.prompt ?? shape.prompt,
    command: branch.command ?? shape.command,
    with: { ...shape.with, ...branch.with },
    inputs: [...shape.inputs, ...branch.inputs, ...(tickets === undefined ? [] : [tickets])],
    outputs: branch.outputs,
    worktree: branch.worktree ?? shape.worktree,
    next: undefined,
    cleanup: undefined,
    // With some of them the rest need not succeed.
    optional: count < listBranches(shape).length,
  };
  return normaliseStage(whole, around);
}

function normaliseCleanup(shape: StageShape, given: CleanupShape, around: Around): StageDefinition {
  const { name, agent, action = name, prompt, command, timeout } = typeof given === 'string' ? { name: given } : given;
  const id = `${shape.id}-${name.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '-')}`.slice(0, 64);
  const own = command ? { agent: 'command', command } : agent === undefined ? undefined : choiceOf(agent);
  return {
    ...emptyStage(id, `Clean up: ${name}`),
    needs: [shape.id],
    action,
    ...(own ?? workerOf(around.bindings?.actions[name], { agent: name })),
    ...(prompt === undefined ? {} : { prompt }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    worktree: around.nested || own ? 'own' : 'none',
    always: true,
    cleanup: true,
    optional: true,
  };
}

/** Fills in the defaults of an ordinary stage. */
export function normaliseStage(shape: StageShape, around: Around): StageDefinition {
  const who = findWorker(shape, around);
  const gate = shape.gate && !Array.isArray(shape.gate) ? { gate: shape.gate } : {};
  const asked = shape.requires_approval && { summary: `${shape.name ?? shape.id} waits for an approval` };
  const approval = shape.approval ?? asked;
  const expiresMs = shape.approval?.expires;
  return {
    ...emptyStage(shape.id, shape.name ?? shape.id),
    needs: shape.needs,
    ...who,
    ...known({
      action: shape.action,
      stdin: shape.stdin,
      env: shape.env,
      prompt: shape.prompt,
      with: shape.workflow === undefined ? withGiven(shape, around) : undefined,
      if: shape.if,
      merge: shape.merge && known(shape.merge),
    }),
    inputs: shape.inputs,
    outputs: listDeliberationOutputs(shape) ?? shape.outputs,
    ...(shape.deliberate ? { deliberate: readDeliberation(shape.deliberate, (name) => boundWorker(name, around)) } : {}),
    worktree: shape.worktree ?? (around.nested && !shape.merge ? 'own' : defaultWorktree({ command: who.command, prompt: shape.prompt })),
    when: listConditions(shape),
    ...callOf(shape, around.calls ?? new Map()),
    ...gate,
    ...(approval === undefined ? {} : { approval: { summary: approval.summary, ...(expiresMs === undefined ? {} : { expiresMs }) } }),
    ...criteriaOf(shape, around),
    ...approversOf(shape, around),
    ...nextOf(shape),
    ...(shape.on_failure === undefined ? {} : { onFailure: readOnFailure(shape.on_failure) }),
    ...(shape.retry === undefined ? {} : { retry: readRetry(shape.retry) }),
    ...(shape.sla === undefined ? {} : { slaMs: shape.sla }),
    ...(shape.timeout === undefined ? {} : { timeoutMs: shape.timeout }),
    always: shape.always,
    optional: shape.optional,
    onDenied: shape.on_denied,
  };
}

/** Inputs that the bindings take from elsewhere are told to whoever does the work. */
function withGiven(shape: StageShape, { bindings }: Around): StageDefinition['with'] | undefined {
  const given = shape.inputs.flatMap((name) => {
    const from = bindings?.inputs[name];
    return from ? [[name, from] as const] : [];
  });
  const own = shape.with ?? {};
  if (given.length === 0 && Object.keys(own).length === 0) return undefined;
  return { ...own, ...(given.length === 0 ? {} : { given: JSON.parse(JSON.stringify(Object.fromEntries(given))) }) };
}

function findWorker(shape: StageShape, { bindings }: Around): Who {
  const { agent, command } = shape;
  if (command !== undefined && agent === 'command') return { agent: 'command', command };
  const name = typeof agent === 'string' ? agent : undefined;
  const bound = name === undefined ? undefined : bindings?.agents[name];
  if (bound) return workerOf(bound, {});
  if (agent === undefined && !shape.merge && shape.action !== undefined) return workerOf(bindings?.actions[shape.action], {});
  return { ...choiceOf(agent), ...(command === undefined ? {} : { command }) };
}

/** Who the bindings say that a name is. */
function boundWorker(name: string, { bindings }: Around): Who | undefined {
  const bound = bindings?.agents[name];
  return bound && workerOf(bound, {});
}

function choiceOf(agent: AgentChoice | undefined): Who {
  if (agent === undefined) return {};
  return typeof agent === 'string' ? { agent } : { select: known(agent) };
}

function workerOf(worker: Worker | undefined, otherwise: Who): Who {
  if (!worker) return otherwise;
  const { agent, command, timeout, role, capabilities, tags } = worker;
  const time = timeout === undefined ? {} : { timeoutMs: timeout };
  if (command) return { agent: agent ?? 'command', command, ...time };
  if (agent !== undefined) return { agent, ...time };
  return { select: known({ role, capabilities, tags }), ...time };
}

function listConditions({ when, otherwise }: StageShape): StageDefinition['when'] {
  if (when === undefined) return [];
  const list = typeof when === 'string' ? [{ value: when, otherwise }] : when;
  return list.map((condition) => ({
    value: condition.value,
    ...(condition.otherwise === undefined ? {} : { otherwise: condition.otherwise }),
  }));
}

/** All criteria as they are written; those that do not block are advice. */
export function listCriteria(shape: StageShape): CriterionShape[] {
  return [...(Array.isArray(shape.gate) ? shape.gate : []), ...(shape.quality_gate ?? []), ...(shape.criteria ?? [])];
}

function criteriaOf(shape: StageShape, { checks }: Around): { criteria?: Criterion[] } {
  const advisory = shape.blocking === false;
  const criteria = listCriteria(shape).flatMap((one) => readCriterion(one, checks, advisory) ?? []);
  return criteria.length === 0 ? {} : { criteria };
}

function approversOf(shape: StageShape, { bindings }: Around): { approvers?: Approver[] } {
  const approvers = (shape.approvers ?? []).map((one): Approver => {
    const approver = readApprover(one);
    const bound = approver.agent === undefined ? undefined : bindings?.agents[approver.agent];
    if (!bound) return approver;
    const { agent, select, command } = workerOf(bound, {});
    return { name: approver.name, ...known({ agent, select, command: Array.isArray(command) ? command : undefined }) };
  });
  return approvers.length === 0 ? {} : { approvers };
}

/** Name of the value that a map of `next` looks at: given, or the one value among the outputs. */
export function findRouteValue(shape: StageShape): string | undefined {
  if (shape.next_by !== undefined) return shape.next_by;
  const values = shape.outputs.filter(isValueName);
  return values.length === 1 ? values[0] : undefined;
}

function nextOf(shape: StageShape): Pick<StageDefinition, 'next'> {
  return shape.next === undefined ? {} : { next: readNext(shape.next, findRouteValue(shape) ?? '') };
}
