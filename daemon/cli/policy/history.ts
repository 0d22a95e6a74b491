// The decisions of the past days with the answers that people gave, from the files of the record.
import type { Event } from '../../../shared/events/envelope.ts';
import { createReplay, type Decider, type Replay, type Replayed } from '../../policy/replay.ts';
import type { Policies } from '../../policy/rules.ts';
import type { Past } from '../../policy/simulate.ts';
import { readRecordedJson, readCommits } from './record.ts';

/** What was decided since a time (RFC 3339, UTC), oldest first, with the answers to what was asked. */
export async function readHistory(home: string, since: string): Promise<Past[]> {
  const history = new History();
  for await (const commits of readCommits(home))
    for (const { at, events } of commits) if (at >= since) for (const event of events) history.add(event, at);
  return history.past;
}

class History {
  readonly past: Past[] = [];
  /** The newest decision about an action, by the action's digest. */
  readonly #byDigest = new Map<string, Past>();
  readonly #byApproval = new Map<string, Past>();

  add(event: Event, at: string): void {
    if (event.type === 'policy.decided') this.#addDecision(event, at);
    else if (event.type === 'approval.requested') {
      const asked = this.#byDigest.get(event.data.digest);
      if (asked) this.#byApproval.set(event.data.approval, asked);
    } else if (event.type === 'approval.granted' || event.type === 'approval.denied') {
      const asked = this.#byApproval.get(event.data.approval);
      if (asked) asked.answer = event.type === 'approval.granted' ? 'granted' : 'denied';
    }
  }

  #addDecision({ id, artifact, data }: Extract<Event, { type: 'policy.decided' }>, at: string): void {
    const { decision, summary, context, digest } = data;
    const rules = decision.reasons.filter(({ effect }) => effect === decision.effect).map(({ policy, rule }) => `${policy}/${rule}`);
    const one: Past = { event: id, at, summary, effect: decision.effect, rules, artifact, context };
    this.past.push(one);
    this.#byDigest.set(digest, one);
  }
}

/** Decides recorded actions by the policies that count where each of them was; `distinct` is how many were really decided. */
export async function prepareReplay(
  home: string,
  past: readonly Past[],
  policiesFor: (repo: string) => Promise<Policies>,
): Promise<{ decide: (one: Past) => Replayed | undefined; distinct: () => number }> {
  const deciders = new Map<string, Decider>();
  const replays = new Map<string, Replay>();
  for (const { artifact } of past) {
    if (artifact === undefined || deciders.has(artifact)) continue;
    const action = readRecordedJson(home, artifact);
    const repo = repoOf(action);
    const replay = replays.get(repo) ?? createReplay(await policiesFor(repo));
    replays.set(repo, replay);
    deciders.set(artifact, replay.deciderOf(action));
  }
  const decide = ({ artifact = '', context }: Past): Replayed | undefined => deciders.get(artifact)?.(context);
  return { decide, distinct: () => [...replays.values()].reduce((sum, { distinct }) => sum + distinct, 0) };
}

function repoOf(action: unknown): string {
  const { repo } = (action ?? {}) as { repo?: unknown };
  return typeof repo === 'string' ? repo : '';
}
