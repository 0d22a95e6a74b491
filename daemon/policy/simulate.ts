// What other rules would have decided about what is recorded, and how that fits what people answered.
import type { Effect } from '../../shared/state/action.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import type { Replayed } from './replay.ts';

/** A recorded decision; `answer` is what a person said where one was asked. */
export interface Past {
  /** Id of the event. */
  event: string;
  at: string;
  summary: string;
  effect: Effect;
  /** Rules that decided, as `policy/rule`. */
  rules: readonly string[];
  /** Digest of the action's artifact. */
  artifact: string | undefined;
  context: DecisionContext | undefined;
  answer?: 'granted' | 'denied';
}

/** An action that is decided otherwise. */
export interface Example {
  event: string;
  at: string;
  summary: string;
  /** Rules that would decide it. */
  rules: readonly string[];
}

export interface Change {
  from: Effect;
  to: Effect;
  count: number;
  examples: Example[];
}

export interface Simulation {
  decisions: number;
  /** Decisions whose action is not there any more. */
  unreadable: number;
  changes: Change[];
  /** What people said: where the rules would say the same, the opposite, and where a person would still be asked. */
  answers: { agree: number; disagree: number; asked: number; examples: Example[] };
}

const MAX_EXAMPLES = 5;

/** Compares what was recorded with what `decide` says now; the most frequent change first. */
export function simulate(past: readonly Past[], decide: (one: Past) => Replayed | undefined): Simulation {
  const changes = new Map<string, Change>();
  const answers = { agree: 0, disagree: 0, asked: 0, examples: [] as Example[] };
  let unreadable = 0;
  for (const one of past) {
    const now = decide(one);
    if (now === undefined) {
      unreadable += 1;
      continue;
    }
    if (one.answer !== undefined) countAnswer(answers, one, now);
    if (now.effect === one.effect) continue;
    const key = `${one.effect} ${now.effect}`;
    const change = changes.get(key) ?? { from: one.effect, to: now.effect, count: 0, examples: [] };
    change.count += 1;
    addExample(change.examples, one, now);
    changes.set(key, change);
  }
  return { decisions: past.length, unreadable, changes: [...changes.values()].sort((a, b) => b.count - a.count), answers };
}

function countAnswer(answers: Simulation['answers'], one: Past, now: Replayed): void {
  if (now.effect === 'require_approval') answers.asked += 1;
  else if ((one.answer === 'granted') === (now.effect !== 'deny')) answers.agree += 1;
  else {
    answers.disagree += 1;
    addExample(answers.examples, one, now);
  }
}

/** Examples that say the same are shown once. */
function addExample(examples: Example[], { event, at, summary }: Past, { rules }: Replayed): void {
  if (examples.length < MAX_EXAMPLES && !examples.some((known) => known.summary === summary)) examples.push({ event, at, summary, rules });
}
