/** What an attempt finds in its folder, and what it leaves there and in its worktree: inputs, outputs, a report. */
import { MAX_ANSWER, Transcript } from '../../shared/artifacts/deliberation.ts';
import type { Run } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { Task } from '../../shared/state/task.ts';
import { fillTemplate, listReferences, type StageDefinition } from '../../shared/state/workflow.ts';
import { FolderContent } from '../workflow/checks/artifact.ts';
import { answerName } from '../workflow/deliberate.ts';
import { writePrompt } from '../workflow/deliberation-prompt.ts';
import { plainOutput } from '../workflow/matrix.ts';
import { resolveReference, seenBy } from '../workflow/submit.ts';
import type { EffectContext } from './reactor.ts';

/** Characters of an output that a prompt takes. */
const MAX_QUOTED = 64 * 1024;

export interface DeskWork {
  run: Run | undefined;
  def: StageDefinition | undefined;
  task: Task;
  attempt: string;
}

/** The prompt of a stage, with its references filled in; text that comes from elsewhere never becomes a template. */
export async function fillPrompt(
  context: EffectContext,
  { run, def, task }: Pick<DeskWork, 'run' | 'def' | 'task'>,
): Promise<string | undefined> {
  const topic = await fillTopic(context, { run, def, task });
  if (task.part !== 'deliberate' || topic === undefined) return topic;
  const digest = task.artifacts['transcript.json'];
  const said = digest === undefined ? undefined : Transcript.parse(JSON.parse(await context.ports.artifacts.readText(digest)));
  return writePrompt(topic, task.payload['deliberation'] as Parameters<typeof writePrompt>[1], said);
}

async function fillTopic(context: EffectContext, { run, def, task }: Pick<DeskWork, 'run' | 'def' | 'task'>): Promise<string | undefined> {
  const template = task.payload['prompt'];
  if (typeof template !== 'string') return undefined;
  if (task.payload['template'] !== true || !run || !def) return template;
  const quoted = new Map<string, string>();
  for (const { stage, value } of listReferences(template)) {
    if (value !== 'output') continue;
    const text = await readOutputOf(context, run, stage === 'previous' ? (def.needs.at(-1) ?? '') : stage);
    quoted.set(
      stage,
      text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}\n(The rest of ${text.length} characters is left out.)` : text,
    );
  }
  return fillTemplate(template, (reference) => {
    if (reference.value === 'output') return quoted.get(reference.stage) ?? '';
    const value = resolveReference(context.state, seenBy(run, def), reference);
    return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  });
}

/** The first output of a stage as text; where it made none, what it reported. */
async function readOutputOf({ state, ports }: EffectContext, run: Run, id: string): Promise<string> {
  const outputs = ports.definitionOf(run.workflow.digest)?.stages.find((stage) => stage.id === id)?.outputs ?? [];
  const artifacts = state.artifacts.get(run.id);
  const found = outputs.map((name) => artifacts?.get(name)).find((artifact) => artifact?.stage === id);
  if (found) return ports.artifacts.readText(found.digest);
  return JSON.stringify(stageOf(state, run.id, id)?.values ?? {});
}

/** Lays out the task of a program: its inputs as files, and what to do as JSON. Gives the variables that tell it where. */
export async function layOutDesk(
  context: EffectContext,
  work: DeskWork,
  home: string,
  prompt: string | undefined,
): Promise<Record<string, string>> {
  const { task, run, def } = work;
  const { ports } = context;
  const files: { path: string; text: string }[] = [];
  for (const [name, digest] of Object.entries(task.artifacts)) files.push(...listFiles(name, await readInput(context, task, name, digest)));
  const { prompt: _, argv: __, stdin: ___, env: ____, template: _____, ...payload } = task.payload;
  const about = {
    run: run?.id ?? '',
    workflow: run?.workflow.name ?? '',
    stage: task.stage ?? '',
    agent: task.agent ?? '',
    action: task.action,
    part: task.part ?? '',
    inputs: run?.inputs ?? {},
    outputs: task.part === undefined && def ? def.outputs.map((name) => plainOutput(def, name)) : [],
    ...(prompt === undefined ? {} : { prompt }),
    ...payload,
  };
  const desk = await ports.desk.layOut(home, about, files);
  return { SIGNALBOX_TASK: desk.task, SIGNALBOX_INPUTS: desk.inputs, SIGNALBOX_OUTPUTS: desk.outputs, SIGNALBOX_REPORT: desk.report };
}

/** The content of an input; of a list that is taken in part, that part. */
async function readInput({ ports }: EffectContext, task: Task, name: string, digest: string): Promise<string> {
  const text = await ports.artifacts.readText(digest);
  const given = (task.payload['with'] as { given?: Record<string, { where?: Record<string, unknown> }> } | undefined)?.given?.[name];
  if (!given?.where) return text;
  const entries: unknown = JSON.parse(text);
  if (!Array.isArray(entries)) return text;
  const wanted = Object.entries(given.where);
  return JSON.stringify(entries.filter((entry: unknown) => wanted.every(([key, value]) => isRecord(entry) && entry[key] === value)));
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function listFiles(name: string, content: string): { path: string; text: string }[] {
  if (name.endsWith('/')) return FolderContent.parse(JSON.parse(content)).files.map(({ path, text }) => ({ path: `${name}${path}`, text }));
  return [{ path: name.endsWith('[]') ? `${name.slice(0, -2)}.json` : name, text: content }];
}

/** Records the outputs that a stage promised and left in its folder or its worktree, and gives what it reported. */
export async function collectWork(
  { state, ports, tell }: EffectContext,
  { run, def, task, attempt }: DeskWork,
  places: { home: string; worktree: string | undefined },
  cause: string,
): Promise<Record<string, unknown>> {
  const reported = await ports.desk.readReport(places.home);
  if (run && def && task.part === 'deliberate') await keepAnswer({ ports, tell }, { run, def, task, attempt }, places.home, cause);
  if (!run || !def || task.part !== undefined) return reported;
  const folders = [ports.desk.outputsOf(places.home), ...(places.worktree === undefined ? [] : [places.worktree])];
  for (const name of def.outputs) {
    const known = state.artifacts.get(run.id)?.get(name);
    if (known?.stage === def.id && !known.stale) continue;
    const found = await ports.desk.readOutput(folders, plainOutput(def, name));
    if (!found) continue;
    const { digest, size } = await ports.artifacts.putText(found.content);
    const of = { run: run.id, stage: def.id, task: task.id, attempt };
    await tell({ type: 'artifact/record', ...of, name, digest, size, mediaType: found.mediaType }, cause);
  }
  return reported;
}

/** The answer of a member, from its folder alone: what lies in a worktree was there before. */
async function keepAnswer(
  { ports, tell }: Pick<EffectContext, 'ports' | 'tell'>,
  { run, def, task, attempt }: DeskWork & { run: Run; def: StageDefinition },
  home: string,
  cause: string,
): Promise<void> {
  const found = await ports.desk.readOutput([ports.desk.outputsOf(home)], 'answer.json');
  if (!found) return;
  // One that is too long is refused when it is read; all of it need not be kept.
  const { digest, size } = await ports.artifacts.putText(found.content.slice(0, MAX_ANSWER + 1));
  const of = { run: run.id, stage: def.id, task: task.id, attempt };
  await tell({ type: 'artifact/record', ...of, name: nameAnswer(task), digest, size, mediaType: 'application/json' }, cause);
}

/** Name of the artifact that a member's answer becomes. */
export function nameAnswer({ stage = '', payload }: Task): string {
  const { round = 0, member = '' } = (payload['deliberation'] ?? {}) as { round?: number; member?: string };
  return answerName(stage, round, member);
}
