import assert from 'node:assert/strict';
import { readAnswer, type Said, tableOf, type Transcript } from '../../../shared/artifacts/deliberation.ts';
import { concludeRound, type MemberVote, tallyVotes } from '../../../shared/state/deliberation.ts';
import { writePrompt } from '../../../daemon/workflow/deliberation-prompt.ts';

const vote = (member: string, choice?: string, confidence = 1, problem?: string): MemberVote => ({
  member,
  proposed: true,
  ...(choice === undefined ? {} : { for: choice, confidence, reasons: ['because'] }),
  ...(problem === undefined ? {} : { problem }),
});

describe('the votes of a round', () => {
  const cases: [string, MemberVote[], ReturnType<typeof tallyVotes>][] = [
    ['nobody votes', [vote('a'), vote('b')], { cast: 0, consensus: 0 }],
    ['all for one', [vote('a', 'a', 0.9), vote('b', 'a', 0.7)], { cast: 2, leader: 'a', consensus: 0.8 }],
    [
      'confidence counts, not heads',
      [vote('a', 'a', 0.2), vote('b', 'b', 0.9), vote('c', 'a', 0.3)],
      { cast: 3, leader: 'b', consensus: 0.3 },
    ],
    [
      'a vote that was not cast is in neither part',
      [vote('a', 'a', 0.9), vote('b', 'a', 0.9), vote('c')],
      { cast: 2, leader: 'a', consensus: 0.9 },
    ],
    ['none is a vote against all', [vote('a', 'a', 1), vote('b', 'none', 1)], { cast: 2, leader: 'a', consensus: 0.5 }],
    ['a tie has no leader', [vote('a', 'a', 0.1 + 0.2), vote('b', 'b', 0.3)], { cast: 2, consensus: 0.15 }],
    ['a leader without confidence is none', [vote('a', 'a', 0), vote('b', 'a', 0)], { cast: 2, consensus: 0 }],
  ];
  for (const [what, votes, tally] of cases) it(what, () => assert.deepEqual(tallyVotes(votes), tally));

  const def = { rounds: 3, required: 0.7, quorum: 2 };
  const first = [vote('a'), vote('b'), vote('c')];
  const conclusions: [string, MemberVote[][], string, RegExp?][] = [
    ['the first round has no votes', [first], 'open'],
    [
      'without any proposal there is nothing to go on with',
      [first.map((one) => ({ ...one, proposed: false, problem: 'died' }))],
      'no_proposal',
      /a: died/,
    ],
    ['enough', [first, [vote('a', 'a', 0.7), vote('b', 'a', 0.7)]], 'agreed'],
    ['just not enough, with a round left', [first, [vote('a', 'a', 0.69), vote('b', 'a', 0.7)]], 'open'],
    ['too few votes, with a round left', [first, [vote('a', 'a', 1)]], 'open'],
    [
      'low consensus at the end is failure',
      [first, first, [vote('a', 'a', 0.6), vote('b', 'a', 0.7)]],
      'no_consensus',
      /0\.65; 0\.7 is required/,
    ],
    ['a tie at the end is failure', [first, first, [vote('a', 'a'), vote('b', 'b')]], 'no_consensus', /no proposal leads/],
    [
      'too few votes at the end is failure, however sure',
      [first, first, [vote('a', 'a'), vote('b', undefined, 1, 'died')]],
      'quorum_missed',
      /1 vote was cast, and 2 are needed\. b: died/,
    ],
  ];
  for (const [what, rounds, kind, says] of conclusions)
    it(what, () => {
      const outcome = concludeRound(def, rounds);
      assert.equal(outcome.kind === 'failed' ? outcome.code : outcome.kind, kind);
      if (says) assert.match(outcome.kind === 'failed' ? outcome.message : '', says);
    });
  it('a tie is no consensus, also where half would be enough', () =>
    assert.equal(concludeRound({ ...def, required: 0.5, rounds: 2 }, [first, [vote('a', 'a'), vote('b', 'b')]]).kind, 'failed'));
});

describe('the answer of a member', () => {
  const table = {
    round: 2,
    proposals: new Map([
      ['a', 'x'],
      ['b', 'y'],
    ]),
  };
  const read = (text: string, at = table): Partial<Said> => {
    const { member: _, agent: __, ...said } = readAnswer(text, { member: 'a', agent: 'agent-a' }, at);
    return said;
  };
  const good = { for: 'b', confidence: 0.8, reasons: ['it is shorter'] };
  const json = (value: unknown): string => JSON.stringify(value);

  it('is a JSON object, alone, fenced, or at the end of what was said', () => {
    for (const text of [json({ vote: good }), `I think so.\n\`\`\`json\n${json({ vote: good })}\n\`\`\`\n`, `So: ${json({ vote: good })}`])
      assert.deepEqual(read(text), { vote: good }, text);
  });
  it('keeps what is right of it, and says what is not', () => {
    const said = read(json({ proposal: 'z', criticism: [{ of: 'b', text: 'too long' }], vote: { ...good, confidence: 7 } }));
    assert.deepEqual([said.proposal, said.criticism?.length, said.vote], ['z', 1, undefined]);
    assert.match(said.problem ?? '', /`vote\.confidence`: confidence goes from 0 to 1/);
  });
  const wrong: [string, string, RegExp][] = [
    ['no JSON', 'yes, b', /no JSON object/],
    ['a list', '[1]', /no JSON object/],
    ['too long', `{"proposal": "${'x'.repeat(70_000)}"}`, /65536 is the most/],
    ['a vote without a reason', json({ vote: { ...good, reasons: [] } }), /at least one reason/],
    ['a vote that is a name', json({ vote: 'b' }), /`vote`/],
    ['a vote for somebody who proposed nothing', json({ vote: { ...good, for: 'c' } }), /c has proposed nothing; it can be a, b, none/],
    ['no vote', json({ proposal: 'z' }), /did not vote/],
    ['an empty proposal', json({ proposal: '  ', vote: good }), /`proposal`: it is empty/],
  ];
  for (const [what, text, problem] of wrong)
    it(`counts ${what} as none`, () => {
      const said = read(text);
      assert.match(said.problem ?? '', problem);
      if (what !== 'an empty proposal') assert.equal(said.vote, undefined);
    });
  it('has no vote in the first round, since there is nothing to vote for', () => {
    const first = { round: 1, proposals: new Map<string, string>() };
    assert.deepEqual(read(json({ proposal: 'z', vote: good }), first), { proposal: 'z' });
    assert.match(read(json({ vote: good }), first).problem ?? '', /proposed nothing/);
  });
});

describe('what a member is told', () => {
  const transcript: Transcript = {
    stage: 'review',
    topic: 't',
    required: 0.7,
    quorum: 2,
    rounds: [
      {
        round: 1,
        said: [
          { member: 'a', proposal: 'first {inputs.x}' },
          { member: 'b', proposal: 'other' },
        ],
      },
      {
        round: 2,
        said: [
          { member: 'a', proposal: 'better' },
          { member: 'b', criticism: [{ of: 'a', text: 'too long' }], vote: { for: 'a', confidence: 0.4, reasons: ['short'] } },
        ],
      },
    ],
  };
  const at = { rounds: 3, member: 'b', members: ['a', 'b'] };
  it('is the topic first, then what is proposed now and what was said of it', () => {
    assert.match(writePrompt('Why?', { ...at, round: 1 }, undefined), /Why\?[\s\S]*Propose your answer/);
    const second = writePrompt('Why?', { ...at, round: 2 }, transcript);
    assert.match(second, /proposal of a ---\nfirst \{inputs\.x\}[\s\S]*proposal of b \(yours\) ---\nother/);
    const third = writePrompt('Why?', { ...at, round: 3 }, transcript);
    assert.match(third, /proposal of a ---\nbetter[\s\S]*b on a: too long\nb voted for a \(0\.4\): short/);
    assert.deepEqual(
      [...tableOf(transcript, 3).proposals],
      [
        ['a', 'better'],
        ['b', 'other'],
      ],
    );
  });
});
