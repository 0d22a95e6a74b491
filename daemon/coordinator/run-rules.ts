/** Rules of single runs, which count beside those in force: the stricter of both stands. */
import type { Action, ActionKind, Decision } from '../../shared/state/action.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { decideAction } from '../policy/decide.ts';
import { loadPolicies, type LoadedPolicies, type PolicySource } from '../policy/load.ts';
import { replaceNamesakes } from '../policy/namesakes.ts';
import type { Policies } from '../policy/rules.ts';

interface RunBook {
  own: PolicySource;
  /** Those of the host that it was read together with. */
  sources: readonly PolicySource[];
  policies: Policies;
}

/** Rules that single runs brought. */
export interface RunRules {
  loadForRun(run: string, source: PolicySource): LoadedPolicies;
  forgetRun(run: string): void;
  /** The decision, or that of the run's own rules where those are stricter. */
  sharpen(decision: Decision, action: Action, standing: DecisionContext): Decision;
  permit(kind: ActionKind): boolean;
}

const STRICTNESS = ['allow', 'warn', 'require_approval', 'deny'] as const satisfies readonly Decision['effect'][];

/** Rules of single runs, each read together with those of the host, as those are when a decision is made. */
export function createRunRules(hostNow: () => readonly PolicySource[], hash: (text: string) => string): RunRules {
  const books = new Map<string, RunBook>();
  const read = (own: PolicySource): LoadedPolicies => loadPolicies(replaceNamesakes(hostNow(), [own]), hash);
  const policiesOf = (run: string): Policies | undefined => {
    const book = books.get(run);
    if (!book || book.sources === hostNow()) return book?.policies;
    const loaded = read(book.own);
    const policies = loaded.ok ? loaded.policies : book.policies;
    books.set(run, { ...book, sources: hostNow(), policies });
    return policies;
  };
  return {
    loadForRun(run, own) {
      const loaded = read(own);
      if (!loaded.ok) return loaded;
      books.set(run, { own, sources: hostNow(), policies: loaded.policies });
      return loaded;
    },
    forgetRun: (run) => void books.delete(run),
    sharpen(decision, action, standing) {
      const policies = policiesOf(action.run);
      const own = policies && decideAction(policies, action, standing);
      return own && STRICTNESS.indexOf(own.effect) > STRICTNESS.indexOf(decision.effect) ? own : decision;
    },
    permit: (kind) => [...books.keys()].every((run) => policiesOf(run)?.permits.has(kind) ?? true),
  };
}
