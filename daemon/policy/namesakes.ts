import { readSource } from '../../shared/yaml/source.ts';
import type { PolicySource } from './load.ts';

/** Policies with those that are tried in the place of the user's own of the same name, or added. */
export function replaceNamesakes(inputs: readonly PolicySource[], tried: readonly PolicySource[]): PolicySource[] {
  const names = new Set(tried.map(nameOf));
  return [...inputs.filter((input) => input.origin !== 'user' || !names.has(nameOf(input))), ...tried];
}

function nameOf({ file, text }: PolicySource): unknown {
  const { source } = readSource({ file, text });
  return (source?.data as { policy?: unknown } | null | undefined)?.policy;
}
