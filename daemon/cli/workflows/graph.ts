import { type Command, Option } from 'commander';
import type { StageDefinition, WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { depthsOf } from '../../workflow/graph.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { EXIT } from '../failure.ts';
import { cleanLine } from '../render/text.ts';
import { loadNamed } from './sources.ts';

interface GraphOptions extends CommonOptions {
  bindings?: string;
  format: 'text' | 'mermaid';
}

/** `signalbox workflows graph`: a workflow as a drawing. */
export function addGraph(workflows: Command, context: Context): void {
  workflows
    .command('graph')
    .description('draw how the stages of a workflow follow one another')
    .argument('<workflow>', 'a path to a file, or a name')
    .option('-b, --bindings <file>', 'who the roles of the file are, and what its checks do')
    .addOption(new Option('-f, --format <format>', 'how it is drawn').choices(['text', 'mermaid']).default('text'))
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  signalbox workflows graph checkup\n  signalbox workflows graph release.yaml --format mermaid > release.mmd',
    )
    .action((given: string, options: GraphOptions) =>
      perform(context, options, async () => {
        const definition = await loadNamed(context, given, options.bindings);
        if (options.json) printJson(context.terminal, { workflow: definition.workflow, edges: listEdges(definition) });
        else context.terminal.print(...(options.format === 'mermaid' ? drawMermaid(definition) : drawText(definition)));
        return EXIT.ok;
      }),
    );
}

interface Edge {
  from: string;
  to: string;
  kind: 'then' | 'when' | 'back';
  label: string;
}

/** How each stage leads to another: always, in a case, or back after a failure. */
export function listEdges({ stages }: WorkflowDefinition): Edge[] {
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const forward = stages.flatMap((stage) =>
    stage.needs.map((from): Edge => {
      const label = stage.chosenBy?.includes(from) ? caseLabel(byId.get(from), stage.id) : '';
      return { from, to: stage.id, kind: label === '' ? 'then' : 'when', label };
    }),
  );
  const back = stages.flatMap(({ id, matrix, onFailure = matrix?.each.onFailure }): Edge[] =>
    onFailure?.back ? [{ from: id, to: onFailure.back.to, kind: 'back', label: `fails, at most ${onFailure.back.atMost} times` }] : [],
  );
  return [...forward, ...back];
}

function caseLabel(from: StageDefinition | undefined, to: string): string {
  const one = from?.next?.find((each) => each.to.includes(to));
  if (one?.equals !== undefined) return `${one.value ?? ''} = ${one.equals}`;
  return one?.if ?? ((from?.next?.length ?? 0) > 1 ? 'otherwise' : '');
}

/** That a stage runs another workflow, or is done for each item of a list. */
function sayWhat({ matrix, call = matrix?.each.call }: Pick<StageDefinition, 'matrix' | 'call'>): string {
  const runs = call ? ` runs ${call.workflow}` : '';
  return matrix ? `${runs} for each of ${typeof matrix.over === 'string' ? matrix.over : `${matrix.over.length} items`}` : runs;
}

function drawMermaid(definition: WorkflowDefinition): string[] {
  const text = (label: string): string => cleanLine(label).replaceAll('"', "'");
  const nodes = definition.stages.map(({ id, name, join, merge, matrix, deliberate, call = matrix?.each.call }) => {
    const label = text(`${name === id ? id : `${id}: ${name}`}${sayWhat({ matrix, call })}`);
    if (join) return `  ${id}{{"${label}"}}`;
    return merge || call ? `  ${id}[["${label}"]]` : deliberate ? `  ${id}(["${label}"])` : `  ${id}["${label}"]`;
  });
  const edges = listEdges(definition).map(({ from, to, kind, label }) => {
    const arrow = kind === 'back' ? '-.->' : '-->';
    return `  ${from} ${arrow}${label === '' ? '' : `|"${text(label)}"|`} ${to}`;
  });
  return ['flowchart TD', ...nodes, ...edges];
}

/** One line for each stage, in the order in which they can begin, indented by how many must end before. */
export function drawText(definition: WorkflowDefinition): string[] {
  const edges = listEdges(definition);
  return orderByDepth(definition).map(({ stage, depth }) => {
    const into = edges.filter(({ to, kind }) => to === stage.id && kind !== 'back');
    const after = into.map(({ from, label }) => (label === '' ? from : `${from} (${label})`)).join(', ');
    const back = edges.filter(({ from, kind }) => from === stage.id && kind === 'back').map(({ to, label }) => `; ${label}: back to ${to}`);
    return `${'  '.repeat(depth)}${cleanLine(`${stage.id}${sayWhat(stage)}${after === '' ? '' : `  <- ${after}`}${back.join('')}`)}`;
  });
}

/** The stages with the length of the longest way to each. */
export function orderByDepth(definition: WorkflowDefinition): { stage: StageDefinition; depth: number }[] {
  const depths = depthsOf(definition);
  return definition.stages.map((stage) => ({ stage, depth: depths.get(stage.id) ?? 0 })).sort((a, b) => a.depth - b.depth);
}
