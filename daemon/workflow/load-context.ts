// What `{context.x}` and `{previous.output}` may stand for.
import { type Problem, problemAt, type Source, type SourcePath, suggestName } from '../../shared/yaml/source.ts';
import type { Graph } from './load-sketch.ts';

/** Values of the context are inputs, and values that some stage says it reports. */
export function listContextProblems(graph: Graph, { source, path }: { source: Source; path: SourcePath }, value: string): Problem[] {
  if (graph.inputs.includes(value) || graph.context.has(value)) return [];
  const known = [...graph.inputs, ...graph.context];
  const message = `Nobody is said to know \`${value}\`: it is no input, and no stage has it among its outputs.`;
  return [problemAt(source, path, { code: 'unknown-context', message, hint: suggestName(value, known) })];
}

/** `{previous.output}` stands only in a prompt, and only where a stage comes before. */
export function listPreviousProblems(
  { source, path }: { source: Source; path: SourcePath },
  { fits, first }: { fits: boolean; first: boolean },
): Problem[] {
  if (fits && !first) return [];
  const nothing = 'Nothing comes before this stage; write `needs`, or a `next` that leads here.';
  const message = fits ? nothing : '`previous` stands only for `{previous.output}`, and only in a prompt.';
  return [problemAt(source, path, { code: 'no-previous', message })];
}
