import type { Escalation } from '../../shared/state/action.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { Command } from '../commands.ts';
import { listDue } from '../scheduler/due.ts';

const TICK_MS = 1_000;
/** A gap between two ticks of more than this means that the machine slept, in milliseconds. */
const SLEPT_MS = 15_000;

interface Ticking {
  state: State;
  /** Parts of an approval's time after which it is brought back to mind; who is told of a stage that is held up, and after how long. */
  settings: { reminders: readonly number[]; escalation: readonly Escalation[] | undefined };
  now(): number;
  tell(command: Command): Promise<unknown>;
  /** Looks at the tasks again that the policy does not let go yet. */
  retryHeld(): void;
}

/** Looks once a second at what time has brought about; does nothing while nothing waits. Returns what stops it. */
export function startClock({ state, settings, now, tell, retryHeld }: Ticking): () => void {
  let last = now();
  const tick = async (): Promise<void> => {
    const at = now();
    const gap = at - last - TICK_MS;
    last = at;
    if (state.asked.size === 0 && state.active.size === 0 && state.pending.size === 0) return;
    // Deadlines move first: nobody is late because the machine slept.
    if (gap > SLEPT_MS) await tell({ type: 'daemon/resume', sleptMs: gap });
    for (const command of listDue(state, at, settings.reminders, settings.escalation)) void tell(command);
    retryHeld();
  };
  const timer = setInterval(() => void tick(), TICK_MS);
  return () => clearInterval(timer);
}
