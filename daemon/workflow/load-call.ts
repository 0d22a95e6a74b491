// Stages that run another workflow: it is there, it loads, it takes what it is given, and it never comes back to the one that runs it.
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import { listReferences } from '../../shared/state/workflow.ts';
import { type Problem, problemAt, type SourcePath, suggestName } from '../../shared/yaml/source.ts';
import type { LoadedWorkflow, WorkflowText } from './load.ts';
import type { StageShape } from './load-shape.ts';
import type { PlacedStage } from './load-sketch.ts';

/** The workflows that one may run by their names. */
export interface OtherWorkflows {
  names: readonly string[];
  find(name: string): WorkflowText | undefined;
  hash(text: string): string;
}

/** A workflow that is being read because another one runs it, and where that is said. */
export interface Caller {
  name: string;
  place: string;
}

/** A workflow that a stage runs, with those that it runs itself. */
export interface Called {
  definition: WorkflowDefinition;
  digest: string;
  called: readonly WorkflowDefinition[];
}

/** How deep workflows may run one another. */
const MAX_DEPTH = 5;

interface Reading {
  others: OtherWorkflows | undefined;
  callers: readonly Caller[];
  load(text: WorkflowText, callers: readonly Caller[]): LoadedWorkflow;
}

/** Reads the workflows that stages run, each once. */
export function readCalls(stages: readonly PlacedStage[], reading: Reading): { calls: Map<string, Called>; problems: Problem[] } {
  const calls = new Map<string, Called>();
  const problems: Problem[] = [];
  const tried = new Set<string>();
  for (const stage of stages) {
    const name = stage.shape?.workflow;
    if (name === undefined) continue;
    if (!tried.has(name)) {
      tried.add(name);
      const read = readCall(stage, name, reading);
      if ('definition' in read) calls.set(name, read);
      else problems.push(...read.problems);
    }
    const called = calls.get(name);
    if (called) problems.push(...listCallProblems(stage, called.definition));
  }
  return { calls, problems };
}

function readCall({ source, path }: PlacedStage, name: string, { others, callers, load }: Reading): Called | { problems: Problem[] } {
  const at: SourcePath = [...path, 'workflow'];
  const problem = (code: string, message: string, hint?: string) => ({ problems: [problemAt(source, at, { code, message, hint })] });
  if (!others) return problem('no-workflows', 'Only a workflow that is started by itself can run another.');
  const here = problemAt(source, at, { code: '', message: '' });
  const place = `${here.file}:${here.line}:${here.column}`;
  const first = callers.findIndex((caller) => caller.name === name);
  if (first >= 0) {
    const round = [...callers.slice(first), { name, place }];
    const where = round.slice(1).map((caller) => `${caller.name} at ${caller.place}`);
    return problem(
      'workflow-cycle',
      `These workflows run one another and would never end: ${round.map((one) => one.name).join(' -> ')} (${where.join(', ')}).`,
    );
  }
  if (callers.length > MAX_DEPTH)
    return problem(
      'too-deep',
      `Workflows run one another at most ${MAX_DEPTH} deep: ${[...callers.map((one) => one.name), name].join(' -> ')}.`,
    );
  const text = others.find(name);
  if (!text)
    return problem('unknown-workflow', `There is no workflow \`${name}\` in .signalbox/workflows/.`, suggestName(name, others.names));
  const loaded = load(text, [...callers, { name, place }]);
  if (!loaded.ok) return { problems: loaded.problems };
  const { definition, called } = loaded;
  return { definition, called, digest: others.hash(JSON.stringify(definition)) };
}

/** Keys that say how work is done, which the other workflow says. */
const OTHERS = [
  'agent',
  'action',
  'prompt',
  'command',
  'stdin',
  'env',
  'merge',
  'retry',
  'parallel',
  'parallel_agents',
  'sync_point',
] as const;

function listCallProblems({ source, path, shape }: PlacedStage, definition: WorkflowDefinition): Problem[] {
  if (!shape) return [];
  const at = (rest: SourcePath, code: string, message: string, hint?: string) =>
    problemAt(source, [...path, ...rest], { code, message, hint });
  const name = definition.workflow;
  const given = shape.with ?? {};
  const inputs = Object.keys(definition.inputs);
  const makes = listMade(definition);
  return [
    ...OTHERS.filter((key) => shape[key] !== undefined).map((key) =>
      at([key], 'not-for-workflow', `What is done stands in the workflow \`${name}\`, so \`${key}\` has no meaning beside it.`),
    ),
    ...Object.entries(given).flatMap(([input, value]) => {
      const takes = definition.inputs[input];
      if (!takes) return [at(['with', input], 'unknown-input', `\`${name}\` has no input \`${input}\`.`, suggestName(input, inputs))];
      const actual = Array.isArray(value) ? 'list' : typeof value;
      const open = typeof value === 'string' && listReferences(value).length > 0;
      if (open || actual === takes.type) return [];
      return [at(['with', input], 'wrong-input', `Input \`${input}\` of \`${name}\` is a ${takes.type}, and this is a ${actual}.`)];
    }),
    ...inputs
      .filter(
        (input) => given[input] === undefined && definition.inputs[input]?.default === undefined && !definition.inputs[input]?.optional,
      )
      .map((input) => at(['workflow'], 'missing-input', `\`${name}\` needs the input \`${input}\`; say it below \`with\`.`)),
    ...shape.outputs.flatMap((output, i) =>
      makes.has(output)
        ? []
        : [at(['outputs', i], 'unknown-output', `No stage of \`${name}\` makes \`${output}\`.`, suggestName(output, [...makes]))],
    ),
  ];
}

function listMade({ stages }: WorkflowDefinition): Set<string> {
  return new Set(stages.flatMap(({ outputs, join }) => [...outputs, ...(join ? ['count', 'done'] : [])]));
}

/** What a stage that runs another workflow gives it. */
export function callOf(shape: StageShape, calls: ReadonlyMap<string, Called>): Pick<StageDefinition, 'call'> {
  const called = shape.workflow === undefined ? undefined : calls.get(shape.workflow);
  if (!called) return {};
  const { definition, digest } = called;
  const { workflow, version, inputs: takes } = definition;
  return { call: { workflow, version, digest, takes, inputs: { ...shape.with } } };
}
