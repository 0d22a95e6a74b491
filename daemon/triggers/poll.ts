/**
 * Sources that are polled: items go in once, and are acknowledged when their run has ended.
 *
 * 1. An item is acknowledged after its end is on record, and the record says so after it was done: it may be done again after a crash.
 * 2. Nothing is taken while too much is open: what a source has waits there, and is lost nowhere.
 * 3. Two polls of one source never overlap.
 */
import type { Firing, RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { Ear, Listener } from './listener.ts';

/** Items of one source that are open at once. */
const MAX_OPEN = 50;

/** A source of items; each of its steps may throw, with a sentence for the person. */
export interface Source {
  /** The items that there are now, oldest first. */
  list(): Promise<Item[]>;
  /** Tells the source that the run of an item has ended. */
  acknowledge(firing: Firing): Promise<void>;
}

export interface Item {
  /** The same for the same item. */
  id: string;
  /** What the source finds it by later, where that is not its id. */
  name?: string;
  summary: string;
  facts: Readonly<Record<string, unknown>>;
}

/** Polls every so many milliseconds, and whenever a run of the trigger has ended, until it is closed. */
export function pollSource(source: Source, everyMs: number, ear: Ear): Listener {
  let timer: NodeJS.Timeout | undefined;
  let polling: Promise<void> | undefined;
  let again = false;
  let closed = false;
  const poll = (): void => {
    clearTimeout(timer);
    if (closed) return;
    if (polling) {
      again = true;
      return;
    }
    again = false;
    polling = pollOnce(source, ear)
      .then(
        () => ear.problem(undefined),
        (error: unknown) => ear.problem(error instanceof Error ? error.message : String(error)),
      )
      .then(() => {
        polling = undefined;
        if (again) poll();
        else if (!closed) timer = setTimeout(poll, everyMs).unref();
      });
  };
  poll();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
    look({ open }: RegisteredTrigger) {
      if (open.some(({ status }) => status === 'ended')) poll();
    },
  };
}

async function pollOnce(source: Source, ear: Ear): Promise<void> {
  for (const firing of ear.trigger()?.open ?? []) {
    if (firing.status !== 'ended') continue;
    await source.acknowledge(firing);
    await ear.acknowledge(firing.id);
  }
  const open = (): number => ear.trigger()?.open.length ?? MAX_OPEN;
  if (open() >= MAX_OPEN) return;
  for (const { id, name, summary, facts } of await source.list()) {
    if (open() >= MAX_OPEN) return;
    const heard = await ear.hear({ firing: `item:${id}`, summary, facts, keep: true, ...(name === undefined ? {} : { item: name }) });
    if (heard.kind === 'refused') throw new Error(heard.message);
  }
}
