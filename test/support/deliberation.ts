// What the daemon does when a round of a deliberation is over, without a store: members answer with the values of their attempts.
import { readAnswer, type Said, tableOf, Transcript } from '../../shared/artifacts/deliberation.ts';
import { concludeRound, voteOf } from '../../shared/state/deliberation.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../../daemon/commands.ts';
import { sha256 } from '../../daemon/platform/digest.ts';

/** The commands that record a round of which everybody has ended; `texts` keeps the artifacts. */
export function tallyRound(
  state: State,
  texts: Map<string, string>,
  definition: WorkflowDefinition,
  { run, id }: { run: string; id: string },
): Command[] {
  const stage = state.stages.get(run)?.get(id);
  const def = definition.stages.find((s) => s.id === id);
  const { deliberation } = stage ?? {};
  if (stage?.status !== 'running' || !deliberation || !def?.deliberate || deliberation.rounds.length >= deliberation.round) return [];
  if (deliberation.asked.some(({ task }) => state.tasks.get(task)?.endedAt === undefined)) return [];
  const empty = { stage: id, topic: '', required: def.deliberate.required, quorum: def.deliberate.quorum, rounds: [] };
  const before = Transcript.parse(JSON.parse(texts.get(deliberation.transcript ?? '') ?? JSON.stringify(empty)));
  const { round } = deliberation;
  const said = def.deliberate.members.map(({ name: member }): Said => {
    const asked = deliberation.asked.find((one) => one.member === member);
    const task = state.tasks.get(asked?.task ?? '');
    if (!asked || task?.status !== 'completed') return { member, problem: task?.message ?? 'absent' };
    return readAnswer(JSON.stringify(task.values), { member, agent: asked.agent }, tableOf(before, round));
  });
  const votes = said.map(voteOf);
  const outcome = concludeRound(def.deliberate, [...deliberation.rounds, votes]);
  const [conclusion = '', log = ''] = def.outputs;
  const keep = (name: string, text: string): Extract<Command, { type: 'artifact/record' }> => {
    const digest = sha256(text);
    texts.set(digest, text);
    return { type: 'artifact/record', run, stage: id, name, digest, size: text.length, mediaType: 'text/plain' };
  };
  const whole = keep(log, JSON.stringify({ ...before, rounds: [...before.rounds, { round, said }] }));
  const agreed = outcome.kind === 'agreed' ? [keep(conclusion, tableOf(before, round).proposals.get(outcome.leader) ?? '')] : [];
  return [whole, ...agreed, { type: 'stage/vote', run, stage: id, stageRound: stage.round, round, votes, transcript: whole.digest }];
}
