import type { NewEvent } from '../../shared/events/envelope.ts';
import { slotsOf } from '../../shared/state/breaker.ts';
import type { State } from '../../shared/state/evolve.ts';
import { CHILD_BOUNDS } from '../../shared/protocol/agent-tools.ts';
import type { Refusal } from '../../shared/protocol/errors.ts';
import { tasksOf } from '../../shared/state/select.ts';
import { isDeadLetter, taskEnded, TASK_TABLE, type Task } from '../../shared/state/task.ts';
import { mayMove } from '../../shared/state/table.ts';
import type { CommandOf } from '../commands.ts';
import { askPerson, settleTaskApprovals } from './approval.ts';
import { event, ofTask, refuse, type Context, type Verdict } from './context.ts';
import { boundTimeout, explainDecision, held, judgeDispatch, judgeSubmission } from './steps.ts';

/** A task with this id is submitted once; saying it again changes nothing. */
export function submitTask(state: State, command: CommandOf<'task/submit'>, context: Context): Verdict {
  const { type: _, task, run, stage, ...data } = command;
  const known = state.tasks.get(task);
  if (known) {
    const same = known.wants === data.wants && known.action === data.action && known.run === run;
    return same ? [] : refuse('id_taken', `The id ${task} belongs to another task.`, { task });
  }
  if (!state.agents.has(data.wants)) {
    return refuse('agent_unknown', `No agent ${data.wants} is registered. \`signalbox agents\` lists those that are.`, {
      agent: data.wants,
    });
  }
  const unwanted = data.parent === undefined ? undefined : refuseChild(state, data.parent);
  if (unwanted) return unwanted;
  const repo = run === undefined ? undefined : state.runs.get(run)?.repo;
  const of = ofTask({
    id: task,
    ...(run === undefined ? {} : { run }),
    ...(stage === undefined ? {} : { stage }),
    ...(repo === undefined ? {} : { repo }),
  });
  const judged = judgeSubmission(state, command, of, context);
  const timeoutMs = boundTimeout(data, judged?.decision.obligations ?? {}, context.taskTimeoutMs);
  const submitted = event('task.submitted', `task/${task}`, of, { ...data, timeoutMs });
  if (!judged) return [submitted];
  const why = explainDecision(judged.decision);
  switch (judged.decision.effect) {
    case 'deny':
      return run === undefined || stage === undefined || data.part === 'child'
        ? refuse('policy_denied', why, { rules: judged.decision.reasons })
        : [judged.decided, event('stage.failed', `run/${run}`, judged.wanted.of, { code: 'policy_denied', message: why.slice(0, 2_000) })];
    case 'require_approval':
      return [submitted, judged.decided, ...askPerson(state, judged, context), held({ ...of, id: task }, 'approval', why)];
    default:
      return [judged.decided, submitted];
  }
}

/** A task may have others do parts of it, so deep and so many; undefined when one more may be. */
function refuseChild(state: State, id: string): Refusal | undefined {
  const { depth, perTask, perRun } = CHILD_BOUNDS;
  const parent = state.tasks.get(id);
  if (!parent || taskEnded(parent)) return refuse('stale_lease', 'The task that it would be a part of has ended.', { task: id });
  let above = 0;
  for (let task: Task | undefined = parent; task?.parent !== undefined; task = state.tasks.get(task.parent)) above += 1;
  if (above >= depth) return refuse('too_many', `Tasks of tasks go ${depth} deep at most. Do it yourself.`, { limit: depth });
  if ((parent.children?.length ?? 0) >= perTask)
    return refuse('too_many', `A task may submit ${perTask} others at most.`, { limit: perTask });
  const ofRun = parent.run === undefined ? 0 : tasksOf(state, parent.run).filter((task) => task.parent !== undefined).length;
  if (ofRun >= perRun) return refuse('too_many', `The agents of one run may submit ${perRun} tasks at most.`, { limit: perRun });
  return undefined;
}

/** What ends the tasks that a task's agent submitted and that have not ended. */
export function cancelChildren(state: State, task: Task): NewEvent[] {
  const open = (task.children ?? []).flatMap((id) => state.tasks.get(id) ?? []).filter((child) => !taskEnded(child));
  return open.flatMap((child) => cancelEvents(state, child, 'The task that it was a part of has ended.'));
}

/** Gives a pending task to an agent: a lease with the next token, and a new attempt. */
export function assignTask(state: State, command: CommandOf<'task/assign'>, context: Context): Verdict {
  const task = state.tasks.get(command.task);
  const agent = state.agents.get(command.agent);
  if (!task || !agent) return refuse('not_found', `There is no task ${command.task} or no agent ${command.agent}.`);
  if (task.status !== 'pending' || task.notBefore !== undefined) return [];
  if (agent.status !== 'ready') return refuse('invalid_transition', `The agent ${agent.id} is ${agent.status}.`, { agent: agent.id });
  if (slotsOf(agent) === 0)
    return refuse('invalid_transition', `The agent ${agent.id} rests: its breaker is ${agent.breaker?.state ?? 'closed'}.`, {
      agent: agent.id,
    });
  const dispatch = judgeDispatch(state, task, agent, context);
  if (!dispatch.goes) return dispatch.events;
  const token = task.token + 1;
  const of = { ...ofTask(task), attempt: command.attempt, agent: agent.id };
  const { host, bootId } = context;
  return [
    ...dispatch.events,
    event('task.assigned', `task/${task.id}`, of, { token, leaseMs: task.timeoutMs }),
    event('attempt.starting', `attempt/${command.attempt}`, of, { token, host, bootId }),
  ];
}

/** The wait before the next try of a task is over. */
export function wakeTask(state: State, command: CommandOf<'task/wake'>, context: Context): Verdict {
  const task = state.tasks.get(command.task);
  if (!task || task.status !== 'pending' || task.notBefore === undefined || Date.parse(task.notBefore) > context.now) return [];
  return [event('task.due', `task/${task.id}`, ofTask(task), {})];
}

/** Takes a dead letter up again, as if it were new. Of a run, the stage is done again instead. */
export function reviveTask(state: State, { task: id, by }: CommandOf<'task/revive'>): Verdict {
  const task = state.tasks.get(id);
  if (!task) return refuse('not_found', `There is no task ${id} in memory. What has gone to the archive is submitted anew.`, { task: id });
  if (task.status === 'pending' && task.failures === 0) return [];
  if (!isDeadLetter(task, undefined, undefined))
    return refuse('invalid_transition', `The task is no dead letter (${task.status}).`, { task: id, status: task.status });
  return [event('task.revived', `task/${id}`, ofTask(task), { by })];
}

/** Ends a task that waits at once; asks the attempt of one that runs to end. */
export function cancelTask(state: State, command: CommandOf<'task/cancel'>): Verdict {
  const task = state.tasks.get(command.task);
  if (!task) return refuse('not_found', `There is no task ${command.task}.`, { task: command.task });
  if (task.status === 'canceled' || task.cancelReason !== undefined) return [];
  if (taskEnded(task)) return refuse('invalid_transition', `The task has ended already (${task.status}).`, { task: task.id });
  return cancelEvents(state, task, command.reason || 'asked to cancel');
}

/** What ends a task that has not ended. */
export function cancelEvents(state: State, task: Task, reason: string): NewEvent[] {
  if (task.cancelReason !== undefined) return [];
  if (task.status === 'pending' && mayMove(TASK_TABLE, task.status, 'canceled'))
    return [
      ...settleTaskApprovals(state, task),
      event('task.canceled', `task/${task.id}`, ofTask(task), { reason }),
      ...cancelChildren(state, task),
    ];
  const of = { ...ofTask(task), ...(task.attempt === undefined ? {} : { attempt: task.attempt }) };
  return [event('task.cancel_requested', `task/${task.id}`, of, { reason })];
}
