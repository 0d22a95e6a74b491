/**
 * The one writer. Commands wait in one queue; all that wait are decided against a tentative state, appended to the
 * journal in one batch, and only then seen by anybody.
 *
 * 1. Nobody is answered, told or shown what is not durable.
 * 2. The tentative state is seen by `decide` only, and is ahead of the published one by the batch under way, at most.
 * 3. When the journal fails, nothing is answered any more and `onFatal` is called: the daemon must stop.
 * 4. Time never goes back: `at` is at least that of the commit before.
 * 5. State, tentative state and journal stand at the same commit before and behind each batch; otherwise the daemon stops.
 */
import type { Commit, NewEvent, Event, UnchainedCommit } from '../../shared/events/envelope.ts';
import { LOCAL_TENANT, MAX_COMMIT_BYTES } from '../../shared/events/envelope.ts';
import { evolve, type State } from '../../shared/state/evolve.ts';
import type { Refusal } from '../../shared/protocol/errors.ts';
import type { Command, CommandResult, Origin } from '../commands.ts';
import { isRefusal, type Context } from '../decide/context.ts';
import { decide } from '../decide/decide.ts';
import type { Journal } from '../journal/port.ts';

/** Commands that one batch takes at most, so that the event loop gets its turn; the rest wait for the next. */
const MAX_BATCH = 256;
/** After so long, in milliseconds, and so many commands, what is not decided yet waits for the next batch too. */
const DECIDING_MS = 3;
const MIN_BATCH = 64;
/** Commands that may wait; more are refused. */
const MAX_QUEUE = 20_000;
/** What the journal adds around the events of a commit, generously. */
const ENVELOPE_BYTES = 1_024;

export interface Coordinator {
  /** What is durable; entries may be kept, tables must not be changed. */
  readonly state: State;
  /** Puts a command on the queue; resolves when it is durable, or refused. */
  submit(command: Command, origin: Origin): Promise<CommandResult>;
  /** Called with the commits of each batch once they are durable and in the state; returns what ends that. */
  onRecorded(listener: (commits: readonly Commit[]) => void): () => void;
  /**
   * Sets what follows from a batch at once: commands that are decided on the tentative state and recorded in the same append,
   * so that what a task waits for costs one sync and not two. It must only read the state.
   */
  followWith(follow: (tentative: State) => Command[]): void;
  /**
   * Sets what the events of a batch fire: commands that are recorded in the same append as those events, so that nothing is
   * fired twice and nothing is lost. It must only read.
   */
  watchWith(watch: Watch): void;
  /** Resolves when nothing waits and nothing is being written. */
  idle(): Promise<void>;
}

export interface CoordinatorOptions {
  journal: Journal;
  /** Two equal states that share nothing but their entries. */
  published: State;
  tentative: State;
  context: Omit<Context, 'now' | 'principal'>;
  now(): number;
  onFatal(error: unknown): void;
  /** Why new work cannot be taken right now (the disk is nearly full), or undefined; asked for each, so it must be quick. */
  refuseNewWork?(): Refusal | undefined;
}

type Watch = (tentative: State, commits: readonly UnchainedCommit[]) => Command[];

interface Waiting {
  command: Command;
  origin: Origin;
  answer(result: CommandResult): void;
}

interface Batch {
  /** Commands that it took off the queue, and where the state stood before. */
  taken: number;
  expected: number;
  commits: UnchainedCommit[];
  /** For each command its commit's place in the batch, or what it was refused with, or neither when there was nothing to do. */
  outcomes: { waiting: Waiting; index?: number; result?: CommandResult }[];
  refuseNewWork: CoordinatorOptions['refuseNewWork'];
}

/** What one batch is made from. */
interface Turn {
  waiting: readonly Waiting[];
  follow(tentative: State): Command[];
  watch: Watch;
  now: number;
}

const QUEUE_FULL: CommandResult = {
  ok: false,
  refusal: { code: 'too_many', message: `${MAX_QUEUE} commands are waiting already. Try again in a moment.`, facts: {} },
};
const FIRES: Origin = { principal: 'daemon', cause: 'trigger' };
const FOLLOWS: Origin = { principal: 'daemon', cause: 'scheduler' };

/** Makes the coordinator of one journal. There is no other way to change what is recorded. */
export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const listeners = new Set<(commits: readonly Commit[]) => void>();
  let queue: Waiting[] = [];
  let pumping: Promise<void> | undefined;
  let dead = false;
  const hooks: Pick<Turn, 'follow' | 'watch'> = { follow: () => [], watch: () => [] };
  assertTogether(options);
  let lastMs = Date.parse(options.published.at);
  if (!Number.isFinite(lastMs)) throw new Error(`The last commit has no time: ${JSON.stringify(options.published.at)}.`);

  const pump = async (): Promise<void> => {
    try {
      while (queue.length > 0) {
        lastMs = Math.max(lastMs, options.now());
        const batch = decideBatch(options, { waiting: queue, ...hooks, now: lastMs });
        queue = queue.slice(batch.taken);
        const commits = await writeBatch(options, batch);
        if (commits.length > 0) for (const listen of listeners) listen(commits);
        await answersAreOut();
      }
    } catch (error) {
      dead = true;
      options.onFatal(error);
    } finally {
      pumping = undefined;
    }
  };

  return {
    state: options.published,
    submit(command, origin) {
      // Nobody is told anything any more: the daemon is about to stop.
      if (dead) return new Promise(() => undefined);
      if (queue.length >= MAX_QUEUE) return Promise.resolve(QUEUE_FULL);
      return new Promise((answer) => {
        queue.push({ command, origin, answer });
        // Not at once: what all sockets bring in this turn of the event loop makes one batch.
        pumping ??= new Promise(setImmediate).then(pump);
      });
    },
    onRecorded(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    followWith: (follow) => void Object.assign(hooks, { follow }),
    watchWith: (watch) => void Object.assign(hooks, { watch }),
    async idle() {
      while (pumping) await pumping;
    },
  };
}

/** Decides what waits, oldest first, until the batch is full or its time is over, and what follows from it. */
function decideBatch({ tentative, context, refuseNewWork }: CoordinatorOptions, { waiting, follow, watch, now }: Turn): Batch {
  const batch: Batch = { taken: 0, expected: tentative.seq, commits: [], outcomes: [], refuseNewWork };
  const deciding = { ...context, now };
  const began = performance.now();
  for (const one of waiting) {
    if (batch.taken === MAX_BATCH || (batch.taken >= MIN_BATCH && performance.now() - began > DECIDING_MS)) break;
    decideOne(tentative, one, batch, deciding);
    batch.taken += 1;
  }
  const decideFor = (origin: Origin) => (command: Command) =>
    decideOne(tentative, { command, origin, answer: () => undefined }, batch, deciding);
  if (batch.commits.length > 0) {
    follow(tentative).forEach(decideFor(FOLLOWS));
    watch(tentative, [...batch.commits]).forEach(decideFor(FIRES));
  }
  return batch;
}

/** Records and publishes a batch, in that order; then answers. Throws when the journal could not take it. */
async function writeBatch(options: CoordinatorOptions, { expected, commits: decided, outcomes }: Batch): Promise<readonly Commit[]> {
  const appended = decided.length === 0 ? undefined : await options.journal.append(expected, decided);
  if (appended && appended.kind !== 'appended') throw new Error(`The journal refused a batch: ${appended.message}`);
  const commits = appended?.commits ?? [];
  for (const commit of commits) evolve(options.published, commit);
  assertTogether(options);
  for (const { waiting: one, index, result } of outcomes) one.answer(result ?? { ok: true, commit: commits[index ?? -1] });
  return commits;
}

/**
 * Between batches answers leave, sockets and timers get their turn, and what they bring joins the next one. By the tick all
 * promises of this batch have run their course, so that what they want sent is in line before this.
 */
function answersAreOut(): Promise<void> {
  return new Promise((resolve) => process.nextTick(setImmediate, resolve));
}

/** Throws when one of the three has what another has not: nothing that is decided on such a state could be trusted. */
function assertTogether({ journal, published, tentative }: CoordinatorOptions): void {
  if (published.seq === journal.head.seq && tentative.seq === published.seq) return;
  throw new Error(`The journal stands at ${journal.head.seq}, the state at ${published.seq}, the tentative state at ${tentative.seq}.`);
}

function decideOne(tentative: State, waiting: Waiting, batch: Batch, deciding: Omit<Context, 'principal'>): void {
  const context = { ...deciding, principal: waiting.origin.principal };
  const verdict = decide(tentative, waiting.command, context);
  if (isRefusal(verdict)) {
    batch.outcomes.push({ waiting, result: { ok: false, refusal: verdict } });
    return;
  }
  if (verdict.length === 0) {
    batch.outcomes.push({ waiting, result: { ok: true, commit: undefined } });
    return;
  }
  // Not before: what was taken already is answered as it was, also on a full disk.
  const full = isNewWork(waiting.command) ? batch.refuseNewWork?.() : undefined;
  if (full) {
    batch.outcomes.push({ waiting, result: { ok: false, refusal: full } });
    return;
  }
  const commit = stamp(verdict, { seq: tentative.seq + 1, now: context.now, epoch: context.epoch, origin: waiting.origin });
  const bytes = Buffer.byteLength(commit.eventsJson) + ENVELOPE_BYTES;
  if (bytes > MAX_COMMIT_BYTES) {
    const message = `It would make a record of about ${bytes} bytes; ${MAX_COMMIT_BYTES} is the most. Pass large values as artifacts.`;
    batch.outcomes.push({
      waiting,
      result: { ok: false, refusal: { code: 'commit_too_large', message, facts: { bytes, limit: MAX_COMMIT_BYTES } } },
    });
    return;
  }
  evolve(tentative, commit);
  batch.outcomes.push({ waiting, index: batch.commits.push(commit) - 1 });
}

/** What may be refused while running work goes on to its end. */
function isNewWork(command: Command): boolean {
  return command.type === 'run/start' || (command.type === 'task/submit' && command.run === undefined);
}

function stamp(
  events: NewEvent[],
  { seq, now, epoch, origin }: { seq: number; now: number; epoch: string; origin: Origin },
): UnchainedCommit & { eventsJson: string } {
  const stamped = events.map((event, index): Event => ({ id: `${epoch}-${seq}.${index}`, tenant: LOCAL_TENANT, ...event }));
  // Made once: it is measured here, and the journal writes it as it is.
  return { seq, at: new Date(now).toISOString(), ...origin, events: stamped, eventsJson: JSON.stringify(stamped) };
}
