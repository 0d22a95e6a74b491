/**
 * Lists of stages: what stands in them, and what came of their items. Doing either twice gives the same, so a restart may do it again.
 */
import type { Run } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import { isValueName, parseReference, type StageDefinition, type WorkflowDefinition } from '../../shared/state/workflow.ts';
import { FolderContent } from '../workflow/checks/artifact.ts';
import { expandMatrix, findItemsProblem, gatheredName, instanceOutput, type Item, listInstances } from '../workflow/matrix.ts';
import { resolveReference } from '../workflow/submit.ts';
import { explain } from './merges.ts';
import type { EffectContext } from './reactor.ts';

/** Times that the definition may change while a list is read, before the stage fails. */
const MAX_TRIES = 50;
/** Code of a stage whose list cannot be read. */
const CODE = 'matrix_items';

/** Reads the list of a stage that may start, and puts a stage for each item into the run's definition. */
export async function expandStage(context: EffectContext, runId: string, stageId: string, cause: string): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { state, ports, tell } = context;
    const run = state.runs.get(runId);
    const definition = run && ports.definitionOf(run.workflow.digest);
    const def = definition?.stages.find(({ id }) => id === stageId);
    if (!run || !definition || !def?.matrix || stageOf(state, runId, stageId)?.status !== 'admitted') return;
    const at = { run: runId, stage: stageId };
    const expanded = await expand(context, { run, def, definition }).catch((error: unknown) => explain(error).message);
    if (typeof expanded === 'string') {
      await tell({ type: 'stage/fail', ...at, code: CODE, message: expanded.slice(0, 2_000) }, cause);
      return;
    }
    const digest = await ports.keepDefinition(expanded);
    const items = listInstances(expanded, stageId).length;
    const result = await tell({ type: 'stage/expand', ...at, from: run.workflow.digest, digest, items }, cause);
    // Another list was read in the same moment: this one is put into the definition that came of it.
    if (!result.ok || result.commit !== undefined) return;
  }
  await context.tell(
    { type: 'stage/fail', run: runId, stage: stageId, code: CODE, message: 'The workflow changed while its list was read.' },
    cause,
  );
}

interface Subject {
  run: Run;
  def: StageDefinition;
  definition: WorkflowDefinition;
}

async function expand(context: EffectContext, { run, def, definition }: Subject): Promise<WorkflowDefinition | string> {
  const over = def.matrix?.over ?? [];
  const items = typeof over === 'string' ? await readItems(context, run, over) : over;
  const problem = findItemsProblem(items, typeof over === 'string' ? over : 'The list');
  return problem === '' ? expandMatrix(definition, def, items as Item[]) : problem;
}

/** The list that a name stands for: an artifact, or a value of the run. Undefined where the stage that makes it was left out. */
async function readItems({ state, ports }: EffectContext, run: Run, over: string): Promise<unknown> {
  const artifact = state.artifacts.get(run.id)?.get(over);
  if (artifact && !artifact.stale) return JSON.parse(await ports.artifacts.readText(artifact.digest)) as unknown;
  const reference = parseReference(over);
  return reference && resolveReference(state, run, reference);
}

/** Records what the items of a stage made, together: files as a list, lists as one, folders as one with a folder for each item. */
export async function gatherOutputs(context: EffectContext, { run, def, definition }: Subject, cause: string): Promise<void> {
  const instances = listInstances(definition, def.id).map(({ id }) => id);
  for (const output of def.matrix?.each.outputs ?? []) {
    if (isValueName(output)) continue;
    const texts = await Promise.all(instances.map((id) => readMade(context, run, instanceOutput(id, output))));
    const folder = output.endsWith('/');
    const content = folder ? joinFolders(instances, texts) : joinEntries(output, texts);
    const { digest, size } = await context.ports.artifacts.putText(JSON.stringify(content));
    const mediaType = folder ? 'application/vnd.signalbox.folder+json' : 'application/json';
    const of = { run: run.id, stage: def.id };
    await context.tell({ type: 'artifact/record', ...of, name: gatheredName(output), digest, size, mediaType }, cause);
  }
}

async function readMade({ state, ports }: EffectContext, run: Run, name: string): Promise<string | undefined> {
  const artifact = state.artifacts.get(run.id)?.get(name);
  return artifact && !artifact.stale ? ports.artifacts.readText(artifact.digest) : undefined;
}

function joinEntries(output: string, texts: readonly (string | undefined)[]): unknown[] {
  if (output.endsWith('[]')) return texts.flatMap((text) => (text === undefined ? [] : (JSON.parse(text) as unknown[])));
  return texts.map((text) => (text === undefined ? null : output.endsWith('.json') ? (JSON.parse(text) as unknown) : text));
}

function joinFolders(ids: readonly string[], texts: readonly (string | undefined)[]): FolderContent {
  const files = texts.flatMap((text, i) =>
    text === undefined
      ? []
      : FolderContent.parse(JSON.parse(text)).files.map((file) => ({ ...file, path: `${ids[i] ?? ''}/${file.path}` })),
  );
  return { files };
}
