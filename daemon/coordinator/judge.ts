/**
 * Whether a stage's work holds: its criteria over what was reported, validators of what was made, and commands that ran on it.
 * Doing it twice gives the same, so a restart may do it again.
 */
import { type Criterion, type CriterionResult, judgeMetric } from '../../shared/state/gate.ts';
import type { MissingItem } from '../../shared/events/handoff.ts';
import type { Handoff } from '../../shared/state/flow.ts';
import type { Run, Stage } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import { taskEnded } from '../../shared/state/task.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Proposal } from '../commands.ts';
import { findArtifactProblem } from '../workflow/checks/artifact.ts';
import { findGiver, listMissingContext } from '../workflow/handoffs.ts';
import type { CheckCommand } from '../workflow/merge-checks.ts';
import { listCheckCommands, listPeople } from '../workflow/parts.ts';
import { findContext } from '../workflow/submit.ts';
import { gatherOutputs } from './expand.ts';
import { explain } from './merges.ts';
import type { EffectContext } from './reactor.ts';

/** Characters of a result's detail that the record keeps. */
const MAX_DETAIL = 500;
/** Bytes of a failed check's last output that it keeps. */
const MAX_OUTPUT = 1_000;

interface Subject {
  run: Run;
  def: StageDefinition;
  stage: Stage;
}

function findSubject({ state, ports }: EffectContext, runId: string, stageId: string): Subject | undefined {
  const run = state.runs.get(runId);
  const stage = stageOf(state, runId, stageId);
  const def = run && ports.definitionOf(run.workflow.digest)?.stages.find((s) => s.id === stageId);
  return run && def && stage ? { run, def, stage } : undefined;
}

/** Judges a stage whose work is there, once the commands that check it have ended; people are asked when all of it holds. */
export async function judgeStage(context: EffectContext, runId: string, stageId: string, cause: string): Promise<void> {
  const subject = findSubject(context, runId, stageId);
  if (subject?.stage.status !== 'checking' || subject.stage.judged !== undefined) return;
  const { def, stage } = subject;
  const definition = context.ports.definitionOf(subject.run.workflow.digest);
  if (def.matrix && definition) await gatherOutputs(context, { ...subject, definition }, cause);
  const commands = listCheckCommands(def, stage);
  const tasks = commands.map(({ task }) => context.state.tasks.get(task));
  if (tasks.some((task) => !task || !taskEnded(task))) return;
  const at = { run: runId, stage: stageId, round: stage.round };
  const results: CriterionResult[] = def.merge ? await judgeMerge(context, commands) : [];
  for (const [index, criterion] of (def.criteria ?? []).entries()) {
    const detail = await judgeCriterion(context, subject, criterion, index).catch((error: unknown) => explain(error).message);
    results.push({ text: criterion.text, passed: detail === '', advisory: criterion.advisory, detail: detail.slice(0, MAX_DETAIL) });
  }
  if (results.every((result) => result.passed || result.advisory)) {
    const proposals = await proposeSignOffs(context, subject);
    if (proposals.length > 0) await context.tell({ type: 'stage/propose', ...at, proposals, done: true, facts: { ...stage.facts } }, cause);
  }
  await context.tell({ type: 'stage/judge', ...at, results }, cause);
}

/** What came of the commands that check a merge; the end of what one said when it failed. */
async function judgeMerge({ state, ports }: EffectContext, commands: readonly CheckCommand[]): Promise<CriterionResult[]> {
  return Promise.all(
    commands.map(async ({ text, task: id }) => {
      const task = state.tasks.get(id);
      const passed = task?.status === 'completed';
      const said = passed || task?.attempt === undefined ? '' : await ports.spools.readEnd(task.attempt, MAX_OUTPUT);
      const detail = passed ? '' : `${task?.message ?? 'It did not run.'}${said.trim() === '' ? '' : `\n${said.trim()}`}`;
      return { text, passed, advisory: false, detail };
    }),
  );
}

async function judgeCriterion(context: EffectContext, { run, def, stage }: Subject, criterion: Criterion, index: number): Promise<string> {
  switch (criterion.kind) {
    case 'flag':
    case 'number':
      return judgeMetric(criterion, stage.values);
    case 'artifact':
      return findArtifactProblem(criterion.check, await readArtifact(context, run, criterion.check.artifact), context.ports);
    case 'command': {
      const { task: id } = listCheckCommands(def, stage).find(({ key }) => key === `check:${index}`) ?? {};
      const task = context.state.tasks.get(id ?? '');
      // Whoever failed without a word has failed.
      return task?.status === 'completed' ? '' : task?.message || `It ended as ${task?.status ?? 'nothing'}.`;
    }
    default:
      return criterion satisfies never;
  }
}

async function readArtifact({ state, ports }: EffectContext, run: Run, name: string): Promise<string | undefined> {
  const artifact = state.artifacts.get(run.id)?.get(name);
  return artifact && !artifact.stale ? ports.artifacts.readText(artifact.digest) : undefined;
}

async function proposeSignOffs({ state, ports }: EffectContext, { run, def, stage }: Subject): Promise<Proposal[]> {
  const made = state.artifacts.get(run.id);
  const show = Object.fromEntries(
    def.outputs.flatMap((name) => {
      const artifact = made?.get(name);
      return artifact ? [[name, artifact.digest] as const] : [];
    }),
  );
  return Promise.all(
    listPeople(def).map(async (name) => {
      const summary = `Sign off what ${def.name} made`;
      const about = { summary, agent: '', run: run.id, stage: def.id, task: '', repo: run.repo ?? '', risk: 'medium' as const };
      const action = {
        kind: 'stage.advance' as const,
        ...about,
        workflow: run.workflow.name,
        base: stage.commit ?? run.base ?? '',
        always: def.always,
      };
      const { digest } = await ports.artifacts.putText(JSON.stringify(action));
      return { key: `sign-off:${name}`, action, artifact: digest, show, ask: `${def.name} counts only with somebody's word for it.` };
    }),
  );
}

/** What a handoff lacks: artifacts that are not there or do not hold, and values that nobody said. Each names the stage that has to mend it. */
export async function findMissing(
  context: EffectContext,
  { run, def }: Pick<Subject, 'run' | 'def'>,
  handoff: Handoff,
): Promise<MissingItem[]> {
  const { state, ports, settings } = context;
  const definition = ports.definitionOf(run.workflow.digest);
  if (!definition) return [];
  const place = { state, run, definition, settings };
  const missing: MissingItem[] = [...listMissingContext(place, handoff)];
  for (const { name, criteria } of handoff.artifacts) {
    const content = await readArtifact(context, run, name);
    // A value that a stage reported can be handed over too.
    if (content === undefined && findContext(state, run, name) === undefined) missing.push({ item: name, detail: 'It is not there.' });
    else
      for (const criterion of criteria) {
        const detail = await judgeHanded(context, run, criterion, content).catch((error: unknown) => explain(error).message);
        if (detail !== '') missing.push({ item: name, detail: detail.slice(0, MAX_DETAIL) });
      }
  }
  const to = missing.length === 0 ? '' : findGiver(place, def, handoff, missing);
  return missing.slice(0, 50).map((item, index) => (index === 0 ? { ...item, stage: to } : item));
}

function judgeHanded(context: EffectContext, run: Run, criterion: Criterion, content: string | undefined): Promise<string> {
  if (criterion.kind === 'artifact') {
    const own = criterion.check.artifact;
    return readArtifact(context, run, own).then((text) => findArtifactProblem(criterion.check, text ?? content, context.ports));
  }
  if (criterion.kind === 'command')
    return Promise.resolve('A handoff is checked by validators and values; put the command into the gate of the stage.');
  const value = findContext(context.state, run, criterion.metric);
  return Promise.resolve(judgeMetric(criterion, value === undefined ? {} : { [criterion.metric]: value }));
}
