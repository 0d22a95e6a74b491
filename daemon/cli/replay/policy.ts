// Whether the policies that were in force decide again what was recorded.
import type { Commit, EventNamed } from '../../../shared/events/envelope.ts';
import type { Effect } from '../../../shared/state/action.ts';
import type { State } from '../../../shared/state/evolve.ts';
import { createReplay, type Replay } from '../../policy/replay.ts';
import type { Policies } from '../../policy/rules.ts';
import type { Kept } from '../policy/record.ts';
import { createBooks } from './books.ts';
import type { Difference } from './engine.ts';

/** Checks the decisions of one run, in order, on the state before each commit. */
export interface PolicyCheck {
  before(state: State, commit: Commit): Difference[];
  readonly decisions: number;
  /** Decisions whose action or policy is not there any more, or that older versions recorded without them. */
  readonly unreadable: number;
}

type Decided = EventNamed<'policy.decided'>;

/** Begins the check of a run. */
export function createPolicyCheck(run: string, kept: Kept): PolicyCheck {
  const policiesOf = createBooks(kept);
  const replays = new Map<Policies, Replay>();
  const counted = { decisions: 0, unreadable: 0 };
  const look = (state: State, event: Decided, at: string): Difference | undefined => {
    counted.decisions += 1;
    const { decision, context, action, summary } = event.data;
    const given = action ?? (event.artifact === undefined ? undefined : kept.json(event.artifact));
    const policies = policiesOf(state, repoOf(given));
    if (policies && !replays.has(policies)) replays.set(policies, createReplay(policies));
    const again = context === undefined ? undefined : policies && replays.get(policies)?.deciderOf(given)(context);
    if (!again) {
      counted.unreadable += 1;
      return undefined;
    }
    if (mayBe(event, again.effect)) return undefined;
    const replayed = `${again.effect} by ${again.rules.join(', ')}`;
    return { event: event.id, at, recorded: `policy.decided ${decision.effect}: ${summary}`.slice(0, 400), replayed };
  };
  return {
    before: (state, { at, events }) =>
      events.flatMap((event) => (event.type === 'policy.decided' && event.run === run ? (look(state, event, at) ?? []) : [])),
    get decisions() {
      return counted.decisions;
    },
    get unreadable() {
      return counted.unreadable;
    },
  };
}

/** What a person allowed for the run, and what the workflow wants asked, stand above the rules; neither lifts a no. */
function mayBe({ data: { decision } }: Decided, effect: Effect): boolean {
  const above = (policy: string): boolean => decision.reasons.some((reason) => reason.policy === policy && reason.version === '');
  if (decision.effect === 'allow' && above('run')) return effect === 'require_approval';
  if (decision.effect === 'require_approval' && above('workflow')) return effect !== 'deny';
  return decision.effect === effect;
}

function repoOf(action: unknown): string {
  const { repo } = (action ?? {}) as { repo?: unknown };
  return typeof repo === 'string' ? repo : '';
}
