// Handoffs as they are written, attached to the stages that receive.
import type { Handoff } from '../../shared/state/flow.ts';
import type { Criterion } from '../../shared/state/gate.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import { type Problem, problemAt, suggestName } from '../../shared/yaml/source.ts';
import { graphOf, listAncestors } from './graph.ts';
import type { PlacedHandoff } from './load-bindings.ts';
import { type CriterionShape, readCriterion } from './load-parts.ts';

/** Words that say that a text is not done. */
const UNFINISHED = ['TBD', 'TODO', 'TBC', 'FIXME'];
const PRESENT_FOR_EACH = /^([A-Za-z0-9_ -]+):\s*present for each ([A-Za-z0-9_ -]+)$/;
const SAID = /^([A-Za-z0-9_. -]+):\s*(present|complete|(?:min\s+)?([0-9]{1,6}))$/;

/** Attaches each handoff to the first stages of those that receive it; `givers` names who does each stage in the file. */
export function attachHandoffs(
  definition: WorkflowDefinition,
  handoffs: readonly PlacedHandoff[],
  { givers, checks }: { givers: ReadonlyMap<string, string>; checks: Readonly<Record<string, CriterionShape>> },
): { stages: StageDefinition[]; problems: Problem[] } {
  const graph = graphOf(definition);
  const problems: Problem[] = [];
  const received = new Map<string, Handoff[]>();
  const names = new Set([...givers.values(), ...definition.stages.map((stage) => stage.id)]);
  const does = (id: string, who: readonly string[]): boolean => who.includes(id) || who.includes(givers.get(id) ?? '');
  for (const placed of handoffs) {
    const { shape } = placed;
    const from = [shape.from].flat();
    const to = [shape.to].flat();
    const known = listUnknown(placed, [...from, ...to], names);
    const criteria = readArtifacts(placed, checks);
    problems.push(...criteria.problems);
    // Bindings serve several workflows: a handoff between people who do not work here is none of this one.
    if (known.length > 0) continue;
    const receivers = definition.stages.filter(({ id }) => does(id, to) && listAncestors(graph, id).some((one) => does(one, from)));
    const first = receivers.filter(
      ({ id }) => !listAncestors(graph, id).some((one) => does(one, to) && receivers.some((r) => r.id === one)),
    );
    for (const { id } of first) {
      const givesTo = listAncestors(graph, id).filter((one) => does(one, from));
      received.set(id, [...(received.get(id) ?? []), normaliseHandoff(placed, givesTo, criteria.artifacts)]);
    }
  }
  const stages = definition.stages.map((stage) => {
    const own = received.get(stage.id);
    return own ? { ...stage, handoffs: own } : stage;
  });
  return { stages, problems };
}

function listUnknown(_placed: PlacedHandoff, names: readonly string[], known: ReadonlySet<string>): string[] {
  return names.filter((name) => !known.has(name));
}

/** A handoff of the workflow's own file names only who works there. */
export function listStrangers(placed: PlacedHandoff, known: readonly string[]): Problem[] {
  const { shape, source, path } = placed;
  return (['from', 'to'] as const).flatMap((key) =>
    [shape[key]]
      .flat()
      .filter((name) => !known.includes(name))
      .map((name) => {
        const message = `Nobody called \`${name}\` does a stage of this workflow.`;
        return problemAt(source, [...path, key], { code: 'unknown-agent', message, hint: suggestName(name, known) });
      }),
  );
}

function normaliseHandoff({ shape }: PlacedHandoff, from: string[], artifacts: Handoff['artifacts']): Handoff {
  const { acknowledgment, first_output: first } = shape.sla ?? {};
  return {
    id: shape.id,
    from,
    artifacts,
    context: shape.required_context.map(readContext),
    ...(acknowledgment === undefined ? {} : { acknowledgeMs: acknowledgment }),
    ...(first === undefined ? {} : { firstOutputMs: first }),
    atMost: shape.at_most,
  };
}

/** `deadline`, `changed_files[]` or `auth_changes: boolean`. */
function readContext(text: string): Handoff['context'][number] {
  const [name = text, type] = text.split(':').map((part) => part.trim());
  if (type === 'boolean') return { name, type: 'boolean' };
  return name.endsWith('[]') ? { name: name.slice(0, -2), type: 'list' } : { name, type: 'any' };
}

function readArtifacts({ shape, source, path }: PlacedHandoff, checks: Readonly<Record<string, CriterionShape>>) {
  const problems: Problem[] = [];
  const artifacts = shape.required_artifacts.map(({ name, validation }, i) => ({
    name,
    criteria: validation.flatMap((one, j): Criterion[] => {
      const criterion = readValidation(one, name, checks);
      if (criterion) return [criterion];
      const at = [...path, 'required_artifacts', i, 'validation', j];
      const message = `\`${typeof one === 'string' ? one : 'This'}\` is no validation that is known.`;
      const hint = 'Write `section: present`, `section: min 3`, `coverage >= 80%`, or the name of a check that the bindings define.';
      problems.push(problemAt(source, at, { code: 'unknown-validation', message, hint }));
      return [];
    }),
  }));
  return { artifacts, problems };
}

/** One validation of an artifact: a check of the bindings, one that reads by itself, or a value that was reported. */
function readValidation(shape: CriterionShape, artifact: string, checks: Readonly<Record<string, CriterionShape>>): Criterion | undefined {
  if (typeof shape !== 'string') return readCriterion(shape);
  const text = shape.trim();
  if (Object.hasOwn(checks, text)) return readCriterion(text, checks);
  const make = (check: object): Criterion => ({ kind: 'artifact', text, check: { artifact, ...check }, advisory: false });
  const each = PRESENT_FOR_EACH.exec(text);
  if (each) return make({ each: { of: each[2] ?? '', has: each[1] ?? '' } });
  const said = SAID.exec(text);
  if (said) return make(readSaid(said, artifact));
  if (text === 'no_tbd_markers') return make({ without: UNFINISHED });
  if (/^openapi(_3(\.[0-9])?)?_valid$/.test(text)) return make({ openapi: true });
  if (text === 'all_endpoints_documented') return make({ operations: 'described' });
  if (text === 'error_responses_defined') return make({ operations: 'errors' });
  return readCriterion(text);
}

function readSaid([, section = '', how = '', count]: RegExpExecArray, artifact: string): object {
  if (count !== undefined) return artifact.endsWith('/') ? { entries: Number(count) } : { counts: { [section]: Number(count) } };
  if (artifact.endsWith('[]')) return { fields: [section] };
  return how === 'complete' ? { headings: [section], without: UNFINISHED } : { headings: [section] };
}
