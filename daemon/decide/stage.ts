import type { NewEvent } from '../../shared/events/envelope.ts';
import type { Refusal } from '../../shared/protocol/errors.ts';
import type { State } from '../../shared/state/evolve.ts';
import { STAGE_TABLE, type Run, type Stage, type StageStatus } from '../../shared/state/run.ts';
import { mergeAhead } from '../../shared/state/merge-turn.ts';
import { approvalsOf, stageOf } from '../../shared/state/select.ts';
import { stageEnded } from '../../shared/state/stage.ts';
import { mayMove } from '../../shared/state/table.ts';
import type { CommandOf } from '../commands.ts';
import { askFor, askPerson, settleAll } from './approval.ts';
import { event, ofRun, refuse, type Context, type Verdict } from './context.ts';
import { cancelChildren } from './run.ts';
import { explainDecision, judgeAdvance } from './steps.ts';
import { useFailureAnswer } from './stuck.ts';

/** A stage whose branch moved is asked anew so often, then it fails. */
const MAX_ROUNDS = 5;

interface Target {
  run: Run;
  stage: Stage | undefined;
}

function find(state: State, command: { run: string; stage: string }): Target | Refusal {
  const run = state.runs.get(command.run);
  if (!run) return refuse('not_found', `There is no run ${command.run}.`, { run: command.run });
  return { run, stage: stageOf(state, command.run, command.stage) };
}

const stream = (run: Run) => `run/${run.id}`;

/** Begins a stage, or begins it anew when what was decided no longer fits. Without anything to decide it is admitted at once. */
export function startStage(state: State, command: CommandOf<'stage/start'>, context: Context): Verdict {
  const found = find(state, command);
  if ('code' in found) return found;
  const { run, stage } = found;
  const again = command.again;
  const begun = again ? ['deciding', 'admitted', 'running', 'checking'] : ['running', 'admitted'];
  if (stage && !begun.includes(stage.status)) return [];
  if (command.merges && mergeAhead(state, run)) return [];
  const round = (stage?.round ?? 0) + 1;
  const of = ofRun(run, command.stage);
  if (!again && round - (stage?.again ?? 0) > MAX_ROUNDS)
    return [
      event('stage.failed', stream(run), of, {
        code: 'moved_too_often',
        message: `What it works on changed ${MAX_ROUNDS} times while it was decided.`,
      }),
    ];
  const withdrawn = round > 1 ? withdraw(state, run, command.stage, 'What it was about has changed.') : [];
  const started = event('stage.started', stream(run), of, { round, ...describeStart(state, run, stage, command) });
  const advance = judgeAdvance(state, run, command, context);
  if (advance?.decision.effect === 'deny') {
    const message = explainDecision(advance.decision).slice(0, 2_000);
    return [...withdrawn, advance.decided, event('stage.failed', stream(run), of, { code: 'policy_denied', message })];
  }
  const question = advance?.decision.effect === 'require_approval' ? askPerson(state, advance, context) : [];
  const decided = advance ? [advance.decided, ...question] : [];
  if (command.prepare) return [...withdrawn, started, ...decided];
  const proposed = event('stage.proposed', stream(run), of, { count: advance ? 1 : 0, facts: {} });
  const admitted = question.length > 0 ? [] : [event('stage.admitted', stream(run), of, { results: [] })];
  return [...withdrawn, started, ...decided, proposed, ...admitted];
}

/** What whoever does it again must know: which turn it is, what was wrong, and where the earlier work stands. */
function describeStart(state: State, run: Run, stage: Stage | undefined, { stage: id, again, slaMs, merges }: CommandOf<'stage/start'>) {
  const turn = run.turns?.[id] ?? 1;
  const back = stage === undefined && turn > 1 ? run.returns?.findLast((r) => r.to === id || r.told?.includes(id)) : undefined;
  const feedback = again?.feedback ?? back?.feedback;
  const from = again ? (state.tasks.get(stage?.task ?? '')?.commit ?? stage?.from) : back ? run.earlier?.[id] : undefined;
  return {
    ...(turn > 1 ? { turn } : {}),
    ...(again ? { again: (stage?.again ?? 0) + 1 } : {}),
    ...(feedback === undefined ? {} : { feedback }),
    ...(from === undefined ? {} : { from }),
    ...(slaMs === undefined || stage ? {} : { slaMs }),
    ...(merges ? { merges } : {}),
  };
}

/** A time that a stage should keep is nearly over, or over. Each is said once. */
export function noteLate(state: State, command: CommandOf<'stage/late'>): Verdict {
  const found = find(state, command);
  if ('code' in found) return found;
  const { run, stage } = found;
  const { what, level } = command;
  const deadline = stage?.deadlines?.find((one) => one.what === what);
  if (!deadline || stageEnded(stage) || deadline.level === level || deadline.level === 'missed') return [];
  const dueAt = new Date(Date.parse(deadline.from) + deadline.ms).toISOString();
  return [event('stage.late', stream(run), ofRun(run, command.stage), { what, level, dueAt })];
}

/** Its work is there; what must hold of it is looked at. */
export function checkStage(state: State, command: CommandOf<'stage/check'>): Verdict {
  const { values, commit } = command;
  const data = { values, ...(commit === undefined ? {} : { commit }) };
  return move(state, command, 'checking', (run) => [event('stage.checking', stream(run), ofRun(run, command.stage), data)]);
}

export function judgeStage(state: State, command: CommandOf<'stage/judge'>): Verdict {
  const found = find(state, command);
  if ('code' in found) return found;
  const { run, stage } = found;
  if (stage?.status !== 'checking' || stage.judged !== undefined || stage.round !== command.round) return [];
  return [event('stage.judged', stream(run), ofRun(run, command.stage), { results: command.results })];
}

/** Puts a stage's actions to the policy: each decision is recorded, and a question asked where one is needed. */
export function proposeActions(state: State, command: CommandOf<'stage/propose'>, context: Context): Verdict {
  const found = find(state, command);
  if ('code' in found) return found;
  const { run, stage } = found;
  // Who has to sign the work off is asked when it is there.
  const open = stage?.status === 'deciding' ? !stage.decided : stage?.status === 'checking' && stage.judged === undefined;
  if (!stage || !open || stage.round !== command.round) return [];
  const known = new Set(stage.proposed.map((p) => p.key));
  const fresh = command.proposals.filter((p) => !known.has(p.key));
  const events = fresh.flatMap((proposal) => askFor(state, { ...proposal, of: ofRun(run, stage.id), stream: stream(run) }, context));
  if (!command.done) return events;
  return [
    ...events,
    event('stage.proposed', stream(run), ofRun(run, stage.id), { count: known.size + fresh.length, facts: command.facts }),
  ];
}

/** There is a stage for each item of the list now; nothing when the definition has changed since, so that it is made anew. */
export function expandStage(state: State, command: CommandOf<'stage/expand'>): Verdict {
  const found = find(state, command);
  if ('code' in found) return found;
  const { run, stage } = found;
  if (stage?.status !== 'admitted' || run.workflow.digest !== command.from) return [];
  const { digest, items } = command;
  return [event('stage.expanded', stream(run), ofRun(run, command.stage), { digest, items })];
}

function move(
  state: State,
  command: { run: string; stage: string },
  to: StageStatus,
  make: (run: Run, stage: Stage | undefined) => NewEvent[],
): Verdict {
  const found = find(state, command);
  if ('code' in found) return found;
  const { run, stage } = found;
  if (stage?.status === to) return [];
  if (stage && !mayMove(STAGE_TABLE, stage.status, to)) {
    return refuse('invalid_transition', `A stage that is ${stage.status} cannot become ${to}.`, { run: run.id, stage: stage.id });
  }
  return make(run, stage);
}

export function admitStage(state: State, command: CommandOf<'stage/admit'>): Verdict {
  return move(state, command, 'admitted', (run) => [
    event('stage.admitted', stream(run), ofRun(run, command.stage), { results: command.results }),
  ]);
}

export function completeStage(state: State, command: CommandOf<'stage/complete'>): Verdict {
  const { values, commit, chosen } = command;
  const data = { values, ...(commit === undefined ? {} : { commit }), ...(chosen === undefined ? {} : { chosen }) };
  return move(state, command, 'completed', (run) => [event('stage.completed', stream(run), ofRun(run, command.stage), data)]);
}

export function failStage(state: State, command: CommandOf<'stage/fail'>): Verdict {
  const { code, message } = command;
  return move(state, command, 'failed', (run) => [
    ...withdraw(state, run, command.stage, 'The stage failed.'),
    event('stage.failed', stream(run), ofRun(run, command.stage), { code, message }),
  ]);
}

export function skipStage(state: State, command: CommandOf<'stage/skip'>): Verdict {
  const { reason, cause } = command;
  return move(state, command, 'skipped', (run) => [
    ...useFailureAnswer(state, run, command.stage),
    event('stage.skipped', stream(run), ofRun(run, command.stage), { reason, cause }),
  ]);
}

export function cancelStage(state: State, command: CommandOf<'stage/cancel'>): Verdict {
  const { reason } = command;
  // One that came to an end of its own meanwhile needs no other.
  if (stageEnded(stageOf(state, command.run, command.stage))) return [];
  return move(state, command, 'canceled', (run) => [
    ...withdraw(state, run, command.stage, 'The run was canceled.'),
    ...cancelChildren(state, run.id, reason, command.stage),
    event('stage.canceled', stream(run), ofRun(run, command.stage), { reason }),
  ]);
}

/** What a stage asked before it began is asked no more; what an attempt of it asked ends with its task. */
function withdraw(state: State, run: Run, stage: string, reason: string): NewEvent[] {
  const mine = approvalsOf(state, run.id).filter((a) => a.stage === stage && a.task === undefined);
  const answers = useFailureAnswer(state, run, stage);
  const unused = mine.filter((a) => !answers.some((used) => used.stream === `approval/${a.id}`));
  return [...answers, ...settleAll(unused, reason)];
}
