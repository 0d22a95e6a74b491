// What a run would do and be asked, as a person reads it. Pure.
import type { PlannedAction, PlannedStage, RunPlan } from '../../../shared/protocol/views.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import type { Look } from './paint.ts';
import { cleanLine, wrapText } from './text.ts';

const WORDS = {
  allow: 'allowed',
  warn: 'allowed, with a warning',
  require_approval: 'asks',
  deny: 'denied',
  open: 'not known yet',
} as const;

/** Sentences about what each stage does, by its id. */
export type Explained = (definition: WorkflowDefinition) => ReadonlyMap<string, readonly string[]>;

/** The plan: each stage with what it does, who gets it, and what the policies say; then what it comes to. */
export function renderPlan(plan: RunPlan, explain: Explained, look: Look): string[] {
  const { definition, inputs, start } = plan;
  const { paint } = look;
  const given = Object.entries(inputs).map(([name, value]) => `  ${name} = ${cleanLine(JSON.stringify(value))}`);
  const counts = countActions(plan);
  return [
    `${paint.bold(definition.workflow)}, version ${definition.version}: nothing is started or recorded`,
    ...(start.allowed ? [] : [paint.red(`You may not start it: ${cleanLine(start.why)}`)]),
    ...(given.length === 0 ? [] : ['Inputs:', ...given]),
    '',
    ...renderStages(plan, explain, look, ''),
    '',
    [
      `${definition.stages.length} stage${definition.stages.length === 1 ? '' : 's'}`,
      `${counts.require_approval} question${counts.require_approval === 1 ? '' : 's'} to a person`,
      `${counts.deny} denied`,
      `${counts.open} known only when they come`,
    ].join(', '),
  ];
}

function renderStages({ stages, definition }: RunPlan, explain: Explained, look: Look, indent: string): string[] {
  const sentences = explain(definition);
  return stages.flatMap((stage) => renderStage(stage, sentences.get(stage.stage) ?? [], { explain, look, indent }));
}

function renderStage(
  { stage, step, agent, waits, skipped, actions, runs }: PlannedStage,
  sentences: readonly string[],
  { explain, look, indent }: { explain: Explained; look: Look; indent: string },
): string[] {
  const { paint, width } = look;
  const inside = `${indent}     `;
  const line = (text: string): string[] => wrapText(cleanLine(text), Math.max(30, width - inside.length)).map((one) => `${inside}${one}`);
  const mark = skipped === '' ? '' : paint.dim(`  would be left out: ${cleanLine(skipped)}`);
  return [
    `${indent}${String(step).padStart(3)}. ${paint.bold(stage)}${mark}`,
    ...sentences.flatMap(line),
    ...(agent === '' ? [] : line(`Goes to ${agent}, as things stand.`)),
    ...(waits === '' ? [] : line(waits).map(paint.yellow)),
    ...groupActions(actions).flatMap((text) =>
      line(text).map((one, i) => one.replace(inside, `${inside}${i === 0 ? paint.dim('· ') : '  '}`)),
    ),
    ...(runs ? renderStages(runs, explain, look, inside) : []),
  ];
}

/** What is plainly allowed in one line; everything else by itself, with the reason. */
function groupActions(actions: readonly PlannedAction[]): string[] {
  const allowed = [...new Set(actions.filter(({ effect }) => effect === 'allow').map(({ kind }) => kind))];
  const others = actions
    .filter(({ effect }) => effect !== 'allow')
    .map(({ kind, summary, effect, why }) => `${WORDS[effect]}: ${summary} (${kind})${why.length === 0 ? '' : `: ${why.join(' ')}`}`);
  return [...(allowed.length === 0 ? [] : [`${WORDS.allow}: ${allowed.join(', ')}`]), ...others];
}

/** How many actions come out each way, those of other workflows that are run included. */
export function countActions({ stages }: Pick<RunPlan, 'stages'>): Record<PlannedAction['effect'], number> {
  const counts = { allow: 0, warn: 0, require_approval: 0, deny: 0, open: 0 };
  for (const { actions, runs, skipped } of stages) {
    if (skipped !== '') continue;
    for (const { effect } of actions) counts[effect] += 1;
    if (runs) for (const [effect, count] of Object.entries(countActions(runs))) counts[effect as PlannedAction['effect']] += count;
  }
  return counts;
}
