/**
 * The daemon's own steps, put to the policy like anybody's actions: a task is submitted, a task goes to its agent, a stage
 * starts. What the rules allow whatever it is costs nothing here, and is not recorded each time.
 *
 * 1. A task that the policy does not let go yet stays pending and says why; that is recorded once, not at every look.
 * 2. A refusal that nothing could change by itself is final: nothing waits for ever.
 */
import type { Correlation, NewEvent } from '../../shared/events/envelope.ts';
import type { Action, Decision } from '../../shared/state/action.ts';
import type { Agent } from '../../shared/state/agent.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Run } from '../../shared/state/run.ts';
import type { Task } from '../../shared/state/task.ts';
import type { CommandOf } from '../commands.ts';
import { approvalsOfTask, askPerson, judge, settleAll, settleTaskApprovals, type Judged } from './approval.ts';
import { event, ofTask, type Context } from './context.ts';

/** A held task says so anew, when the reason is another, only after so long, in milliseconds. */
const SAY_AGAIN_MS = 60_000;
/** Agents that think work longer than commands do. */
const PROMPT_TIMEOUT_MS = 3_600_000;
/** What changes by itself as time passes and other work ends. */
const PASSING = /^context\.(running|agent|usage\.day|usage\.agent)\b/;

type Submission = CommandOf<'task/submit'>;

/** The decision about a task that is submitted; undefined when the rules allow every submission. */
export function judgeSubmission(state: State, command: Submission, of: Correlation, context: Context): Judged | undefined {
  if (context.permits('task.submit', of.repo ?? '')) return undefined;
  const { task, run = '', stage = '', wants, priority, timeoutMs } = command;
  const what = describeWork(command);
  const action: Action = {
    kind: 'task.submit',
    ...{ summary: `Submit to ${wants}: ${what}`.slice(0, 500), agent: wants, run, stage, task, repo: of.repo ?? '', risk: 'low' },
    ...{ principal: context.principal, what, priority, timeoutMs },
  };
  return judge(state, { key: 'submit', action, show: {}, of, stream: `task/${task}` }, context);
}

/** What an agent is asked to do: the prompt where there is one, else the command, else the name of the action. */
function describeWork({ action, payload }: Pick<Task, 'action' | 'payload'>): string {
  const { prompt, argv } = payload;
  if (typeof prompt === 'string' && prompt !== '') return prompt.slice(0, 2_000);
  return Array.isArray(argv) && argv.length > 0 ? argv.join(' ').slice(0, 2_000) : action;
}

/**
 * The timeout that a task gets, in milliseconds: what was said, else what a rule says, else an hour for a prompt and the
 * setting for anything else; all of it within the bounds of the rules.
 */
export function boundTimeout(
  { timeoutMs, payload }: Pick<Task, 'timeoutMs' | 'payload'>,
  { timeout }: Decision['obligations'],
  setting: number,
): number {
  const usual = payload['prompt'] === undefined ? setting : PROMPT_TIMEOUT_MS;
  return Math.min(timeoutMs || (timeout?.defaultMs ?? usual), timeout?.maxMs ?? Infinity);
}

/** What a decision says in one sentence or more: the messages of the rules with its effect. */
export function explainDecision({ effect, reasons }: Decision): string {
  return reasons
    .filter((reason) => reason.effect === effect)
    .map((reason) => reason.message)
    .join(' ');
}

/** The decision about a stage that is to start; undefined when the rules allow every one. */
export function judgeAdvance(state: State, run: Run, command: CommandOf<'stage/start'>, context: Context): Judged | undefined {
  const { repo = '' } = run;
  if (context.permits('stage.advance', repo)) return undefined;
  const { stage } = command;
  const action: Action = {
    kind: 'stage.advance',
    ...{ summary: `Start the stage ${stage} of ${run.workflow.name}`, agent: 'daemon', run: run.id, stage, task: '', repo, risk: 'low' },
    ...{ workflow: run.workflow.name, base: run.base ?? '', always: command.always ?? false },
  };
  const of: Correlation = { ...(run.repo === undefined ? {} : { repo }), run: run.id, stage };
  return judge(state, { key: 'start', action, show: {}, of, stream: `run/${run.id}` }, context);
}

/** Whether a task may go to its agent now, with what is to be recorded in either case. */
export interface Dispatch {
  goes: boolean;
  events: NewEvent[];
}

/** Puts the dispatch of a pending task to the policy. */
export function judgeDispatch(state: State, task: Task, agent: Agent, context: Context): Dispatch {
  const asked = task.waitsFor === 'approval' ? approvalsOfTask(state, task) : [];
  const admission = settleSubmission(
    task,
    asked.filter((a) => a.key === 'submit'),
  );
  if (admission && !admission.goes) return admission;
  const before = admission?.events ?? [];
  if (context.permits('task.dispatch', task.repo ?? '')) return { goes: true, events: before };
  const judged = judge(state, { ...wantDispatch(task, agent) }, context);
  switch (judged.decision.effect) {
    case 'deny':
      return { goes: false, events: denyDispatch(state, task, judged, context) };
    case 'require_approval': {
      const dispatch = askToDispatch(state, task, judged, context);
      return { goes: dispatch.goes, events: [...before, ...dispatch.events] };
    }
    default:
      return { goes: true, events: [...before, judged.decided] };
  }
}

function wantDispatch(task: Task, agent: Agent) {
  const what = describeWork(task);
  const { id, run = '', stage = '', repo = '', priority, timeoutMs } = task;
  const action: Action = {
    kind: 'task.dispatch',
    ...{ summary: `Hand to ${agent.id}: ${what}`.slice(0, 500), agent: agent.id, run, stage, task: id, repo, risk: 'low' },
    ...{ what, priority, timeoutMs, attempt: task.token + 1 },
  };
  return { key: 'dispatch', action, show: {}, of: { ...ofTask(task), agent: agent.id }, stream: `task/${id}` };
}

/** What became of the question whether the task may be submitted at all; undefined when there was none. */
function settleSubmission(task: Task, asked: ReturnType<typeof approvalsOfTask>): Dispatch | undefined {
  const open = asked.find((a) => a.status !== 'used');
  if (!open) return undefined;
  if (open.status === 'pending') return { goes: false, events: [] };
  if (open.status === 'granted') return { goes: true, events: [use(task, open.id)] };
  return { goes: false, events: [fail(task, `The task was not allowed: ${open.reason || open.status}`)] };
}

function denyDispatch(state: State, task: Task, { decided, decision }: Judged, context: Context): NewEvent[] {
  const reason = explainDecision(decision);
  const passing = decision.reasons
    .filter((r) => r.effect === 'deny')
    .every((r) => Object.keys(r.values).some((path) => PASSING.test(path)));
  if (!passing) return [decided, ...settleTaskApprovals(state, task), fail(task, reason)];
  return hold(task, 'quota', reason, context) ? [decided, held(task, 'quota', reason)] : [];
}

function askToDispatch(state: State, task: Task, judged: Judged, context: Context): Dispatch {
  const mine = approvalsOfTask(state, task).filter((a) => a.key === 'dispatch');
  const same = mine.filter((a) => a.digest === judged.digest);
  const grant = same.find((a) => a.status === 'granted');
  if (grant) return { goes: true, events: [judged.decided, use(task, grant.id)] };
  if (same.some((a) => a.status === 'pending')) return { goes: false, events: [] };
  const no = same.find((a) => a.status === 'denied' || a.status === 'expired');
  if (no) return { goes: false, events: [fail(task, `Its dispatch was not allowed: ${no.reason || no.status}`)] };
  const outdated = settleAll(
    mine.filter((a) => a.digest !== judged.digest),
    'What was asked has changed.',
  );
  const reason = explainDecision(judged.decision);
  return { goes: false, events: [judged.decided, ...outdated, ...askPerson(state, judged, context), held(task, 'approval', reason)] };
}

function hold(task: Task, waitsFor: 'quota' | 'approval', reason: string, context: Context): boolean {
  if (task.waitsFor !== waitsFor) return true;
  return task.message !== reason.slice(0, 1_000) && context.now - Date.parse(task.heldAt ?? '') >= SAY_AGAIN_MS;
}

/** What says that a task has to wait, and why. */
export function held(task: Pick<Task, 'id' | 'run' | 'stage' | 'repo'>, waitsFor: 'quota' | 'approval', reason: string): NewEvent {
  return event('task.held', `task/${task.id}`, ofTask(task), { waitsFor, reason: reason.slice(0, 1_000) });
}

function use(task: Task, approval: string): NewEvent {
  return event('approval.used', `approval/${approval}`, ofTask(task), { approval });
}

function fail(task: Task, message: string): NewEvent {
  const data = { code: 'policy_denied', message: message.slice(0, 2_000), deadLetter: task.run === undefined };
  return event('task.failed', `task/${task.id}`, ofTask(task), data);
}
