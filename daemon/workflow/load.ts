// Reads a workflow file into a definition that is safe to run, or says everything that is wrong with it.
// Pure: the text comes as a parameter. What the engine does with a definition is `advance.ts`.
import { MAX_STAGES, type WorkflowDefinition } from '../../shared/state/workflow.ts';
import { listGraphProblems } from './load-graph.ts';
import { normaliseStage, StageShape, WorkflowShape } from './load-shape.ts';
import { listShapeProblems, type Problem, problemAt, readSource, type Source, sortProblems } from '../../shared/yaml/source.ts';

export type { Problem } from '../../shared/yaml/source.ts';

/** A definition, or at least one problem, sorted by place. */
export type LoadedWorkflow = { ok: true; definition: WorkflowDefinition } | { ok: false; problems: Problem[] };

/** Reads, checks and normalises one workflow; `file` is only what problems are reported under. */
export function loadWorkflow(input: { text: string; file: string }): LoadedWorkflow {
  const { source, problems } = readSource(input);
  if (source === undefined) return { ok: false, problems };
  const workflow = WorkflowShape.safeParse(source.data);
  if (!workflow.success) problems.push(...listShapeProblems(source, workflow.error));
  const rawStages = workflow.success ? workflow.data.stages : listRawStages(source.data);
  const shapes = rawStages.map((raw, index) => readStage(source, raw, index, problems));
  problems.push(...listGraphProblems(source, rawStages, shapes, listInputNames(source.data)));
  if (workflow.success) problems.push(...listDefaultProblems(source, workflow.data.inputs));
  if (!workflow.success || problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  const stages = shapes.filter((shape) => shape !== undefined).map(normaliseStage);
  const { description, inputs, ...rest } = workflow.data;
  return { ok: true, definition: { ...rest, ...(description === undefined ? {} : { description }), inputs, stages } };
}

function readStage(source: Source, raw: unknown, index: number, problems: Problem[]): StageShape | undefined {
  const stage = StageShape.safeParse(raw);
  if (!stage.success) {
    problems.push(...listShapeProblems(source, stage.error, ['stages', index]));
    return undefined;
  }
  problems.push(...listWorkProblems(source, stage.data, index));
  return stage.data;
}

/** A stage has exactly one worker, and only keys that mean something for it. */
function listWorkProblems(source: Source, stage: StageShape, index: number): Problem[] {
  const at = (key: string, code: string, message: string) => problemAt(source, ['stages', index, key], { code, message, on: 'key' });
  const problems: Problem[] = [];
  if (stage.agent === undefined && stage.merge === undefined)
    problems.push(
      problemAt(source, ['stages', index], {
        code: 'no-work',
        message: `Stage \`${stage.id}\` does nothing; give it an \`agent\` or a \`merge\`.`,
      }),
    );
  if (stage.merge !== undefined)
    for (const key of ['agent', 'action', 'prompt', 'worktree', 'outputs', 'gate'] as const)
      if (key === 'outputs' ? stage.outputs.length > 0 : stage[key] !== undefined)
        problems.push(
          at(key, 'not-for-merge', `A merge is done by the daemon, so \`${key}\` has no meaning beside it; use a stage of its own.`),
        );
  if (stage.agent === 'command' && stage.command === undefined)
    problems.push(at('agent', 'no-command', 'Agent `command` runs what `command` says; add it, for instance `command: [npm, test]`.'));
  for (const key of ['command', 'stdin', 'env'] as const)
    if (stage[key] !== undefined && stage.agent !== 'command')
      problems.push(at(key, 'only-for-command', `\`${key}\` is only for \`agent: command\`.`));
  if (stage.otherwise !== undefined && typeof stage.when !== 'string')
    problems.push(
      at(
        'otherwise',
        'no-when',
        '`otherwise` is shown when the one value of `when` skips the stage; with a list, write it beside each value.',
      ),
    );
  return problems;
}

function listDefaultProblems(source: Source, inputs: WorkflowDefinition['inputs']): Problem[] {
  return Object.entries(inputs).flatMap(([name, input]) => {
    const given = Array.isArray(input.default) ? 'list' : typeof input.default;
    if (input.default === undefined || given === input.type) return [];
    return [
      problemAt(source, ['inputs', name, 'default'], {
        code: 'wrong-default',
        message: `Input \`${name}\` is a ${input.type}, but its default is a ${given}.`,
      }),
    ];
  });
}

function listRawStages(data: unknown): unknown[] {
  const stages = typeof data === 'object' && data !== null ? (data as { stages?: unknown }).stages : undefined;
  // A file with too many stages is refused anyway; its graph is not worth the time.
  return Array.isArray(stages) ? stages.slice(0, MAX_STAGES) : [];
}

function listInputNames(data: unknown): string[] {
  const inputs = typeof data === 'object' && data !== null ? (data as { inputs?: unknown }).inputs : undefined;
  return typeof inputs === 'object' && inputs !== null ? Object.keys(inputs) : [];
}
