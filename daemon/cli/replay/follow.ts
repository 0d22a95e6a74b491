// What the engine does at once after the paths have parted, up to where an agent or a person would have to say something new.
import type { Commit, Event, NewEvent } from '../../../shared/events/envelope.ts';
import { evolve, type State } from '../../../shared/state/evolve.ts';
import { runEnded } from '../../../shared/state/run.ts';
import { stageEnded } from '../../../shared/state/stage.ts';
import { taskEnded } from '../../../shared/state/task.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { isRefusal, type Context } from '../../decide/context.ts';
import { decide } from '../../decide/decide.ts';
import { advanceRun } from '../../workflow/advance.ts';

/** What follows, as sentences, and what the run waits for then; nothing when it is over. */
export interface Following {
  follows: string[];
  waits: string[];
}

/** Steps that are worked out at most. */
const MAX_STEPS = 500;

/** Records `first` in the place of a commit and goes on from there; the state is changed. */
export function followRun(
  state: State,
  { run, definition, commit, context, first }: { run: string; definition: WorkflowDefinition | undefined } & Start,
): Following {
  const follows: string[] = [];
  const record = (events: readonly NewEvent[]): void => {
    const seq = state.seq + 1;
    const stamped = events.map((event, index): Event => ({ ...event, id: `fork-${seq}.${index}`, tenant: 'local' }));
    evolve(state, { seq, at: commit.at, principal: commit.principal, events: stamped });
    follows.push(...stamped.filter(({ type }) => !QUIET.has(type)).map(sayEvent));
  };
  record(first);
  for (let step = 0, moved = true; moved && definition && step < MAX_STEPS; ) {
    moved = false;
    const about = state.runs.get(run);
    for (const command of about ? advanceRun(state, about, definition, { taskTimeoutMs: 0 }) : []) {
      const verdict = decide(state, command, context);
      step += 1;
      if (isRefusal(verdict) || verdict.length === 0) continue;
      record(verdict);
      moved = true;
    }
  }
  return { follows, waits: listWaits(state, run) };
}

interface Start {
  commit: Pick<Commit, 'at' | 'principal'>;
  context: Context;
  first: readonly NewEvent[];
}

/** What only repeats what stands beside it. */
const QUIET = new Set<Event['type']>(['run.waiting', 'run.continued', 'stage.proposed', 'policy.decided']);

function sayEvent({ type, stage, data }: Event): string {
  const { message, reason, summary, feedback } = data as Partial<Record<string, unknown>>;
  const words = [message, reason, feedback, summary].find((text): text is string => typeof text === 'string' && text !== '');
  return `${type}${stage === undefined ? '' : ` ${stage}`}${words === undefined ? '' : `: ${words}`}`.slice(0, 400);
}

function listWaits(state: State, id: string): string[] {
  const run = state.runs.get(id);
  if (!run || runEnded(run)) return [];
  const questions = [...state.asked].flatMap((asked) => state.approvals.get(asked) ?? []).filter((approval) => approval.run === id);
  const stages = [...(state.stages.get(id)?.values() ?? [])].filter((stage) => !stageEnded(stage));
  return [
    ...questions.map(({ summary }) => `an answer: ${summary}`.slice(0, 200)),
    ...stages.flatMap(({ id: stage, status, decided, task }) => {
      const work = state.tasks.get(task ?? '');
      if (work && !taskEnded(work)) return [`${stage}, by ${work.wants}`];
      return status === 'deciding' && !decided ? [`${stage}, which would be prepared`] : [];
    }),
  ];
}
