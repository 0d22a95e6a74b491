/**
 * What clients were told, held against what the journal says.
 *
 * 1. Every answered command is there exactly once; one that was not answered is there once or not at all, never in part.
 * 2. Tasks, attempts, runs and approvals end at most once, and have ended exactly once when all work is done.
 * 3. The journal only grows: what was read once stands there for ever.
 */
import assert from 'node:assert/strict';
import type { Commit, Event, EventType } from '../../shared/events/envelope.ts';

/** Events that mean the same thing happened; each may be there once for its subject. */
const ONCE: Partial<Record<EventType, [kind: string, of: (event: Event) => string | undefined]>> = {
  'task.submitted': ['task submitted', (e) => e.task],
  'task.completed': ['task ended', (e) => e.task],
  'task.failed': ['task ended', (e) => e.task],
  'task.timeout': ['task ended', (e) => e.task],
  'task.canceled': ['task ended', (e) => e.task],
  'task.cancel_requested': ['task cancel asked', (e) => `${e.task ?? ''}`],
  'attempt.starting': ['attempt started', (e) => e.attempt],
  'attempt.ended': ['attempt ended', (e) => e.attempt],
  'run.submitted': ['run submitted', (e) => e.run],
  'run.succeeded': ['run ended', (e) => e.run],
  'run.failed': ['run ended', (e) => e.run],
  'run.canceled': ['run ended', (e) => e.run],
  'approval.requested': ['approval asked', approvalOf],
  'approval.granted': ['approval answered', approvalOf],
  'approval.denied': ['approval answered', approvalOf],
  'approval.expired': ['approval answered', approvalOf],
  'approval.voided': ['approval answered', approvalOf],
  'approval.used': ['approval used', approvalOf],
  'approval.lapsed': ['approval used', approvalOf],
};

function approvalOf(event: Event): string | undefined {
  return 'approval' in event.data && typeof event.data.approval === 'string' ? event.data.approval : undefined;
}

/** Things that somebody was told, by kind and id. */
export type Told =
  | 'task submitted'
  | 'task cancel'
  | 'run submitted'
  | 'approval granted'
  | 'approval denied'
  | 'attempt succeeded'
  | 'attempt failed';

export class Ledger {
  readonly #seen = new Map<string, string>();
  readonly #told = new Map<string, number>();
  readonly #ids = new Set<string>();
  #at = '';
  /** The last commit that was read. */
  seq = 0;

  /** Notes that a client was answered: this must be there from now on. */
  answered(kind: Told, id: string): void {
    const key = `${kind} ${id}`;
    this.#told.set(key, (this.#told.get(key) ?? 0) + 1);
  }

  wasAnswered(kind: Told, id: string): boolean {
    return this.#told.has(`${kind} ${id}`);
  }

  /** Takes the next commits of the journal. */
  read(commits: readonly Commit[]): void {
    for (const commit of commits) {
      assert.equal(commit.seq, this.seq + 1, 'the journal has a gap');
      assert.ok(commit.at >= this.#at, `time went back at commit ${commit.seq}`);
      this.seq = commit.seq;
      this.#at = commit.at;
      for (const event of commit.events) this.#readEvent(event, commit.seq);
    }
  }

  #readEvent(event: Event, seq: number): void {
    assert.ok(!this.#ids.has(event.id), `the event ${event.id} is there twice`);
    this.#ids.add(event.id);
    const [kind, of] = ONCE[event.type] ?? [];
    const id = of?.(event);
    if (kind === undefined || id === undefined) return;
    const before = this.#seen.get(`${kind} ${id}`);
    assert.equal(before, undefined, `${kind} twice: ${id}, ${before ?? ''} and ${event.type} in commit ${seq}`);
    const what = event.type === 'attempt.ended' ? event.data.status : event.type;
    this.#seen.set(`${kind} ${id}`, what);
  }

  /** Throws unless everything that was answered is there. */
  check(): void {
    for (const key of this.#told.keys()) {
      const [subject = '', verb = ''] = key.split(' ', 2);
      const id = key.slice(subject.length + verb.length + 2);
      assert.ok(this.#holds(subject, verb, id), `answered, and not in the journal: ${key}`);
    }
  }

  #holds(subject: string, verb: string, id: string): boolean {
    if (verb === 'submitted') return this.#seen.has(`${subject} submitted ${id}`);
    if (subject === 'approval') return this.#seen.get(`approval answered ${id}`) === `approval.${verb}`;
    if (subject === 'attempt') return this.#seen.get(`attempt ended ${id}`) === verb;
    return this.#seen.has(`task cancel asked ${id}`) || this.#seen.get(`task ended ${id}`) === 'task.canceled';
  }

  /** Throws unless everything that began has ended. */
  checkAllEnded(): void {
    for (const key of this.#seen.keys()) {
      const [, kind = '', id = ''] = /^(task submitted|run submitted|attempt started|approval asked) (.*)$/.exec(key) ?? [];
      if (kind === '') continue;
      const end = `${kind.split(' ')[0] ?? ''} ${kind === 'approval asked' ? 'answered' : 'ended'} ${id}`;
      assert.ok(this.#seen.has(end), `${key}, and never ${end}`);
    }
  }

  /** The same answers, to be held against a journal that is read from its start again. */
  withoutWhatWasRead(): Ledger {
    const other = new Ledger();
    for (const [key, times] of this.#told) other.#told.set(key, times);
    return other;
  }

  /** How many subjects reached each point. */
  count(kind: string): number {
    let count = 0;
    for (const key of this.#seen.keys()) if (key.startsWith(kind)) count++;
    return count;
  }
}
