/**
 * Whether the engine would record again what it recorded about a run. Pure: the state before and the commit come in, what does not fit goes out.
 *
 * 1. A step was worked out on the state after its cause and decided on the state before its commit, so both are looked at.
 * 2. What people, agents and branches said is given; only what follows from it is checked.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Commit, Event } from '../../../shared/events/envelope.ts';
import type { Decision } from '../../../shared/state/action.ts';
import type { State } from '../../../shared/state/evolve.ts';
import { stageOf } from '../../../shared/state/select.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import type { Command } from '../../commands.ts';
import { isRefusal, type Context } from '../../decide/context.ts';
import { decide } from '../../decide/decide.ts';
import { advanceRun } from '../../workflow/advance.ts';

/** Where the record and a replay part. */
export interface Difference {
  event: string;
  at: string;
  /** What was recorded, and what comes out now. */
  recorded: string;
  replayed: string;
}

/** Checks the commits of one run, in order: `before` on the state before each, `after` on the state with it. */
export interface EngineCheck {
  before(state: State, commit: Commit): Difference | undefined;
  after(state: State, commit: Commit): void;
  /** The step of the engine that a commit records, on the state before it; undefined when it is none. */
  commandBehind(state: State, commit: Commit): Command | undefined;
  /** Steps of the engine that were checked. */
  readonly steps: number;
}

const STEPS = new Set<Event['type']>([
  'run.started',
  'run.waiting',
  'run.continued',
  'run.returned',
  'run.succeeded',
  'run.failed',
  'run.canceled',
  'stage.started',
  'stage.admitted',
  'stage.deliberating',
  'stage.checking',
  'stage.stuck',
  'stage.completed',
  'stage.failed',
  'stage.skipped',
  'stage.canceled',
  'handoff.accepted',
  'task.submitted',
  'workspace.merge_started',
]);
/** Events of a run alone that change nothing about which stages may go on. */
const NO_STEP = new Set<Event['type']>(['run.waiting', 'run.continued', 'run.submitted']);
/** Proposals of a stage that may still be on their way when others are recorded. */
const MAX_REMEMBERED = 8;

/** The first event of a step, what the engine would do there, and the command of that which comes out as it was recorded. */
interface Looked {
  first: Event;
  fresh: readonly Command[];
  command: Command | undefined;
}

/** Begins the check of a run; `definitionOf` gives the workflow by its digest. */
export function createEngineCheck(run: string, definitionOf: (digest: string) => WorkflowDefinition | undefined): EngineCheck {
  const proposed = new Map<string, Command[]>();
  let steps = 0;
  const propose = (state: State, touched: ReadonlySet<string> | undefined): Command[] => {
    const about = state.runs.get(run);
    const definition = about && definitionOf(about.workflow.digest);
    return definition ? advanceRun(state, about, definition, { taskTimeoutMs: 0, touched }) : [];
  };
  const look = (state: State, commit: Commit): Looked | undefined => {
    const mine = commit.events.filter((event) => event.run === run);
    const [first] = mine.filter((event) => STEPS.has(event.type));
    if (!first || !isEngineStep(state, first)) return undefined;
    const now = [first.stage === undefined ? new Set<string>() : new Set([first.stage]), ...(first.stage === undefined ? [undefined] : [])];
    const fresh = now.flatMap((touched) => propose(state, touched));
    const known = [...fresh, ...(proposed.get(first.stage ?? '') ?? [])];
    const context = recordedContext(commit, mine);
    return { first, fresh, command: known.find((command) => explains(state, command, context, mine)) };
  };
  return {
    before(state, commit) {
      const looked = look(state, commit);
      if (!looked) return undefined;
      steps += 1;
      const { first, fresh, command } = looked;
      if (command) return undefined;
      const others = [...new Set(fresh.map(sayCommand))].slice(0, 5);
      const replayed = others.length === 0 ? 'The engine would do nothing.' : `The engine would do: ${others.join(', ')}.`;
      return { event: first.id, at: commit.at, recorded: sayEvent(first), replayed };
    },
    after(state, commit) {
      const mine = commit.events.filter((event) => event.run === run);
      if (mine.length === 0) return;
      const whole = mine.some((e) => e.type === 'run.returned' || (e.stage === undefined && !NO_STEP.has(e.type)));
      const touched = new Set(mine.flatMap((event) => event.stage ?? []));
      for (const command of propose(state, whole ? undefined : touched)) {
        const key = 'stage' in command ? (command.stage ?? '') : '';
        proposed.set(key, [...(proposed.get(key) ?? []), command].slice(-MAX_REMEMBERED));
      }
    },
    commandBehind: (state, commit) => look(state, commit)?.command,
    get steps() {
      return steps;
    },
  };
}

/** What a person asked for, and a preparation that failed, do not follow from the state. */
function isEngineStep(state: State, first: Event): boolean {
  if (first.type === 'run.returned') return first.data.by === 'workflow';
  if (first.type === 'stage.skipped') return first.data.cause !== 'person';
  if (first.type === 'task.submitted') return first.stage !== undefined;
  // A list that could not be read is what an artifact, or a value, said.
  if (first.type !== 'stage.failed') return true;
  if (first.data.code === 'matrix_items') return false;
  const stage = stageOf(state, first.run ?? '', first.stage ?? '');
  return stage?.status !== 'deciding' || stage.decided || stage.missing !== undefined;
}

function explains(state: State, command: Command, context: Context, recorded: readonly Event[]): boolean {
  const verdict = decide(state, command, context);
  return !isRefusal(verdict) && isDeepStrictEqual(strip(verdict), strip(recorded));
}

/** What was decided about actions is checked by the policies, and ids are whatever they are. */
function strip(events: readonly Pick<Event, 'type' | 'stage' | 'task' | 'data'>[]): unknown {
  const steps = events.filter(({ type }) => STEPS.has(type));
  // Older records do not say what is critical; nothing that is checked here follows from it.
  return JSON.parse(
    JSON.stringify(steps.map(({ type, stage, task, data }) => ({ type, stage, task, data: { ...data, critical: undefined } }))),
  );
}

/** Time, ids and the word of the policy as they were recorded. */
export function recordedContext(commit: Commit, events: readonly Event[]): Context {
  const decided = events.flatMap((event) => (event.type === 'policy.decided' ? [event.data] : []));
  const submitted = events.find((event) => event.type === 'task.submitted');
  const nobody: Decision = { effect: 'allow', reasons: [], obligations: {} };
  return {
    now: Date.parse(commit.at),
    principal: commit.principal,
    epoch: '',
    host: '',
    bootId: '',
    newId: () => '',
    random: () => 0,
    judge: (action) => decided.find(({ kind, summary }) => kind === action.kind && summary === action.summary)?.decision ?? nobody,
    admits: () => false,
    permits: (kind) => !decided.some((one) => one.kind === kind),
    digest: () => '',
    approvalMs: 0,
    taskTimeoutMs: submitted?.data.timeoutMs ?? 0,
  };
}

const sayCommand = (command: Command): string =>
  'stage' in command && command.stage !== undefined ? `${command.type} ${command.stage}` : command.type;
const sayEvent = ({ type, stage, data }: Event): string =>
  `${type}${stage === undefined ? '' : ` ${stage}`} ${JSON.stringify(data)}`.slice(0, 400);
