/**
 * Triggers at work: schedules that come due, events that are listened for, firings that become runs.
 *
 * 1. A run starts only from a recorded firing, and has the id that stands there: after a restart it is started once.
 * 2. What cannot be started for good is recorded; what cannot right now (a full disk) waits and is tried again.
 * 3. It costs nothing while there are no triggers.
 */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ResultOf, ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { TriggerView } from '../../shared/protocol/views.ts';
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';
import { acknowledges } from '../../shared/state/trigger-definition.ts';
import type { Command, CommandOf, CommandResult, Origin } from '../commands.ts';
import { findDue, nextDue } from '../scheduler/cron.ts';
import { listStartable } from '../scheduler/firings.ts';
import { fireForEvents, settleFiring } from '../workflow/triggers.ts';
import type { Happened, Heard } from '../triggers/listener.ts';
import type { Definitions } from './definitions.ts';
import { createListeners, hearFor, type HearingParts } from './hearing.ts';
import { addTriggers, syncRepository, type RegistrationParts } from './registration.ts';
import { startFiring } from './start-firing.ts';
import type { RunPorts } from './submit-run.ts';

/** The clock is looked at so often at least, because a machine that slept has missed its timers, in milliseconds. */
const LOOK_MS = 60_000;
/** What stands in the way of a start for the moment only. */
const PASSING: readonly string[] = ['disk_full', 'too_many', 'shutting_down'];

export interface TriggerParts extends HearingParts {
  runPorts: RunPorts;
  definitions: Pick<Definitions, 'load'>;
  now(): number;
  hash(text: string): string;
  log(event: string, facts: Record<string, unknown>): void;
}

export interface Triggers {
  add(params: ValidParamsOf<'trigger/add'>, origin: Origin): Promise<TriggerView[]>;
  /** Takes up what the trust in a repository lets its workflows say. */
  sync(repo: string, origin: Origin): Promise<void>;
  /** Fires by hand; throws SignalboxError. */
  fire(params: ValidParamsOf<'trigger/fire'>, origin: Origin): Promise<ResultOf<'trigger/fire'>>;
  list(): TriggerView[];
  /** What happened for one trigger, as somebody else saw it. */
  hear(trigger: RegisteredTrigger, happened: Happened): Promise<Heard>;
  problem(trigger: string, message: string): void;
  /** Starts what fired before a restart, and looks at the clock from now on. */
  resume(): void;
  stop(): void;
}

type Tell = (command: Command, trigger: string) => Promise<CommandResult>;
/** No message: it works again. */
type Problem = (trigger: string, message: string | undefined) => void;

/** Lets triggers fire and their runs start, from `resume` on. */
export function createTriggers(parts: TriggerParts): Triggers {
  const { coordinator, runPorts } = parts;
  const { state } = coordinator;
  const { problem, view } = createProblems(parts);
  const tell = createTell(parts);
  const clock = createClock(parts, tell, createStarts(parts, tell, problem));
  const listeners = createListeners(parts, problem);
  let had = 0;
  coordinator.watchWith((tentative, commits) => fireForEvents(tentative, commits, problem));
  coordinator.onRecorded((commits) => {
    if (state.triggers.size + had === 0) return;
    had = state.triggers.size;
    const types = commits.flatMap(({ events }) => events.map(({ type }) => type));
    if (!types.some((type) => CONCERNS.test(type))) return;
    clock.look();
    listeners.look();
  });
  const registration: RegistrationParts = { ports: runPorts, state, hash: parts.hash, problem };
  return {
    async add(params, origin) {
      const ids = await addTriggers(registration, params, origin);
      return ids.flatMap((id) => state.triggers.get(id) ?? []).map(view);
    },
    sync: (repo, origin) => syncRepository(registration, repo, origin),
    fire: (params, origin) => fireByHand(parts, params, origin),
    list: () => [...state.triggers.values()].map(view),
    hear: (trigger, happened) => hearFor(parts, trigger, happened, problem),
    problem,
    resume() {
      clock.begin();
      listeners.begin();
    },
    stop() {
      clock.end();
      listeners.end();
    },
  };
}

function createTell({ coordinator, log }: TriggerParts): Tell {
  return async (command, trigger) => {
    const result = await coordinator.submit(command, { principal: `trigger:${trigger}`, cause: 'trigger' });
    if (!result.ok) log('command.refused', { command: command.type, trigger, ...result.refusal });
    return result;
  };
}

/** What went wrong last with each trigger, and how it is shown. */
function createProblems({ log }: TriggerParts) {
  const problems = new Map<string, string>();
  const problem: Problem = (trigger, message) => {
    if (message === undefined) return void problems.delete(trigger);
    if (problems.get(trigger) !== message) log('trigger.problem', { trigger, message });
    problems.set(trigger, message);
  };
  const view = (trigger: RegisteredTrigger): TriggerView => {
    const due = nextDue(trigger);
    const wrong = problems.get(trigger.id);
    return {
      ...trigger,
      ...(due === undefined ? {} : { next: new Date(due).toISOString() }),
      ...(wrong === undefined ? {} : { problem: wrong }),
    };
  };
  return { problem, view };
}

/** Starts the runs of the firings that wait, each once at a time. */
function createStarts({ coordinator, runPorts, definitions }: TriggerParts, tell: Tell, problem: Problem): () => void {
  const starting = new Set<string>();
  const start = async ({ trigger, firing }: ReturnType<typeof listStartable>[number]): Promise<void> => {
    starting.add(firing.run);
    try {
      await startFiring(runPorts, { trigger, firing }, await definitions.load(trigger.workflow.digest));
      problem(trigger.id, undefined);
    } catch (error) {
      const { code, message } = error instanceof SignalboxError ? error : { code: 'internal', message: String(error) };
      problem(trigger.id, message);
      // What a source has waits until somebody trusts its repository again: nothing of it is lost.
      const waits = PASSING.includes(code) || (code === 'not_trusted' && acknowledges(trigger.definition));
      if (!waits) await tell({ type: 'trigger/fail', trigger: trigger.id, firing: firing.id, code, message }, trigger.id);
    } finally {
      starting.delete(firing.run);
    }
  };
  return () => {
    for (const one of listStartable(coordinator.state)) if (!starting.has(one.firing.run)) void start(one);
  };
}

/** Looks at the schedules when one is due, and whenever it is told to. */
function createClock({ coordinator: { state }, now }: TriggerParts, tell: Tell, start: () => void) {
  let timer: NodeJS.Timeout | undefined;
  let working = false;
  const look = (): void => {
    clearTimeout(timer);
    if (!working || state.triggers.size === 0) return;
    const at = now();
    const triggers = [...state.triggers.values()];
    for (const trigger of triggers) for (const command of listSchedule(trigger, at)) void tell(command, trigger.id);
    start();
    const due = triggers.flatMap((trigger) => nextDue(trigger) ?? []).filter((time) => time > at);
    timer = setTimeout(look, Math.max(100, Math.min(LOOK_MS, ...due.map((time) => time - at)))).unref();
  };
  const work = (begins: boolean): void => {
    working = begins;
    look();
  };
  return { look, begin: () => work(true), end: () => work(false) };
}

const CONCERNS = /^(trigger\.|run\.(succeeded|failed|canceled)$)/;

/** What the clock has brought about for one trigger. */
function listSchedule(
  { id, definition, paused, after }: RegisteredTrigger,
  now: number,
): (CommandOf<'trigger/fire'> | CommandOf<'trigger/pass'>)[] {
  if (definition.kind !== 'cron' || paused) return [];
  const { fire, passed } = findDue(definition, Date.parse(after), now);
  const zoned = (time: number): string =>
    `${new Date(time).toLocaleString('sv-SE', { timeZone: definition.zone }).slice(0, 16)} ${definition.zone}`;
  const said =
    passed && `${passed.count}${passed.more ? ' or more times' : passed.count === 1 ? ' time' : ' times'} up to ${zoned(passed.until)}`;
  const until = passed && new Date(passed.until).toISOString();
  return [
    ...(until === undefined
      ? []
      : [{ type: 'trigger/pass', trigger: id, firing: `missed:${until}`, code: 'missed', summary: said ?? '', until } as const]),
    ...fire.map((time) => {
      const due = new Date(time).toISOString();
      const settled = settleFiring(definition, { time: due });
      const inputs = settled.fires ? settled.inputs : {};
      return {
        type: 'trigger/fire',
        trigger: id,
        firing: due,
        summary: `it was ${zoned(time)}`,
        inputs,
        depth: 0,
        by: 'daemon',
        due,
      } as const;
    }),
  ];
}

async function fireByHand(
  { coordinator, now }: TriggerParts,
  { trigger: id, id: own, inputs: given }: ValidParamsOf<'trigger/fire'>,
  origin: Origin,
): Promise<ResultOf<'trigger/fire'>> {
  const { state } = coordinator;
  const trigger = state.triggers.get(id);
  if (!trigger)
    throw new SignalboxError({ code: 'not_found', message: `There is no trigger ${id}. \`signalbox triggers\` lists those there are.` });
  const { when: _, ...definition } = trigger.definition;
  const settled = settleFiring(definition, definition.kind === 'cron' ? { time: new Date(now()).toISOString() } : {}, given);
  if (!settled.fires) {
    const message = `${settled.problem ?? ''} Nothing happened that it could come from, so give it: --input name=value.`;
    throw new SignalboxError({ code: 'invalid_params', message, facts: { trigger: id } });
  }
  const firing = `hand:${own}`;
  const summary = `${origin.principal} fired it by hand`;
  const command = {
    type: 'trigger/fire',
    trigger: id,
    firing,
    summary,
    inputs: settled.inputs,
    depth: 0,
    by: origin.principal,
    byHand: true,
  } as const;
  const result = await coordinator.submit(command, origin);
  if (!result.ok) throw new SignalboxError(result.refusal);
  const run = state.fired.get(id)?.get(firing) ?? '';
  const waits =
    definition.overlap !== 'allow' && (state.triggers.get(id)?.open ?? []).some((one) => one.run !== run && one.status !== 'ended');
  return { run, waits, existing: result.commit === undefined };
}
