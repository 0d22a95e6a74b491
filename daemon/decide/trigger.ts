/**
 * What fires, and what becomes of it.
 *
 * 1. The same firing is recorded once, whatever became of it; its run has an id from then on, so that it is started once.
 * 2. What cannot start anything is recorded as well, with the reason.
 * 3. Runs that start one another by events end: each counts how deep it is, and a trigger fires so often in a minute at most.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Correlation, NewEvent } from '../../shared/events/envelope.ts';
import type { PassCode } from '../../shared/events/trigger.ts';
import type { Action } from '../../shared/state/action.ts';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded, type Run } from '../../shared/state/run.ts';
import { approvalsOf } from '../../shared/state/select.ts';
import { MAX_WAITING, type RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { CommandOf } from '../commands.ts';
import { askPerson, judge, settleAll } from './approval.ts';
import { event, ofRun, refuse, type Context, type Verdict } from './context.ts';
import { explainDecision } from './steps.ts';

/** Runs that may start one another by events. */
export const MAX_DEPTH = 5;
/** Firings in a minute of a trigger that its own runs could set off. */
export const MAX_PER_MINUTE = 30;
/** Triggers that may be registered. */
const MAX_TRIGGERS = 1_000;
/** The key of the question whether a run may be started at all. */
export const START_KEY = 'start';

const gone = (trigger: string) =>
  refuse('not_found', `There is no trigger ${trigger}. \`signalbox triggers\` lists those there are.`, { trigger });
const ofTrigger = ({ repo }: Pick<RegisteredTrigger, 'repo'>): Correlation => (repo === undefined ? {} : { repo });

/** Registers a trigger, or changes it; what stands there as it is changes nothing. */
export function registerTrigger(state: State, command: CommandOf<'trigger/register'>): Verdict {
  const { type: _, trigger, repo, ...data } = command;
  const known = state.triggers.get(trigger);
  if (known && known.origin !== data.origin) {
    const message = `The trigger ${trigger} is registered already, by ${known.origin === 'user' ? 'a person' : 'its repository'}.`;
    return refuse('id_taken', message, { trigger });
  }
  if (!known && state.triggers.size >= MAX_TRIGGERS)
    return refuse('too_many', `There are ${MAX_TRIGGERS} triggers already. Remove some.`, { limit: MAX_TRIGGERS });
  if (known && isDeepStrictEqual(pick(known), pick(data))) return [];
  return [event('trigger.registered', `trigger/${trigger}`, ofTrigger(repo === undefined ? {} : { repo }), { trigger, ...data })];
}

/** Who says so is no part of what is registered. */
function pick(one: Pick<RegisteredTrigger, 'workflow' | 'definition' | 'origin' | 'into' | 'inputs'>): unknown {
  const { workflow, definition, origin, into, inputs } = one;
  return JSON.parse(JSON.stringify({ workflow, definition, origin, into, inputs })) as unknown;
}

export function removeTrigger(state: State, { trigger, by, reason }: CommandOf<'trigger/remove'>): Verdict {
  const known = state.triggers.get(trigger);
  return known ? [event('trigger.removed', `trigger/${trigger}`, ofTrigger(known), { trigger, by, reason })] : gone(trigger);
}

/** It starts nothing until somebody resumes it; what fired already waits. */
export function pauseTrigger(state: State, { trigger, by, reason }: CommandOf<'trigger/pause'>): Verdict {
  const known = state.triggers.get(trigger);
  if (!known) return gone(trigger);
  return known.paused ? [] : [event('trigger.paused', `trigger/${trigger}`, ofTrigger(known), { trigger, by, reason })];
}

export function resumeTrigger(state: State, { trigger, by }: CommandOf<'trigger/resume'>): Verdict {
  const known = state.triggers.get(trigger);
  if (!known) return gone(trigger);
  return known.paused ? [event('trigger.resumed', `trigger/${trigger}`, ofTrigger(known), { trigger, by })] : [];
}

/** Records a firing with the run that it starts, or why it starts none; one that is known changes nothing. */
export function fireTrigger(state: State, command: CommandOf<'trigger/fire'>, context: Context): Verdict {
  const { type: _, trigger, ...data } = command;
  const { byHand } = data;
  const known = state.triggers.get(trigger);
  if (!known) return gone(trigger);
  if (state.fired.get(trigger)?.has(data.firing)) return [];
  if (known.paused && byHand !== true)
    return refuse('trigger_paused', `The trigger ${trigger} is paused. \`signalbox triggers resume ${trigger}\` lets it fire again.`, {
      trigger,
    });
  const code = byHand === true ? undefined : findHindrance(known, data.depth, context.now);
  const { firing, summary, due } = data;
  if (code !== undefined) return [pass(known, { firing, code, summary, ...(due === undefined ? {} : { until: due }) })];
  return [event('trigger.fired', `trigger/${trigger}`, ofTrigger(known), { trigger, run: context.newId(), ...data })];
}

function findHindrance({ open, definition, minute }: RegisteredTrigger, depth: number, now: number): PassCode | undefined {
  if (depth > MAX_DEPTH) return 'too_deep';
  const count = minute?.at === new Date(now).toISOString().slice(0, 16) ? minute.count : 0;
  if ((definition.kind === 'event' || definition.kind === 'files') && count >= MAX_PER_MINUTE) return 'too_often';
  if (definition.overlap === 'skip' && open.some(({ status }) => status !== 'ended')) return 'overlap';
  return open.filter(({ status }) => status === 'waiting').length >= MAX_WAITING ? 'queue_full' : undefined;
}

type Passed = { firing: string; code: PassCode; summary: string; until?: string };

function pass(trigger: RegisteredTrigger, passed: Passed): NewEvent {
  return event('trigger.passed', `trigger/${trigger.id}`, ofTrigger(trigger), { trigger: trigger.id, ...passed });
}

/** Records that times of a schedule passed by and nothing is started for them. */
export function passTrigger(state: State, { trigger, type: _, ...passed }: CommandOf<'trigger/pass'>): Verdict {
  const known = state.triggers.get(trigger);
  if (!known) return gone(trigger);
  if (passed.until !== undefined && passed.until <= known.after) return [];
  return [pass(known, passed)];
}

/** The source was told that the run of its item has ended. */
export function acknowledgeFiring(state: State, { trigger, firing }: CommandOf<'trigger/acknowledge'>): Verdict {
  const known = state.triggers.get(trigger);
  if (!known?.open.some(({ id, status }) => id === firing && status === 'ended')) return [];
  return [event('trigger.acknowledged', `trigger/${trigger}`, ofTrigger(known), { trigger, firing })];
}

/** The run of a firing cannot be started, and that is final. */
export function failFiring(state: State, { trigger, firing, code, message }: CommandOf<'trigger/fail'>): Verdict {
  const known = state.triggers.get(trigger);
  if (!known?.open.some(({ id, status }) => id === firing && status === 'waiting')) return [];
  return [failed(known, { firing, code, message })];
}

function failed(trigger: RegisteredTrigger, what: { firing: string; code: string; message: string }): NewEvent {
  return event('trigger.failed', `trigger/${trigger.id}`, ofTrigger(trigger), {
    trigger: trigger.id,
    ...what,
    message: what.message.slice(0, 2_000),
  });
}

/**
 * A run that a trigger starts is put to the policy. `submitted` is what records it: a denial records the decision and that the
 * firing failed in its place, a question is asked before the run begins.
 */
export function decideStart(state: State, command: CommandOf<'run/start'>, submitted: NewEvent, context: Context): NewEvent[] {
  const { startedBy, repository, run, workflow } = command;
  const repo = repository?.repo ?? '';
  if (startedBy === undefined || context.permits('run.start', repo)) return [submitted];
  const { trigger, kind, firing } = startedBy;
  const action: Action = {
    kind: 'run.start',
    ...{
      summary: `Start ${workflow.name}: ${startedBy.summary}`.slice(0, 500),
      agent: 'daemon',
      run,
      stage: '',
      task: '',
      repo,
      risk: 'low',
    },
    ...{
      workflow: workflow.name,
      principal: context.principal,
      trigger: kind,
      firing,
      into: repository?.into ?? '',
      base: repository?.base ?? '',
    },
  };
  const of: Correlation = { ...(repo === '' ? {} : { repo }), run };
  const judged = judge(state, { key: START_KEY, action, show: {}, of, stream: `run/${run}` }, context);
  const known = state.triggers.get(trigger);
  switch (judged.decision.effect) {
    case 'deny':
      return known ? [judged.decided, failed(known, { firing, code: 'policy_denied', message: explainDecision(judged.decision) })] : [];
    case 'require_approval':
      return [submitted, judged.decided, ...askPerson(state, judged, context)];
    default:
      return [judged.decided, submitted];
  }
}

/** What the question whether a run may start has come to: the run begins, waits, or fails. */
export function settleStart(state: State, run: Run): { begins: boolean; events: NewEvent[] } {
  const asked = approvalsOf(state, run.id).find((one) => one.key === START_KEY && one.stage === undefined && one.task === undefined);
  if (!asked || asked.status === 'used') return { begins: true, events: [] };
  if (asked.status === 'pending') return { begins: false, events: [] };
  if (asked.status === 'granted')
    return { begins: true, events: [event('approval.used', `approval/${asked.id}`, ofRun(run), { approval: asked.id })] };
  const summary = `The start was not allowed: ${asked.reason || asked.status}`;
  const rest = approvalsOf(state, run.id).filter((one) => one.id !== asked.id);
  const events = runEnded(run)
    ? []
    : [...settleAll(rest, 'The run ended.'), event('run.failed', `run/${run.id}`, ofRun(run), { code: 'policy_denied', summary })];
  return { begins: false, events };
}
