// The policies that were in force at a moment of the record, also with others in the place of some.
import type { State } from '../../../shared/state/evolve.ts';
import { sha256 } from '../../platform/digest.ts';
import { loadPolicies, type PolicySource } from '../../policy/load.ts';
import { replaceNamesakes } from '../../policy/namesakes.ts';
import type { Policies } from '../../policy/rules.ts';
import type { Kept } from '../policy/record.ts';
import { loadOrFail } from '../policy/sources.ts';

/** What was in force in a repository (empty for the host) as a state says; undefined when a text of it is not there any more. */
export type Books = (state: State, repo: string) => Policies | undefined;

/** Reads each set of policies once. Those that are `tried` take the place of their namesakes; what does not load with them is a CliFailure. */
export function createBooks(kept: Kept, tried: readonly PolicySource[] = []): Books {
  const books = new Map<string, Policies | undefined>();
  return (state, repo) => {
    const files = [...(state.policies.get('') ?? []), ...(repo === '' ? [] : (state.policies.get(repo) ?? []))];
    const key = JSON.stringify(files.map(({ file, artifact, trusted }) => [file, artifact, trusted]));
    if (books.has(key)) return books.get(key);
    const sources = files.flatMap(({ file, origin, trusted, artifact }): PolicySource[] => {
      const text = kept.text(artifact);
      const from = origin === 'builtin' || origin === 'repository' ? origin : 'user';
      return text === undefined ? [] : [{ file, text, origin: from, trusted }];
    });
    const whole = sources.length === files.length && files.length > 0;
    const policies = whole ? load(sources, tried) : undefined;
    books.set(key, policies);
    return policies;
  };
}

function load(sources: readonly PolicySource[], tried: readonly PolicySource[]): Policies | undefined {
  if (tried.length > 0) return loadOrFail(replaceNamesakes(sources, tried)).policies;
  const loaded = loadPolicies(sources, sha256);
  return loaded.ok ? loaded.policies : undefined;
}
