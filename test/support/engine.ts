// Long because: it stands in for agents, preparations and branches all at once.
/**
 * Drives the pure parts (decide, evolve, engine, scheduler) without a disk or a process: commands go in, events come out,
 * and what an agent would do is said by the test.
 */
import type { Action, Decision, Effect, Obligations } from '../../shared/state/action.ts';
import type { Event, UnchainedCommit } from '../../shared/events/envelope.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { emptyState, evolve, type State } from '../../shared/state/evolve.ts';
import { fromJson, toJson } from '../../shared/state/serialize.ts';
import type { Task } from '../../shared/state/task.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { MissingItem } from '../../shared/events/handoff.ts';
import { judgeMetric } from '../../shared/state/gate.ts';
import { listCheckCommands, listPeople } from '../../daemon/workflow/parts.ts';
import type { AttemptEnding, Command, Proposal } from '../../daemon/commands.ts';
import { bindingOf } from '../../daemon/decide/binding.ts';
import { isRefusal, type Context } from '../../daemon/decide/context.ts';
import { decide } from '../../daemon/decide/decide.ts';
import { createRulebook } from '../../daemon/coordinator/rulebook.ts';
import { sha256 } from '../../daemon/platform/digest.ts';
import { decideAction } from '../../daemon/policy/decide.ts';
import type { Policies } from '../../daemon/policy/rules.ts';
import { assignPending } from '../../daemon/scheduler/schedule.ts';
import { advanceRun } from '../../daemon/workflow/advance.ts';
import { expandMatrix, type Item, listInstances } from '../../daemon/workflow/matrix.ts';
import { loadWorkflow } from '../../daemon/workflow/load.ts';
import { tallyRound } from './deliberation.ts';

/** Only for what answers were made into. */
const BOOK = createRulebook({ sources: [] }, sha256);

/** What the test says in place of agents, preparations and branches. */
export interface Scripts {
  /** The ending of a stage's attempt; succeeded without values unless said otherwise. */
  work?(stage: string, attempt: number, task: Task | undefined): Partial<AttemptEnding> & { artifacts?: string[]; commits?: string[] };
  proposals?(stage: string, round: number): { key: string; summary?: string }[];
  /** What a validator of an artifact finds wrong; nothing unless said otherwise. */
  check?(stage: string, criterion: string): string;
  /** What a handoff to a stage lacks. */
  missing?(stage: string, handoff: string): MissingItem[];
  facts?(stage: string): Record<string, string>;
  /** The list of a stage that is done for each of its items, where the definition does not say it. */
  items?(stage: string): Item[];
  merge?(): { ok: true } | { ok: false; code: string };
  effect?(action: Action): Effect;
  /** What the rules demand of each question. */
  obligations?: Obligations;
  /** When the breakers of agents open; never unless said otherwise. */
  breaker?: Context['breaker'];
  /** Real policies, in place of `effect`. */
  policies?: Policies;
}

export function loadDefinition(text: string): WorkflowDefinition {
  const loaded = loadWorkflow({ text, file: 'test.yaml' });
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => `${p.line}:${p.column}: ${p.message}`).join('\n'));
  return loaded.definition;
}

export class Simulation {
  state: State;
  readonly events: Event[] = [];
  readonly commits: UnchainedCommit[] = [];
  now = Date.parse('2026-01-01T00:00:00.000Z');
  /** Texts of artifacts by digest; a restart keeps them. */
  readonly texts: Map<string, string>;
  readonly #queue: Command[] = [];
  readonly #scripts: Scripts;
  /** The definitions that lists made, by what stands for their digest. */
  #made = new Map<string, WorkflowDefinition>();
  #ids = 0;

  constructor(scripts: Scripts = {}, state: State = emptyState(), texts = new Map<string, string>()) {
    this.#scripts = scripts;
    this.state = state;
    this.texts = texts;
  }

  get context(): Context {
    const reason = (effect: Effect) => ({
      policy: 'test',
      version: '0',
      rule: 'r',
      effect,
      message: `test says ${effect}`,
      severity: 'low' as const,
      values: {},
    });
    const { policies } = this.#scripts;
    const judge = (action: Action, standing: DecisionContext): Decision => {
      if (policies) return decideAction(policies, action, standing);
      const effect = this.#scripts.effect?.(action) ?? 'allow';
      return { effect, reasons: [reason(effect)], obligations: this.#scripts.obligations ?? {} };
    };
    return {
      now: this.now,
      principal: 'test',
      epoch: 'test',
      host: 'h',
      bootId: 'b',
      newId: () => `id${++this.#ids}`,
      random: () => 0.5,
      judge,
      admits: BOOK.admits,
      digest: (action) => sha256(JSON.stringify(bindingOf(action))),
      approvalMs: 60_000,
      taskTimeoutMs: 1_000,
      ...(this.#scripts.breaker ? { breaker: this.#scripts.breaker } : {}),
      permits: (kind) => policies?.permits.has(kind) ?? true,
    };
  }

  /** One command to its end; returns the events, or throws what it was refused with. */
  apply(command: Command): Event[] {
    const verdict = decide(this.state, command, this.context);
    if (isRefusal(verdict)) throw Object.assign(new Error(verdict.message), { code: verdict.code });
    const seq = this.state.seq + 1;
    if (verdict.length === 0) return [];
    const events = verdict.map((event, i): Event => ({ ...event, id: `test-${seq}.${i}`, tenant: 'local' }));
    const commit: UnchainedCommit = { seq, at: new Date(this.now).toISOString(), principal: 'test', cause: 'test', events };
    evolve(this.state, commit);
    this.events.push(...events);
    this.commits.push(commit);
    return events;
  }

  /** Applies commands and everything that follows from them, until nothing moves any more or `stopAfter` events are recorded. */
  drive(definition: WorkflowDefinition, commands: Command[], stopAfter = Infinity): void {
    this.#queue.push(...commands);
    for (;;) {
      if (this.events.length >= stopAfter) return;
      const command = this.#queue.shift() ?? this.#next(definition);
      if (!command) return;
      const events = this.apply(command);
      for (const event of events) this.#effect(definition, event);
      // Another list was read in the same moment: this one is put into the definition that came of it.
      if (command.type === 'stage/expand' && events.length === 0) this.#expand(definition, command.run, command.stage);
    }
  }

  /** What a restart does: nothing in memory is left but the state; interrupted attempts and effects begin anew. */
  restart(definition: WorkflowDefinition): Simulation {
    const next = new Simulation(this.#scripts, fromJson(JSON.parse(JSON.stringify(toJson(this.state)))), this.texts);
    next.now = this.now;
    next.#ids = this.#ids + 1_000;
    next.#made = this.#made;
    for (const id of [...next.state.active]) {
      const attempt = next.state.attempts.get(id);
      next.apply({ type: 'attempt/end', attempt: id, token: attempt?.token ?? 0, ending: { status: 'interrupted', values: {} } });
    }
    for (const run of next.state.runs.values()) {
      if (run.merge?.state === 'started') next.#queue.push(next.#mergeEnd(run.id, definition));
      for (const stage of next.state.stages.get(run.id)?.values() ?? [])
        if (stage.status === 'deciding' && !stage.decided) next.#prepare(run.id, stage.id, definition);
        else if (stage.status === 'admitted') next.#expand(definition, run.id, stage.id);
      for (const stage of next.state.stages.get(run.id)?.values() ?? []) next.#judge(definition, run.id, stage.id);
      for (const stage of next.state.stages.get(run.id)?.values() ?? []) next.#tally(definition, run.id, stage.id);
    }
    return next;
  }

  /** Workflows that stages of the one that is driven run. */
  know(definitions: readonly WorkflowDefinition[]): this {
    for (const definition of definitions) this.#made.set(sha256(JSON.stringify(definition)), definition);
    return this;
  }

  /** The definition that a run goes on by: the one that it began with, or what lists made of it. */
  definitionOf(run: string, definition: WorkflowDefinition): WorkflowDefinition {
    return this.#made.get(this.state.runs.get(run)?.workflow.digest ?? '') ?? definition;
  }

  /** What the daemon does when a stage with a list may start. */
  #expand(definition: WorkflowDefinition, run: string, id: string): void {
    const now = this.definitionOf(run, definition);
    const def = now.stages.find((stage) => stage.id === id);
    if (!def?.matrix || this.state.stages.get(run)?.get(id)?.status !== 'admitted') return;
    const { over } = def.matrix;
    const made = expandMatrix(now, def, typeof over === 'string' ? (this.#scripts.items?.(id) ?? []) : over);
    if (typeof made === 'string') throw new Error(made);
    const digest = sha256(JSON.stringify(made));
    this.#made.set(digest, made);
    const from = this.state.runs.get(run)?.workflow.digest ?? '';
    const items = listInstances(made, id).length;
    this.#queue.push({ type: 'stage/expand', run, stage: id, from, digest, items });
  }

  #next(definition: WorkflowDefinition): Command | undefined {
    const assigned = assignPending(this.state, () => `a${++this.#ids}`);
    this.#queue.push(...assigned);
    // One run at a time: the steps of one may end another, which then has no steps of its own.
    for (const run of this.state.runs.values()) {
      this.#queue.push(...advanceRun(this.state, run, this.definitionOf(run.id, definition), { taskTimeoutMs: 1_000 }));
      if (this.#queue.length > assigned.length) break;
    }
    return this.#queue.shift();
  }

  #effect(definition: WorkflowDefinition, event: Event): void {
    if (event.type === 'stage.started') this.#prepare(event.run ?? '', event.stage ?? '', definition);
    if (event.type === 'stage.admitted') this.#expand(definition, event.run ?? '', event.stage ?? '');
    if (event.type === 'task.assigned') this.#work(event);
    if (event.type === 'stage.checking' || (event.type.startsWith('task.') && this.state.tasks.get(event.task ?? '')?.part === 'check'))
      this.#judge(definition, event.run ?? '', event.stage ?? '');
    if (event.type === 'stage.deliberating' || this.state.tasks.get(event.task ?? '')?.part === 'deliberate')
      this.#tally(definition, event.run ?? '', event.stage ?? '');
    if (event.type === 'workspace.merge_started') this.#queue.push(this.#mergeEnd(event.run ?? '', definition));
  }

  #prepare(run: string, stage: string, definition: WorkflowDefinition): void {
    const round = this.state.stages.get(run)?.get(stage)?.round ?? 1;
    const def = this.definitionOf(run, definition).stages.find((s) => s.id === stage);
    for (const { id: handoff, from } of def?.handoffs ?? []) {
      const missing = this.#scripts.missing?.(stage, handoff) ?? [];
      const to = missing[0]?.stage ?? '';
      if (missing.length > 0) {
        this.#queue.push({ type: 'handoff/return', run, stage, round, handoff, from: [...from], to, missing });
        return;
      }
    }
    const wanted = this.#scripts.proposals?.(stage, round) ?? [];
    const proposals = wanted.map(({ key, summary = key }): Proposal => {
      const about = { summary, agent: '', run, stage, task: '', repo: '/r', risk: 'medium' as const };
      return {
        key,
        artifact: '0'.repeat(64),
        show: {},
        action: { kind: 'stage.advance', ...about, workflow: 'test', base: '', always: false },
      };
    });
    this.#queue.push({ type: 'stage/propose', run, stage, round, proposals, done: true, facts: this.#scripts.facts?.(stage) ?? {} });
  }

  #work(event: Event): void {
    const task = this.state.tasks.get(event.task ?? '');
    const { artifacts = [], commits = [], ...ending } = this.#scripts.work?.(event.stage ?? '', task?.token ?? 0, task) ?? {};
    const attempt = event.attempt ?? '';
    const token = task?.token ?? 0;
    this.#queue.push({ type: 'attempt/run', attempt, token });
    const of = { run: event.run ?? '', stage: event.stage ?? '', attempt };
    for (const name of artifacts)
      this.#queue.push({
        type: 'artifact/record',
        ...of,
        name,
        digest: `${'0'.repeat(63)}${name.length % 10}`,
        size: 1,
        mediaType: 'application/json',
      });
    for (const key of commits) this.#queue.push({ type: 'attempt/commit', attempt, token, key, commit: key.padEnd(40, '0'), summary: key });
    this.#queue.push({ type: 'attempt/end', attempt, token, ending: { status: 'succeeded', values: {}, ...ending } });
  }

  #tally(definition: WorkflowDefinition, run: string, id: string): void {
    this.#queue.push(...tallyRound(this.state, this.texts, this.definitionOf(run, definition), { run, id }));
  }

  /** What the daemon does with the criteria of a stage; validators of artifacts are said by the test. */
  #judge(definition: WorkflowDefinition, run: string, id: string): void {
    const stage = this.state.stages.get(run)?.get(id);
    const def = this.definitionOf(run, definition).stages.find((s) => s.id === id);
    if (stage?.status !== 'checking' || stage.judged !== undefined || !def) return;
    const checks = listCheckCommands(def, stage).map(({ task }) => this.state.tasks.get(task));
    if (checks.some((task) => task?.endedAt === undefined)) return;
    const ofMerge = def.merge ? listCheckCommands(def, stage) : [];
    const mergeResults = ofMerge.map(({ text, task }) => {
      const ended = this.state.tasks.get(task);
      const passed = ended?.status === 'completed';
      return { text, advisory: false, passed, detail: passed ? '' : (ended?.message ?? 'no') };
    });
    const judged = (def.criteria ?? []).map((criterion, index) => {
      const { text, advisory } = criterion;
      const check = this.state.tasks.get(`${stage.task ?? ''}.check-${index}`);
      const detail =
        criterion.kind === 'artifact'
          ? (this.#scripts.check?.(id, text) ?? '')
          : criterion.kind === 'command'
            ? check?.status === 'completed'
              ? ''
              : check?.message || 'no'
            : judgeMetric(criterion, stage.values);
      return { text, advisory, passed: detail === '', detail };
    });
    const results = [...mergeResults, ...judged];
    const holds = results.every((result) => result.passed || result.advisory);
    const about = { agent: '', run, stage: id, task: '', repo: '', risk: 'medium' as const, workflow: 'test', base: '', always: false };
    const proposals = listPeople(def).map(
      (name): Proposal => ({
        key: `sign-off:${name}`,
        artifact: '0'.repeat(64),
        show: {},
        ask: 'look',
        action: { kind: 'stage.advance', summary: `Sign off ${id}`, ...about },
      }),
    );
    if (holds && proposals.length > 0)
      this.#queue.push({ type: 'stage/propose', run, stage: id, round: stage.round, proposals, done: true, facts: {} });
    this.#queue.push({ type: 'stage/judge', run, stage: id, round: stage.round, results });
  }

  #mergeEnd(run: string, definition: WorkflowDefinition): Command {
    const stage = definition.stages.find((s) => s.merge)?.id ?? '';
    const said = this.#scripts.merge?.() ?? { ok: true };
    const result = said.ok
      ? { ok: true as const, commit: 'f'.repeat(40), previous: 'e'.repeat(40) }
      : { ok: false as const, code: said.code, message: said.code };
    return { type: 'merge/end', run, stage, result };
  }
}
