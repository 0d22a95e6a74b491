/**
 * Which task goes to which agent next. Pure: it reads the state and says what to do; `decide` checks it again.
 *
 * 1. Higher priority first, then the order of submission; waiting raises a priority, so that nothing waits for ever behind what comes later.
 * 2. It never asks for more attempts than an agent has free slots.
 * 3. A task that the policy holds is tried again only when it is asked to, and of those that are held alike only some.
 */
import { slotsOf } from '../../shared/state/breaker.ts';
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

/** Tasks that are held of which so many are tried in one look, and so many of those that wait alike. */
const MAX_RETRIES = 32;
const MAX_ALIKE = 4;

/**
 * Tries the tasks again that the policy holds; each is decided anew, so most of them stay where they are. Without an end:
 * what is not tried in one look is in a later one, because `turn` counts the looks.
 */
export function retryHeld(state: State, newId: () => string, turn: number): CommandOf<'task/assign'>[] {
  const free = freeSlots(state);
  const alike = new Map<string, number>();
  const held: Task[] = [];
  for (const id of state.pending) {
    const task = state.tasks.get(id);
    if (task?.heldAt === undefined || !free.has(task.wants)) continue;
    const group = `${task.waitsFor}\n${task.wants}\n${task.run}\n${task.message}`;
    const before = alike.get(group) ?? 0;
    alike.set(group, before + 1);
    // A question concerns this task alone.
    if (before < MAX_ALIKE || task.waitsFor === 'approval') held.push(task);
  }
  held.sort((a, b) => b.priority - a.priority);
  const start = held.length <= MAX_RETRIES ? 0 : (turn * MAX_RETRIES) % held.length;
  const tried = [...held.slice(start), ...held.slice(0, start)].slice(0, MAX_RETRIES);
  return tried.map((task) => ({ type: 'task/assign', task: task.id, attempt: newId(), agent: task.wants }));
}

function freeSlots(state: State): Map<string, number> {
  const free = new Map<string, number>();
  if (state.pending.size === 0) return free;
  for (const agent of state.agents.values()) if (agent.status === 'ready' && slotsOf(agent) > 0) free.set(agent.id, slotsOf(agent));
  return free;
}

/** A task that has waited so long, in milliseconds, is worth one step of priority more. */
export const AGEING_MS = 10_000;

/** The priority of a waiting task with what its waiting adds. */
function agedPriority(task: Task, now: number): number {
  return task.priority + Math.floor(Math.max(0, now - Date.parse(task.submittedAt)) / AGEING_MS);
}

function byPriority(state: State): Task[] {
  const tasks: Task[] = [];
  let same = true;
  for (const id of state.pending) {
    const task = state.tasks.get(id);
    if (!task || task.heldAt !== undefined || task.notBefore !== undefined) continue;
    same &&= task.priority === tasks[0]?.priority || tasks.length === 0;
    tasks.push(task);
  }
  // Of one priority the oldest is first as they stand.
  if (same) return tasks;
  const now = Date.parse(state.at);
  const aged = new Map(tasks.map((task) => [task, agedPriority(task, now)]));
  return tasks.sort((a, b) => (aged.get(b) ?? 0) - (aged.get(a) ?? 0));
}
