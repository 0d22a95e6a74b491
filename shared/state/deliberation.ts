/**
 * Where a deliberation stands, and whether its members agree.
 *
 * 1. A vote is about the proposals that its voter has seen: those of the rounds before. So the first round has no votes.
 * 2. Consensus is the sum of the confidences of the votes for the leading proposal, divided by the number of votes that were cast.
 * 3. A vote that is missing or not as it should be is not cast. Fewer votes than the quorum are no consensus, and neither is a tie.
 */
import type { Deliberation } from './flow.ts';

/** What the record keeps of one member's answer; the whole of it stands in the transcript. */
export interface MemberVote {
  member: string;
  proposed: boolean;
  /** The member whose proposal it votes for, or `none`; absent when it cast no vote. */
  for?: string;
  confidence?: number;
  /** The first reasons, cut. */
  reasons?: readonly string[];
  /** Why it cast no vote, or what else was wrong. */
  problem?: string;
}

/** Who is asked in a round, by which task. */
export interface Asked {
  member: string;
  agent: string;
  task: string;
}

export interface DeliberationState {
  /** The round that is under way, from 1, and since when. */
  round: number;
  from: string;
  roundMs: number;
  asked: readonly Asked[];
  /** Members who could not be asked in this round, and why. */
  absent: readonly { member: string; reason: string }[];
  /** What came of each round that is over. */
  rounds: readonly (readonly MemberVote[])[];
  /** Digest of the transcript so far. */
  transcript?: string;
}

/** How the votes of one round stand; `leader` is absent when nobody leads alone. */
export interface Tally {
  cast: number;
  leader?: string;
  consensus: number;
}

/** Counts the votes of a round. */
export function tallyVotes(votes: readonly MemberVote[]): Tally {
  const cast = votes.filter((vote) => vote.for !== undefined);
  const sums = new Map<string, number>();
  for (const { for: choice = '', confidence = 0 } of cast) if (choice !== 'none') sums.set(choice, (sums.get(choice) ?? 0) + confidence);
  const order = [...sums].sort(([, a], [, b]) => b - a);
  const [first, second] = order;
  if (!first || first[1] === 0) return { cast: cast.length, consensus: 0 };
  // Sums of decimal fractions: what differs by less than any confidence can is a tie.
  const consensus = Math.round((first[1] / cast.length) * 1e6) / 1e6;
  if (second && Math.abs(first[1] - second[1]) < 1e-9) return { cast: cast.length, consensus };
  return { cast: cast.length, leader: first[0], consensus };
}

/** What a round that is over leads to. */
export type RoundOutcome =
  | { kind: 'agreed'; leader: string; consensus: number; cast: number }
  | { kind: 'open' }
  | { kind: 'failed'; code: 'no_proposal' | 'quorum_missed' | 'no_consensus'; message: string };

/** Whether the members agree, go on, or have failed to. */
export function concludeRound(
  def: Pick<Deliberation, 'rounds' | 'required' | 'quorum'>,
  rounds: readonly (readonly MemberVote[])[],
): RoundOutcome {
  const last = rounds.at(-1) ?? [];
  const why = last.flatMap(({ member, problem }) => (problem === undefined ? [] : [`${member}: ${problem}`]));
  const missing = why.length === 0 ? '' : ` ${why.join(' ')}`.slice(0, 2_000);
  if (rounds.length === 1) {
    if (last.some(({ proposed }) => proposed)) return { kind: 'open' };
    return { kind: 'failed', code: 'no_proposal', message: `Nobody proposed anything.${missing}` };
  }
  const { cast, leader, consensus } = tallyVotes(last);
  if (cast >= def.quorum && leader !== undefined && consensus >= def.required) return { kind: 'agreed', leader, consensus, cast };
  if (rounds.length < def.rounds) return { kind: 'open' };
  if (cast < def.quorum) {
    const votes = `${cast} vote${cast === 1 ? ' was' : 's were'} cast, and ${def.quorum} are needed`;
    return { kind: 'failed', code: 'quorum_missed', message: `After ${rounds.length} rounds ${votes}.${missing}` };
  }
  const lead = leader === undefined ? 'no proposal leads' : `the proposal of ${leader} leads`;
  const message = `After ${rounds.length} rounds ${lead} with a consensus of ${consensus.toFixed(2)}; ${def.required} is required.${missing}`;
  return { kind: 'failed', code: 'no_consensus', message };
}

/** How long a vote, a reason and a problem may be in the record, in characters, and how many reasons. */
const MAX_REASON = 200;
const MAX_REASONS = 2;

/** What the record keeps of what members said. */
export function voteOf(said: {
  member: string;
  proposal?: string | undefined;
  vote?: { for: string; confidence: number; reasons: readonly string[] } | undefined;
  problem?: string | undefined;
}): MemberVote {
  const { member, proposal, vote, problem } = said;
  const reasons = vote?.reasons.slice(0, MAX_REASONS).map((text) => text.slice(0, MAX_REASON));
  return {
    member,
    proposed: proposal !== undefined,
    ...(vote ? { for: vote.for, confidence: vote.confidence, reasons: reasons ?? [] } : {}),
    ...(problem === undefined ? {} : { problem: problem.slice(0, MAX_REASON) }),
  };
}

/** The deliberation with a round that begins. */
export function beginRound(
  before: DeliberationState | undefined,
  round: Pick<DeliberationState, 'round' | 'asked' | 'absent' | 'roundMs'>,
  at: string,
): DeliberationState {
  const kept = before?.transcript === undefined ? {} : { transcript: before.transcript };
  return { ...round, from: at, rounds: before?.rounds ?? [], ...kept };
}

/** The deliberation with what a round came to. */
export function endRound(
  before: DeliberationState,
  { votes, transcript }: { votes: readonly MemberVote[]; transcript: string },
): DeliberationState {
  return { ...before, rounds: [...before.rounds, votes], transcript };
}
