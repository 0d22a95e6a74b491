// What a member of a deliberation is told: the topic, what the others proposed, and how to answer.
import { NONE, tableOf, type Transcript } from '../../shared/artifacts/deliberation.ts';

/** Characters of one proposal, and of all criticism, in a prompt. */
const MAX_SHOWN = 24_000;
const MAX_CRITICISM = 16_000;

/** A member's place in a round, as its task carries it. */
export interface Place {
  round: number;
  rounds: number;
  member: string;
  members: readonly string[];
}

/** The words for one member in one round. What others wrote is quoted, and never read as a template. */
export function writePrompt(topic: string, { round, rounds, member, members }: Place, transcript: Transcript | undefined): string {
  const others = members.filter((name) => name !== member);
  const head = `You are ${member}. You deliberate with ${others.join(', ')}. This is round ${round} of at most ${rounds}.\n\nThe topic:\n\n${topic}`;
  if (round === 1 || !transcript)
    return `${head}\n\nPropose your answer to the topic. ${HOW}\n\n{"proposal": "your whole answer, as text"}\n`;
  const { proposals } = tableOf(transcript, round);
  const table = [...proposals].map(
    ([name, text]) => `--- proposal of ${name}${name === member ? ' (yours)' : ''} ---\n${cut(text, MAX_SHOWN)}`,
  );
  const said = listCriticism(transcript, round - 1);
  const parts = [
    head,
    'What is proposed now:',
    ...table,
    ...(said === '' ? [] : ['What was said about it in the last round:', said]),
    'Criticise what is wrong, revise your own proposal where others are right, and vote for the proposal, as it stands above, that ' +
      `should be the answer. A vote for \`${NONE}\` says that none should. Confidence goes from 0 (a guess) to 1 (certain), and ` +
      `each vote gives its reasons. ${HOW}`,
    `{"criticism": [{"of": "${others[0] ?? ''}", "text": "…"}], "proposal": "your answer as it is now, whole", ` +
      `"vote": {"for": "${[...proposals.keys(), NONE].join('" or "')}", "confidence": 0.8, "reasons": ["…"]}}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

const HOW =
  'Change no files of the project. End with one JSON object of this form and nothing after it (a program writes it to the file ' +
  'answer.json in the folder that SIGNALBOX_OUTPUTS names):';

function listCriticism({ rounds }: Transcript, round: number): string {
  const said = rounds.find((one) => one.round === round)?.said ?? [];
  const lines = said.flatMap(({ member, criticism = [], vote }) => [
    ...criticism.map(({ of, text }) => `${member} on ${of}: ${text}`),
    ...(vote ? [`${member} voted for ${vote.for} (${vote.confidence}): ${vote.reasons.join('; ')}`] : []),
  ]);
  return cut(lines.join('\n'), MAX_CRITICISM);
}

const cut = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max)}\n(The rest of ${text.length} characters is left out.)` : text;
