// A stage in which several agents deliberate: who is asked in which round, and what follows from how they voted.
import { type Asked, concludeRound } from '../../shared/state/deliberation.ts';
import type { Deliberation, Member } from '../../shared/state/flow.ts';
import type { Stage } from '../../shared/state/run.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Command, CommandOf } from '../commands.ts';
import { chooseAgent, saySelection } from './agents.ts';
import { afterFailure } from './failure.ts';
import { fill, gatherTask, type Place, taskId } from './submit.ts';
import { finishWork } from './work.ts';

/** Name of the artifact that holds what a member answered in a round. */
export function answerName(stage: string, round: number, member: string): string {
  return `${stage}.round-${round}.${member}.json`;
}

/** The first round of an admitted stage, or its failure where too few could ever vote. */
export function startDeliberation(place: Place, def: StageDefinition, stage: Stage, talk: Deliberation): Command[] {
  const first = nextRound(place, def, stage, talk);
  if (first.asked.length >= talk.quorum) return [first];
  const who = first.absent.map(({ member, reason }) => `${member}: ${reason}`).join(' ');
  const message = `${first.asked.length} of its members can be asked, and ${talk.quorum} votes are needed. ${who}`;
  return afterFailure(place, def, stage, { code: 'agent_unknown', message });
}

/** What a round needs next: its tasks, the next round, or its end. Nothing while members think. */
export function continueDeliberation(place: Place, def: StageDefinition, stage: Stage, talk: Deliberation): Command[] {
  const { deliberation } = stage;
  if (!deliberation) return [];
  const { round, asked, rounds } = deliberation;
  if (rounds.length < round)
    return asked.filter(({ task }) => !place.state.tasks.has(task)).map((one) => askMember(place, def, stage, { talk, one }));
  const outcome = concludeRound(talk, rounds);
  switch (outcome.kind) {
    case 'open':
      return [nextRound(place, def, stage, talk)];
    case 'failed':
      return afterFailure(place, def, stage, outcome);
    case 'agreed': {
      const { leader, consensus, cast } = outcome;
      return finishWork(place, def, stage, { values: { leader, consensus, votes: cast, rounds: rounds.length } });
    }
    default:
      return outcome satisfies never;
  }
}

/** The round that follows: members keep their agents, and those who had none may have one by now. */
function nextRound(place: Place, def: StageDefinition, stage: Stage, talk: Deliberation): CommandOf<'stage/deliberate'> {
  const { state } = place;
  const round = (stage.deliberation?.round ?? 0) + 1;
  const base = stage.task !== undefined && round > 1 ? stage.task : taskId(place, def, stage);
  const before = new Map(stage.deliberation?.asked.map(({ member, agent }) => [member, agent]));
  const asked: Asked[] = [];
  const absent: { member: string; reason: string }[] = [];
  for (const [index, member] of talk.members.entries()) {
    const taken = new Set([...before.values(), ...asked.map(({ agent }) => agent)]);
    const agent = before.get(member.name) ?? chooseMember(place, member, taken);
    if (agent === undefined) absent.push({ member: member.name, reason: whyAbsent(member) });
    else if (state.agents.has(agent)) asked.push({ member: member.name, agent, task: `${base}.say-${round}-${index}` });
    else absent.push({ member: member.name, reason: `${agent} is not registered.` });
  }
  return { type: 'stage/deliberate', run: place.run.id, stage: def.id, round, task: base, asked, absent, roundMs: talk.roundMs };
}

/** Of those that fit, one that no other member is; so two reviewers are two agents. */
function chooseMember({ state }: Place, { agent, select }: Member, taken: ReadonlySet<string>): string | undefined {
  if (agent !== undefined) return chooseAgent(state, { agent });
  const agents = new Map([...state.agents].filter(([id]) => !taken.has(id)));
  return chooseAgent({ ...state, agents }, { select });
}

function whyAbsent({ agent, select }: Member): string {
  return agent === undefined ? `No further agent fits (${saySelection(select ?? {})}).` : `No agent ${agent} is registered.`;
}

function askMember(
  place: Place,
  def: StageDefinition,
  stage: Stage,
  { talk, one }: { talk: Deliberation; one: Asked },
): CommandOf<'task/submit'> {
  const { state, run } = place;
  const { round = 1, transcript } = stage.deliberation ?? {};
  const command = talk.members.find(({ name }) => name === one.member)?.command;
  const { artifacts, payload } = gatherTask(place, def, stage);
  const { rounds, required, members } = talk;
  const about = { round, rounds, member: one.member, members: members.map(({ name }) => name), required_consensus: required };
  return {
    type: 'task/submit',
    task: one.task,
    run: run.id,
    stage: def.id,
    wants: one.agent,
    action: 'deliberate',
    priority: 0,
    timeoutMs: talk.roundMs,
    maxAttempts: def.retry?.attempts ?? 1,
    payload: { ...payload, deliberation: about, ...(command ? { argv: command.map((part) => fill(state, run, part)) } : {}) },
    artifacts: { ...artifacts, ...(transcript === undefined ? {} : { 'transcript.json': transcript }) },
    part: 'deliberate',
  };
}
