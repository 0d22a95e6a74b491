/** From a file of stages to stages of a run that is under way: checked against its graph, and recorded whole or not at all. */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { ResultOf, ValidParamsOf } from '../../shared/protocol/methods.ts';
import type { State } from '../../shared/state/evolve.ts';
import { runEnded } from '../../shared/state/run.ts';
import { approvalsOf } from '../../shared/state/select.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Command, CommandResult, Origin } from '../commands.ts';
import { extendKey } from '../decide/extend.ts';

interface ExtendPorts {
  state: State;
  loadDefinition(digest: string): Promise<WorkflowDefinition>;
  keepDefinition(definition: WorkflowDefinition): Promise<string>;
  hash(text: string): string;
  submit(command: Command, origin: Origin): Promise<CommandResult>;
}

/** Times that the definition may change while stages are checked against it. */
const MAX_TRIES = 20;

/** Adds stages to a run, or asks whether they may be; throws SignalboxError for every refusal. */
export async function extendRun(ports: ExtendPorts, params: ValidParamsOf<'run/extend'>, origin: Origin): Promise<ResultOf<'run/extend'>> {
  const { state } = ports;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const run = state.runs.get(params.run);
    if (!run) throw new SignalboxError({ code: 'not_found', message: `There is no run ${params.run}.`, facts: { run: params.run } });
    if (runEnded(run))
      throw new SignalboxError({
        code: 'run_ended',
        message: `The run has ended already (${run.status}).`,
        facts: { run: run.id, status: run.status },
      });
    const from = run.workflow.digest;
    const extension = await read(params, await ports.loadDefinition(from), new Set(state.stages.get(run.id)?.keys()));
    if (extension.existing) return { run: run.id, added: [], existing: true };
    const { added, before, definition } = extension;
    const change = ports.hash(JSON.stringify(added));
    const digest = await ports.keepDefinition(definition);
    const agents = [...new Set(added.flatMap(({ agent, matrix }) => agent ?? matrix?.each.agent ?? []))];
    const ids = added.map(({ id }) => id);
    const command: Command = { type: 'run/extend', run: run.id, from, digest, added: ids, agents, before, change, by: origin.principal };
    const result = await ports.submit(command, origin);
    if (!result.ok) throw new SignalboxError(result.refusal);
    if (state.runs.get(run.id)?.workflow.digest === digest) return { run: run.id, added: ids, existing: false };
    const asked = approvalsOf(state, run.id).findLast((a) => a.key === extendKey(change));
    if (asked?.status === 'denied')
      throw new SignalboxError({
        code: 'policy_denied',
        message: `The extension was not allowed: ${asked.reason ?? asked.status}`,
        facts: { approval: asked.id },
      });
    if (asked && asked.status !== 'used') return { run: run.id, added: [], existing: false, asked: asked.id };
  }
  throw new SignalboxError({ code: 'invalid_transition', message: 'The workflow of the run changed while stages were added; try again.' });
}

async function read({ file, text }: ValidParamsOf<'run/extend'>, definition: WorkflowDefinition, begun: ReadonlySet<string>) {
  const { loadExtension } = await import('../workflow/load-extension.ts');
  const extension = loadExtension({ file, text }, definition, begun);
  if (extension.ok) return extension;
  const { problems } = extension;
  const [first] = problems;
  const more = first ? `; the first: ${first.line}:${first.column}: ${first.message}` : '';
  const message = `${file} has ${problems.length} problem${problems.length === 1 ? '' : 's'}${more}`;
  throw new SignalboxError({ code: 'invalid_workflow', message, facts: { problems } });
}
