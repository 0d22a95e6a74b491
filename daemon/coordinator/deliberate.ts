/**
 * What members of a deliberation said in a round, read from their answers: the transcript, and their votes as the record keeps them.
 * Doing it twice gives the same, so a restart may do it again.
 */
import { readAnswer, type Said, tableOf, Transcript } from '../../shared/artifacts/deliberation.ts';
import { type Asked, concludeRound, type DeliberationState, voteOf } from '../../shared/state/deliberation.ts';
import type { Deliberation } from '../../shared/state/flow.ts';
import type { Run, Stage } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import { taskEnded } from '../../shared/state/task.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import { answerName } from '../workflow/deliberate.ts';
import type { EffectContext } from './reactor.ts';

interface Subject {
  run: Run;
  stage: Stage;
  def: StageDefinition;
  talk: Deliberation;
  deliberation: DeliberationState;
}

function findSubject({ state, ports }: EffectContext, runId: string, stageId: string): Subject | undefined {
  const run = state.runs.get(runId);
  const stage = stageOf(state, runId, stageId);
  const def = run && ports.definitionOf(run.workflow.digest)?.stages.find((s) => s.id === stageId);
  if (!run || !def?.deliberate || stage?.status !== 'running' || !stage.deliberation) return undefined;
  return { run, stage, def, talk: def.deliberate, deliberation: stage.deliberation };
}

/** Records what a round came to, once everybody who was asked has ended. */
export async function tallyRound(context: EffectContext, runId: string, stageId: string, cause: string): Promise<void> {
  const subject = findSubject(context, runId, stageId);
  if (!subject) return;
  const { run, stage, def, talk, deliberation } = subject;
  const { round, asked, rounds } = deliberation;
  const tasks = asked.map(({ task }) => context.state.tasks.get(task));
  if (rounds.length >= round || tasks.some((task) => !task || !taskEnded(task))) return;
  const { ports, tell } = context;
  const before = await readTranscript(context, subject);
  const said = await Promise.all(talk.members.map(({ name }) => readMember(context, subject, before, name)));
  const transcript = { ...before, rounds: [...before.rounds, { round, said }] };
  const votes = said.map(voteOf);
  const outcome = concludeRound(talk, [...rounds, votes]);
  const agreed =
    outcome.kind === 'agreed' ? `agreed on the proposal of ${outcome.leader}, with a consensus of ${outcome.consensus}` : undefined;
  const ends = agreed ?? (outcome.kind === 'failed' ? outcome.message : undefined);
  const whole = JSON.stringify(ends === undefined ? transcript : { ...transcript, outcome: ends });
  const kept = await ports.artifacts.putText(whole);
  const of = { run: run.id, stage: stage.id };
  const [conclusion = '', log = ''] = def.outputs;
  await tell({ type: 'artifact/record', ...of, name: log, ...kept, mediaType: 'application/json' }, cause);
  if (outcome.kind === 'agreed') {
    const text = await ports.artifacts.putText(tableOf(before, round).proposals.get(outcome.leader) ?? '');
    const mediaType = conclusion.endsWith('.md') ? 'text/markdown' : 'text/plain';
    await tell({ type: 'artifact/record', ...of, name: conclusion, ...text, mediaType }, cause);
  }
  await tell({ type: 'stage/vote', ...of, stageRound: stage.round, round, votes, transcript: kept.digest }, cause);
}

async function readTranscript({ ports, state }: EffectContext, subject: Subject): Promise<Transcript> {
  const { stage, talk, deliberation } = subject;
  if (deliberation.transcript !== undefined) return Transcript.parse(JSON.parse(await ports.artifacts.readText(deliberation.transcript)));
  const topic = state.tasks.get(deliberation.asked[0]?.task ?? '')?.payload['prompt'];
  return { stage: stage.id, topic: typeof topic === 'string' ? topic : '', required: talk.required, quorum: talk.quorum, rounds: [] };
}

async function readMember(context: EffectContext, subject: Subject, before: Transcript, member: string): Promise<Said> {
  const { deliberation } = subject;
  const one = deliberation.asked.find((asked) => asked.member === member);
  const absent = deliberation.absent.find((other) => other.member === member)?.reason ?? 'It was not asked.';
  if (!one) return { member, problem: absent };
  const who = { member, agent: one.agent };
  const task = context.state.tasks.get(one.task);
  if (task?.status !== 'completed')
    return { ...who, problem: `It did not answer (${task?.status ?? 'gone'}): ${task?.message ?? 'no reason was given'}`.slice(0, 500) };
  const text = await findAnswer(context, subject, one).catch((error: unknown) => {
    context.ports.log('answer.unreadable', { task: one.task, error: String(error) });
    return undefined;
  });
  return text === undefined
    ? { ...who, problem: 'It ended without an answer.' }
    : readAnswer(text, who, tableOf(before, deliberation.round));
}

/** The answer that a member left as a file or as its last message; of a program, or a worker, also what it reported. */
async function findAnswer({ state, ports }: EffectContext, { run, stage, deliberation }: Subject, one: Asked): Promise<string | undefined> {
  const artifact = state.artifacts.get(run.id)?.get(answerName(stage.id, deliberation.round, one.member));
  if (artifact && !artifact.stale) return ports.artifacts.readText(artifact.digest);
  const values = state.tasks.get(one.task)?.values ?? {};
  return 'proposal' in values || 'vote' in values ? JSON.stringify(values) : undefined;
}
