import type { State } from '../../shared/state/evolve.ts';
import type { Firing, RegisteredTrigger } from '../../shared/state/trigger.ts';

/** The firings whose run is to be started now, oldest first: all that wait where runs may overlap, else the first when none is under way. */
export function listStartable({ triggers }: Pick<State, 'triggers'>): { trigger: RegisteredTrigger; firing: Firing }[] {
  return [...triggers.values()].flatMap((trigger) => {
    const { open, definition, paused } = trigger;
    const waiting = open.filter(({ status, byHand }) => status === 'waiting' && (!paused || byHand === true));
    const alone = definition.overlap !== 'allow';
    if (!alone) return waiting.map((firing) => ({ trigger, firing }));
    const [first] = open.some(({ status }) => status === 'running') ? [] : waiting;
    return first ? [{ trigger, firing: first }] : [];
  });
}
