/** The policies in force: the built-in ones and the user's everywhere, a repository's own where they are. */
import type { Action, ActionKind, Decision } from '../../shared/state/action.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { decideAction } from '../policy/decide.ts';
import { loadPolicies, type PolicySource, type Problem } from '../policy/load.ts';
import type { Policies } from '../policy/rules.ts';

export type Loaded = { ok: true; policies: Policies; notices: Problem[] } | { ok: false; problems: Problem[] };

export interface Rulebook {
  /** Reads the policies of a repository anew; when they have problems, the last good ones stay in force. */
  load(repo: string, sources: readonly PolicySource[]): Loaded;
  judge(action: Action, standing: DecisionContext): Decision;
  /** True when the rules allow every action of a kind in a repository (empty for none), whatever it is. */
  permits(kind: ActionKind, repo: string): boolean;
  /** Puts the policies of the host into force anew, everywhere; when they have problems, the last good ones stay. */
  reload(host: readonly PolicySource[]): Loaded;
  /** Whether a policy that an answer was made into allows an action. */
  admits(text: string, action: Action, standing: DecisionContext): boolean;
  /** Sentences about files that do not load, and about what was left out of those that do. */
  notices(): string[];
}

/** Texts that answers were made into, compiled; as many as are in use at once, and no more than this. */
const MAX_REMEMBERED = 200;

/** Makes the book from the policies of the host; throws when those do not load, since nothing could be decided. */
export function createRulebook(given: readonly PolicySource[], hash: (text: string) => string): Rulebook {
  let host = given;
  let everywhere = loadOrThrow(host, hash);
  const sourcesOf = new Map<string, readonly PolicySource[]>();
  const byRepo = new Map<string, Policies>();
  const said = new Map<string, string[]>([['', everywhere.notices.map(describe)]]);
  const remembered = new Map<string, Policies | undefined>();

  const load: Rulebook['load'] = (repo, sources) => {
    if (sources.length === 0) {
      for (const table of [sourcesOf, byRepo, said]) table.delete(repo);
      return everywhere;
    }
    sourcesOf.set(repo, sources);
    const loaded = loadPolicies([...host, ...sources], hash);
    if (loaded.ok) byRepo.set(repo, loaded.policies);
    said.set(repo, (loaded.ok ? loaded.notices : loaded.problems).map(describe));
    return loaded;
  };
  return {
    load,
    reload(next) {
      const loaded = loadPolicies(next, hash);
      said.set('', (loaded.ok ? loaded.notices : loaded.problems).map(describe));
      if (!loaded.ok) return loaded;
      host = next;
      everywhere = loaded;
      for (const [repo, sources] of sourcesOf) load(repo, sources);
      return loaded;
    },
    judge: (action, standing) => decideAction(byRepo.get(action.repo) ?? everywhere.policies, action, standing),
    admits(text, action, standing) {
      if (!remembered.has(text)) {
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        const loaded = loadPolicies([{ text, file: 'remembered', origin: 'user', trusted: true }], hash);
        remembered.set(text, loaded.ok ? loaded.policies : undefined);
      }
      const policies = remembered.get(text);
      return policies !== undefined && decideAction(policies, action, standing).effect === 'allow';
    },
    permits: (kind, repo) => (byRepo.get(repo) ?? everywhere.policies).permits.has(kind),
    notices: () => [...said.values()].flat(),
  };
}

function loadOrThrow(host: readonly PolicySource[], hash: (text: string) => string): Extract<Loaded, { ok: true }> {
  const loaded = loadPolicies(host, hash);
  if (loaded.ok) return loaded;
  throw Object.assign(new Error(loaded.problems.map(describe).join('\n')), { code: 'invalid_policy' });
}

function describe({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}
