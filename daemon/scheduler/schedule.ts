/**
 * Which task goes to which agent next. Pure: it reads the state and says what to do; `decide` checks it again.
 *
 * 1. Higher priority first, then the order of submission.
 * 2. It never asks for more attempts than an agent has free slots.
 */
import type { State } from '../../shared/state/evolve.ts';
import type { Task } from '../../shared/state/task.ts';
import type { CommandOf } from '../commands.ts';

/** The assignments that are possible now; `newId` names the attempts. */
export function assignPending(state: State, newId: () => string): CommandOf<'task/assign'>[] {
  const free = freeSlots(state);
  if (free.size === 0) return [];
  const assignments: CommandOf<'task/assign'>[] = [];
  for (const task of byPriority(state)) {
    const slots = free.get(task.wants) ?? 0;
    if (slots === 0) continue;
    assignments.push({ type: 'task/assign', task: task.id, attempt: newId(), agent: task.wants });
    if (slots === 1) free.delete(task.wants);
    else free.set(task.wants, slots - 1);
    if (free.size === 0) break;
  }
  return assignments;
}

function freeSlots(state: State): Map<string, number> {
  const free = new Map<string, number>();
  if (state.pending.size === 0) return free;
  for (const agent of state.agents.values())
    if (agent.status === 'ready' && agent.used < agent.slots) free.set(agent.id, agent.slots - agent.used);
  return free;
}

function byPriority(state: State): Task[] {
  const tasks: Task[] = [];
  let same = true;
  for (const id of state.pending) {
    const task = state.tasks.get(id);
    if (!task) continue;
    same &&= task.priority === tasks[0]?.priority || tasks.length === 0;
    tasks.push(task);
  }
  return same ? tasks : tasks.sort((a, b) => b.priority - a.priority);
}
