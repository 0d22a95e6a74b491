import type { Command } from 'commander';
import type { Deliberation } from '../../../shared/state/flow.ts';
import type { StageDefinition, WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { saySelection } from '../../workflow/agents.ts';
import { listPrograms } from '../../workflow/failure.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { EXIT } from '../failure.ts';
import { cleanLine, wrapText } from '../render/text.ts';
import { orderByDepth } from './graph.ts';
import { loadNamed } from './sources.ts';

interface ExplainOptions extends CommonOptions {
  bindings?: string;
}

/** `signalbox workflows explain`: what will run, in what order, and what may be asked. */
export function addExplainWorkflow(workflows: Command, context: Context): void {
  workflows
    .command('explain')
    .description('say what a workflow runs, in what order, what must hold, and what a person may be asked')
    .argument('<workflow>', 'a path to a file, or a name')
    .option('-b, --bindings <file>', 'who the roles of the file are, and what its checks do')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox workflows explain checkup')
    .action((given: string, options: ExplainOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const definition = await loadNamed(context, given, options.bindings);
        const steps = explainWorkflow(definition);
        if (options.json)
          printJson(terminal, { workflow: definition.workflow, version: definition.version, inputs: definition.inputs, steps });
        else terminal.print(...renderSteps(definition, steps, terminal.textLook().width));
        return EXIT.ok;
      }),
    );
}

interface Step {
  stage: string;
  /** Stages of the same step may run beside one another. */
  step: number;
  sentences: string[];
}

/** What each stage does, in sentences, in the order in which they can begin. */
export function explainWorkflow(definition: WorkflowDefinition): Step[] {
  return orderByDepth(definition).map(({ stage, depth }) => ({
    stage: stage.id,
    step: depth + 1,
    sentences: explainStage(stage, definition),
  }));
}

function explainStage(def: StageDefinition, { stages }: WorkflowDefinition): string[] {
  // Where there is one way on only, nothing is chosen.
  const choosers = (def.chosenBy ?? []).filter((id) => (stages.find((stage) => stage.id === id)?.next?.length ?? 0) > 1);
  const conditions = sayConditions(def, choosers);
  const each = def.matrix?.each;
  if (!each) return [sayWork(def), ...conditions, ...sayAsked(def), ...sayChecked(def), ...sayFailure(def)];
  const items = each.if === undefined ? [] : [`Of the items those for which \`${each.if}\`.`];
  return [sayWork(def), ...items, ...conditions, ...sayAsked(def), ...sayAsked(each), ...sayChecked(each), ...sayFailure(each)];
}

function sayWork(def: StageDefinition): string {
  if (def.matrix) {
    const { over, maxParallel, failFast, each } = def.matrix;
    const list = typeof over === 'string' ? over : `a list of ${over.length}`;
    const most = maxParallel === undefined ? '' : `, at most ${maxParallel} at once`;
    return `For each item of ${list}${most}: ${sayWork(each)} ${failFast ? 'The first that fails ends the others.' : 'One that fails lets the others end.'}`;
  }
  if (def.join)
    return def.join.count === def.needs.length
      ? 'Waits until all of its branches have succeeded.'
      : `Goes on when ${def.join.count} of its ${def.needs.length} branches have succeeded, and ends the rest.`;
  if (def.call) {
    const given = Object.keys(def.call.inputs);
    const made = def.outputs.length === 0 ? '' : `, and takes ${def.outputs.join(', ')} from it`;
    return `Runs the workflow ${def.call.workflow}${given.length === 0 ? '' : ` with ${given.join(', ')}`}${made}.`;
  }
  if (def.merge) return sayMerge(def.merge);
  if (def.deliberate) return sayDeliberation(def, def.deliberate);
  const who = def.agent ?? saySelection(def.select ?? {});
  const what = def.command === undefined ? (def.action ?? 'its prompt') : `\`${[def.command].flat().join(' ')}\``;
  const where = def.worktree === 'none' ? '' : ' in a worktree of its own';
  const made = def.outputs.length === 0 ? '' : `, and makes ${def.outputs.join(', ')}`;
  return `${who} does ${what}${where}${made}.`;
}

function sayDeliberation({ outputs }: StageDefinition, { members, rounds, required, quorum, roundMs }: Deliberation): string {
  const who = members.map(({ name }) => name).join(', ');
  const minutes = Math.round(roundMs / 60_000);
  const time = minutes < 1 ? `${Math.round(roundMs / 1_000)} seconds` : `${minutes} minutes`;
  return (
    `${who} propose, criticise, revise and vote, in at most ${rounds} rounds of ${time}, and make ${outputs.join(', ')}. ` +
    `It succeeds when the votes for one proposal come to a consensus of ${required}, with at least ${quorum} of ${members.length} votes cast.`
  );
}

function sayMerge({ from, how = 'merge', checks }: NonNullable<StageDefinition['merge']>): string {
  const verb = { merge: 'merges', rebase: 'rebases', squash: 'squashes' }[how];
  const named = checks?.map((check) => (check === 'tests' ? "the repository's tests" : `\`${[check].flat().join(' ')}\``));
  const passed = named === undefined ? 'what the repository names' : named.join(', ');
  const checked = passed === '' ? '' : ` The result has to pass ${passed} before the branch moves.`;
  return `The daemon ${verb} what ${from} committed.${checked}`;
}

function sayConditions(def: StageDefinition, choosers: readonly string[]): string[] {
  const chosen = choosers.length > 0 ? [`Only when ${choosers.join(' or ')} chooses it.`] : [];
  const values = def.when.map(({ value }) => `Only when ${value} has a value.`);
  return [
    ...chosen,
    ...values,
    ...(def.if === undefined ? [] : [`Only when \`${def.if}\`.`]),
    ...(def.always ? ['Also when something before it failed.'] : []),
  ];
}

function sayAsked(def: StageDefinition): string[] {
  const asked = def.approval ? [`A person is asked before it starts: ${def.approval.summary}.`] : [];
  const gate = def.gate ? [`Each repair in ${def.gate.proposals} is decided by the policy, which may ask.`] : [];
  const programs = [def.command, ...listPrograms(def)].filter((one) => one !== undefined).length;
  const command = programs === 0 ? [] : [`The policy decides its command${programs === 1 ? '' : 's'}, and may ask.`];
  const merge = def.merge ? ['The policy decides the merge, and may ask.'] : [];
  const handoffs = (def.handoffs ?? []).map(
    ({ id, artifacts, context }) =>
      `Handoff ${id}: ${[...artifacts, ...context].map(({ name }) => name).join(', ')} must be there and hold.`,
  );
  return [...asked, ...gate, ...command, ...merge, ...handoffs];
}

function sayChecked(def: StageDefinition): string[] {
  const criteria = (def.criteria ?? []).map(({ text, advisory }) => (advisory ? `${text} (advice)` : text));
  const gate = criteria.length === 0 ? [] : [`Must hold of its work: ${criteria.join('; ')}.`];
  const approvers = (def.approvers ?? []).map(({ name }) => name);
  return [...gate, ...(approvers.length === 0 ? [] : [`Signed off by ${approvers.join(', ')}.`])];
}

function sayFailure({ onFailure, retry, optional, slaMs }: StageDefinition): string[] {
  const tries = retry ? [`Tried up to ${count(retry.attempts)}.`] : [];
  const again =
    onFailure && onFailure.retry > 0 ? [`When it fails it is done again up to ${count(onFailure.retry)}, with what was wrong.`] : [];
  const back = onFailure?.back ? [`When it fails the run goes back to ${onFailure.back.to}, at most ${count(onFailure.back.atMost)}.`] : [];
  const asked =
    onFailure?.last === 'ask' ? ['When it fails for good a person is asked whether it is tried again, left out, or fails.'] : [];
  const harmless = optional || onFailure?.last === 'skip' ? ['Its failure does not fail the run.'] : [];
  const late = slaMs === undefined ? [] : [`It should be done within ${Math.round(slaMs / 60_000)} minutes.`];
  return [...tries, ...again, ...back, ...asked, ...harmless, ...late];
}

function renderSteps(definition: WorkflowDefinition, steps: readonly Step[], width: number): string[] {
  const inputs = Object.entries(definition.inputs).map(
    ([name, { type, default: fallback, optional }]) =>
      `  ${name} (${type}${fallback === undefined ? (optional ? ', may be left out' : ', needed') : `, ${JSON.stringify(fallback)}`})`,
  );
  return [
    `${definition.workflow}, version ${definition.version}${definition.description === undefined ? '' : `: ${cleanLine(definition.description)}`}`,
    ...(inputs.length === 0 ? [] : ['Inputs:', ...inputs]),
    '',
    ...steps.flatMap(({ stage, step, sentences }) => [
      `${String(step).padStart(3)}. ${stage}`,
      ...sentences.flatMap((sentence) => wrapText(cleanLine(sentence), width - 5).map((line) => `     ${line}`)),
    ]),
  ];
}

const count = (times: number): string => (times === 1 ? 'once' : `${times} times`);
