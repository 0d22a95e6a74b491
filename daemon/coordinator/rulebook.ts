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
  /** Sentences about files that do not load, and about what was left out of those that do. */
  notices(): string[];
}

/** Makes the book from the policies of the host; throws when those do not load, since nothing could be decided. */
export function createRulebook(host: readonly PolicySource[], hash: (text: string) => string): Rulebook {
  const everywhere = loadPolicies(host, hash);
  if (!everywhere.ok) throw Object.assign(new Error(everywhere.problems.map(describe).join('\n')), { code: 'invalid_policy' });
  const byRepo = new Map<string, Policies>();
  const said = new Map<string, string[]>([['', everywhere.notices.map(describe)]]);

  return {
    load(repo, sources) {
      if (sources.length === 0) {
        byRepo.delete(repo);
        said.delete(repo);
        return everywhere;
      }
      const loaded = loadPolicies([...host, ...sources], hash);
      if (loaded.ok) byRepo.set(repo, loaded.policies);
      said.set(repo, (loaded.ok ? loaded.notices : loaded.problems).map(describe));
      return loaded;
    },
    judge: (action, standing) => decideAction(byRepo.get(action.repo) ?? everywhere.policies, action, standing),
    permits: (kind, repo) => (byRepo.get(repo) ?? everywhere.policies).permits.has(kind),
    notices: () => [...said.values()].flat(),
  };
}

function describe({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}
