// What agents say when they deliberate, and the transcript of it. What an agent wrote is not trusted: it is bounded, and each part that
// is not as it should be counts as not said, with the reason.
import * as z from 'zod';

/** Characters of one agent's answer. */
export const MAX_ANSWER = 64 * 1024;
const MAX_PROPOSAL = 32_768;

const Proposal = z.string().trim().min(1, 'it is empty').max(MAX_PROPOSAL, `it is longer than ${MAX_PROPOSAL} characters`);
const Criticism = z.array(z.object({ of: z.string().min(1).max(100), text: z.string().trim().min(1).max(8_000) })).max(20);

/** A voice for the proposal of a member, or for none of them. */
const Vote = z.object({
  for: z.string().min(1).max(100),
  confidence: z.number().min(0, 'confidence goes from 0 to 1').max(1, 'confidence goes from 0 to 1'),
  reasons: z.array(z.string().trim().min(1).max(2_000)).min(1, 'a vote has at least one reason').max(10),
});
export type Vote = z.infer<typeof Vote>;

/** The vote for none of the proposals. */
export const NONE = 'none';

/** What one member said in one round; what is absent was not said. */
const Said = z.object({
  member: z.string(),
  agent: z.string().optional(),
  proposal: z.string().optional(),
  criticism: Criticism.optional(),
  vote: Vote.optional(),
  /** What was wrong with the answer, or why there is none. */
  problem: z.string().optional(),
});
export type Said = z.infer<typeof Said>;

/** Who said what in which round; the rounds count from 1. */
export const Transcript = z.object({
  stage: z.string(),
  topic: z.string(),
  required: z.number(),
  quorum: z.number(),
  rounds: z.array(z.object({ round: z.number(), said: z.array(Said) })),
  /** How it ended; absent while it goes on. */
  outcome: z.string().optional(),
});
export type Transcript = z.infer<typeof Transcript>;

/** Who may be voted for: the members whose proposals the voter has seen. */
export interface Table {
  round: number;
  proposals: ReadonlyMap<string, string>;
}

/** The newest proposal of each member before a round. */
export function tableOf(transcript: Pick<Transcript, 'rounds'>, round: number): Table {
  const proposals = new Map<string, string>();
  for (const { round: number, said } of transcript.rounds)
    if (number < round) for (const { member, proposal } of said) if (proposal !== undefined) proposals.set(member, proposal);
  return { round, proposals };
}

/** Reads the answer of a member. Parts that are not as they should be are left out, and said. */
export function readAnswer(text: string, who: { member: string; agent: string }, table: Table): Said {
  if (text.length > MAX_ANSWER) return { ...who, problem: `Its answer has ${text.length} characters; ${MAX_ANSWER} is the most.` };
  const answer = findObject(text);
  if (!answer) return { ...who, problem: 'Its answer is no JSON object.' };
  const problems: string[] = [];
  const read = <T>(name: string, shape: z.ZodType<T>): T | undefined => {
    const given = answer[name];
    if (given === undefined || given === null) return undefined;
    const parsed = shape.safeParse(given);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    problems.push(`\`${[name, ...(issue?.path ?? [])].join('.')}\`: ${issue?.message ?? 'it is not as it should be'}`);
    return undefined;
  };
  const proposal = read('proposal', Proposal);
  const criticism = read('criticism', Criticism);
  // In the first round nobody has seen a proposal to vote for.
  const vote = table.round === 1 ? undefined : read('vote', Vote);
  const stranger = vote !== undefined && vote.for !== NONE && !table.proposals.has(vote.for);
  if (stranger) problems.push(`\`vote.for\`: ${vote.for.slice(0, 100)} has proposed nothing; ${sayChoice(table)}`);
  if (table.round > 1 && !vote && problems.length === 0) problems.push('It did not vote.');
  if (table.round === 1 && proposal === undefined && problems.length === 0) problems.push('It proposed nothing.');
  return {
    ...who,
    ...(proposal === undefined ? {} : { proposal }),
    ...(criticism === undefined ? {} : { criticism }),
    ...(vote === undefined || stranger ? {} : { vote }),
    ...(problems.length === 0 ? {} : { problem: problems.join(' ').slice(0, 500) }),
  };
}

const sayChoice = ({ proposals }: Table): string => `it can be ${[...proposals.keys(), NONE].join(', ')}.`;

/** The object that an answer consists of, that stands in its last fenced block, or that is the widest pair of braces in it. */
function findObject(text: string): Record<string, unknown> | undefined {
  const fenced = [...text.matchAll(/```(?:json)?[ \t]*\n([\s\S]*?)\n[ \t]*```/g)].at(-1)?.[1];
  const braces = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
  for (const candidate of [text, fenced, braces]) {
    if (candidate === undefined || candidate.trim() === '') continue;
    try {
      const value: unknown = JSON.parse(candidate);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    } catch {
      // The next may be one.
    }
  }
  return undefined;
}
