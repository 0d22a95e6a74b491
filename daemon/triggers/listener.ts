/** What listens for one trigger outside of the record: to files, to folders, to programs. */
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';

/** Something that happened, for which a trigger may fire. */
export interface Happened {
  /** The same for the same, also after a restart. */
  firing: string;
  /** What there is below `trigger` in conditions and inputs. */
  facts: Readonly<Record<string, unknown>>;
  /** What happened, in a few words. */
  summary: string;
  /** The facts are kept whole, as an artifact that the record names. */
  keep?: boolean;
  /** Of a source: what it finds the item by. */
  item?: string;
}

/** What came of it: a run, or why there is none. */
export type Heard =
  | { kind: 'fired'; run: string; existing: boolean }
  | { kind: 'passed'; code: string }
  | { kind: 'unwanted' }
  | { kind: 'refused'; code: string; message: string };

/** How a listener tells what happened, and what keeps it from listening (nothing, once it works again). */
export interface Ear {
  hear(happened: Happened): Promise<Heard>;
  problem(message: string | undefined): void;
  /** The trigger as it is on record now. */
  trigger(): RegisteredTrigger | undefined;
  /** The source was told that the run of a firing has ended. */
  acknowledge(firing: string): Promise<void>;
}

export interface Listener {
  close(): void;
  /** Something about the trigger has changed: a run of it ended, for instance. */
  look?(trigger: RegisteredTrigger): void;
}

/** Begins to listen for a trigger; undefined for one that nothing outside of the record fires. */
export type Listen = (trigger: RegisteredTrigger, ear: Ear) => Listener | undefined;
