// What came of the deliberations of a run: who voted for whom in which round, and what is required. Pure.
import { type DeliberationState, type MemberVote, tallyVotes } from '../../../shared/state/deliberation.ts';
import type { Deliberation } from '../../../shared/state/flow.ts';
import type { Stage } from '../../../shared/state/run.ts';
import { taskEnded } from '../../../shared/state/task.ts';
import type { Look } from './paint.ts';
import type { Picture } from './stages.ts';
import { cleanLine, cutText } from './text.ts';

/** One block for each stage in which agents deliberated; the transcript has their words. */
export function renderDeliberations({ state, run, definition }: Picture, look: Look): string[] {
  return definition.stages.flatMap(({ id, deliberate }) => {
    const talk = state.stages.get(run.id)?.get(id)?.deliberation;
    if (!deliberate || !talk) return [];
    const rounds = talk.rounds.map((votes, index) => cutText(sayRound(votes, index + 1, deliberate), look.width - 2));
    const problems = (talk.rounds.at(-1) ?? []).flatMap(({ member, problem }) =>
      problem === undefined ? [] : [cutText(`  ${cleanLine(member)}: ${cleanLine(problem)}`, look.width - 2)],
    );
    const needed = `${sayPart(deliberate.required)} of agreement among at least ${deliberate.quorum} votes`;
    return [
      `${look.paint.bold(id)} ${look.paint.dim(`deliberates; ${needed} is needed`)}`,
      ...rounds.map((line) => `  ${line}`),
      ...problems,
    ];
  });
}

function sayRound(votes: readonly MemberVote[], round: number, { quorum }: Deliberation): string {
  if (round === 1) {
    const proposed = votes.filter((vote) => vote.proposed).map(({ member }) => cleanLine(member));
    return `round 1: ${proposed.length === 0 ? 'nobody proposed anything' : `${proposed.join(', ')} proposed`}`;
  }
  const { cast, leader, consensus } = tallyVotes(votes);
  const said = votes.map(({ member, for: choice, confidence = 0 }) =>
    choice === undefined ? `${cleanLine(member)} did not vote` : `${cleanLine(member)} for ${cleanLine(choice)} (${sayPart(confidence)})`,
  );
  const came =
    cast < quorum
      ? `${cast} of ${quorum} votes`
      : leader === undefined
        ? 'nobody leads'
        : `${cleanLine(leader)} leads with ${sayPart(consensus)}`;
  return `round ${round}: ${came}: ${said.join(', ')}`;
}

const sayPart = (part: number): string => String(Math.round(part * 100) / 100);

/** What a deliberation waits for. */
export function sayDeliberating({ state }: Pick<Picture, 'state'>, { deliberation }: Stage, { rounds }: Deliberation): string {
  const { round, asked } = deliberation ?? ({ round: 1, asked: [] } satisfies Pick<DeliberationState, 'round' | 'asked'>);
  const open = asked.filter(({ task: id }) => {
    const task = state.tasks.get(id);
    return !task || !taskEnded(task);
  });
  const names = open.map(({ member }) => cleanLine(member));
  return `round ${round} of at most ${rounds}${names.length === 0 ? '' : `, waits for ${names.join(', ')}`}`;
}
