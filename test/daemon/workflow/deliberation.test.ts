import assert from 'node:assert/strict';
import { Transcript } from '../../../shared/artifacts/deliberation.ts';
import { stageOf } from '../../../shared/state/select.ts';
import type { Command } from '../../../daemon/commands.ts';
import { listOverRounds } from '../../../daemon/scheduler/rounds.ts';
import { loadDefinition, Simulation, type Scripts } from '../../support/engine.ts';

const agent = (id: string, role = '', slots = 4): Command => ({
  type: 'agent/register',
  agent: id,
  role,
  capabilities: [],
  tags: [],
  adapter: 'command',
  slots,
});
const AGENTS = [agent('claude', 'reviewer'), agent('gpt', 'reviewer'), agent('third', 'reviewer'), agent('worker'), agent('command')];
const START: Command = {
  type: 'run/start',
  run: 'run-1',
  workflow: { name: 'test', version: 1, digest: 'd' },
  inputs: { code: 'x = 1' },
  again: false,
};
const HEAD = 'workflow: test\nversion: 1\ninputs: { code: { type: string } }\nstages:\n';
const CHAIN = loadDefinition(`${HEAD}
  - id: review
    prompt: "Review: {context.code}"
    deliberate: { agents: [claude, gpt], rounds: 3, required_consensus: 0.7 }
    on_failure: { retry: 1 }
    next: security
  - id: security
    prompt: "Audit: {previous.output}"
    deliberate: { agents: [gpt, third, { name: cynic, command: [node, cynic.mjs] }], rounds: 2, required_consensus: 0.6, quorum: 2, round_timeout: 5m }
`);

type Answer = { proposal?: string; vote?: { for: string; confidence: number; reasons: string[] } };
const says = (choice: string, confidence: number): Answer => ({ vote: { for: choice, confidence, reasons: ['so it is'] } });
type Say = (stage: string, member: string, round: number) => Answer | 'dies' | 'nothing';
const scripts = (say: Say): Scripts => ({
  work(stage, _attempt, task) {
    const about = task?.payload['deliberation'] as { member: string; round: number } | undefined;
    if (!about) return {};
    const said = say(stage, about.member, about.round);
    if (said === 'dies') return { status: 'failed', code: 'agent_exited', message: 'It ended.' };
    return said === 'nothing' ? {} : { values: { ...said } };
  },
});
const agrees: Say = (stage, member, round) =>
  round === 1 ? { proposal: `${stage} by ${member}` } : says(stage === 'review' ? 'claude' : 'third', 0.9);
function run(say: Say, definition = CHAIN, agents = AGENTS): Simulation {
  const s = new Simulation(scripts(say));
  s.drive(definition, [...agents, START]);
  return s;
}
const stage = (s: Simulation, id: string) => stageOf(s.state, 'run-1', id);
const asked = (s: Simulation, id: string) => s.events.flatMap((e) => (e.type === 'task.submitted' && e.stage === id ? [e.data] : []));
const outputOf = (s: Simulation, name: string) => s.texts.get(s.state.artifacts.get('run-1')?.get(name)?.digest ?? '');

describe('a deliberation', () => {
  it('ends when its members agree, with the proposal that they voted for, and hands it on', () => {
    const s = run(agrees);
    assert.equal(s.state.runs.get('run-1')?.status, 'success', s.state.runs.get('run-1')?.summary);
    assert.deepEqual(stage(s, 'review')?.values, { leader: 'claude', consensus: 0.9, votes: 2, rounds: 2 });
    assert.equal(outputOf(s, 'review.md'), 'review by claude');
    assert.equal(outputOf(s, 'security.md'), 'security by third');
    assert.equal(asked(s, 'review').length, 4);
    assert.match(String(asked(s, 'review')[0]?.payload['prompt']), /^Review: x = 1$/);
    const transcript = Transcript.parse(JSON.parse(outputOf(s, 'review.transcript.json') ?? ''));
    assert.deepEqual(
      transcript.rounds.map(({ said }) => said.map(({ member, vote: one }) => `${member}:${one?.for ?? ''}`)),
      [
        ['claude:', 'gpt:'],
        ['claude:claude', 'gpt:claude'],
      ],
    );
  });

  it('shows the second round what the first came to, and asks a program by its argv', () => {
    const s = run(agrees);
    const second = asked(s, 'security').filter(({ payload }) => (payload['deliberation'] as { round: number }).round === 2);
    assert.ok(second.every(({ artifacts }) => artifacts['transcript.json'] !== undefined));
    assert.deepEqual(second.map(({ wants, payload }) => [wants, payload['argv']]).at(-1), ['command', ['node', 'cynic.mjs']]);
    assert.ok(second.every(({ timeoutMs }) => timeoutMs === 300_000));
  });

  it('takes the failure path with low consensus, and never that of success', () => {
    const s = run((id, member, round) => (id === 'review' && round > 1 ? says(member, 1) : agrees(id, member, round)));
    assert.equal(s.state.runs.get('run-1')?.status, 'failure');
    assert.deepEqual([stage(s, 'review')?.status, stage(s, 'review')?.code], ['failed', 'no_consensus']);
    assert.equal(stage(s, 'security')?.skipped, 'blocked');
    assert.equal(s.events.filter((e) => e.type === 'stage.voted').length, 6, 'three rounds, and three again');
    assert.match(String(asked(s, 'review').at(-1)?.payload['feedback']), /After 3 rounds no proposal leads/);
    assert.equal(outputOf(s, 'review.md'), undefined);
    assert.ok(outputOf(s, 'review.transcript.json'), 'the transcript of a failure is kept as well');
  });

  it('goes on without a member that dies, as long as the quorum is there', () => {
    const s = run((id, member, round) => (id === 'security' && member === 'cynic' && round === 2 ? 'dies' : agrees(id, member, round)));
    assert.equal(s.state.runs.get('run-1')?.status, 'success');
    assert.deepEqual(stage(s, 'security')?.values, { leader: 'third', consensus: 0.9, votes: 2, rounds: 2 });
    assert.equal(stage(s, 'security')?.deliberation?.rounds[1]?.[2]?.problem, 'It ended.');
  });

  it('fails with fewer votes than the quorum, however sure they are', () => {
    const s = run((id, member, round) => (id === 'security' && member !== 'third' && round === 2 ? 'nothing' : agrees(id, member, round)));
    assert.deepEqual([stage(s, 'security')?.status, stage(s, 'security')?.code], ['failed', 'quorum_missed']);
    assert.match(stage(s, 'security')?.reason ?? '', /1 vote was cast, and 2 are needed\. gpt: It did not vote\. cynic: It did not vote\./);
  });

  it('begins no round when too few of its members are there, and says who is not', () => {
    const s = run(agrees, CHAIN, AGENTS.slice(1));
    assert.equal(stage(s, 'review')?.code, 'agent_unknown');
    assert.match(
      stage(s, 'review')?.reason ?? '',
      /1 of its members can be asked, and 2 votes are needed\. claude: No agent claude is registered/,
    );
  });

  it('takes different agents for members that are chosen', () => {
    const many = loadDefinition(`${HEAD}
  - { id: review, prompt: p, deliberate: { agents: [{ name: one, role: reviewer }, { name: two, role: reviewer }, { name: three, role: reviewer }], required_consensus: 0.5 } }
`);
    const s = run((_id, member, round) => (round === 1 ? { proposal: member } : says('one', 1)), many);
    assert.deepEqual(
      stage(s, 'review')
        ?.deliberation?.asked.map(({ agent: id }) => id)
        .sort(),
      ['claude', 'gpt', 'third'],
    );
    assert.equal(stage(s, 'review')?.status, 'completed');
  });

  it('is signed off, and its gate looks at what it came to', () => {
    const gated = loadDefinition(`${HEAD}
  - { id: review, prompt: p, deliberate: { agents: [claude, gpt], required_consensus: 0.5 }, gate: [consensus >= 0.95], approvers: [worker] }
`);
    const s = run((_id, member, round) => (round === 1 ? { proposal: member } : says('gpt', 0.9)), gated);
    assert.equal(stage(s, 'review')?.code, 'gate_failed');
    const refused = run((_id, member, round) => (round === 1 ? { proposal: member } : says('gpt', 1)), gated);
    assert.equal(stage(refused, 'review')?.code, 'not_signed_off');
  });

  it('comes to the same end from a restart at any event', () => {
    const whole = run(agrees);
    const end = (s: Simulation) => [
      s.state.runs.get('run-1')?.status,
      stage(s, 'review')?.values,
      stage(s, 'security')?.values,
      outputOf(s, 'security.md'),
    ];
    for (let stop = AGENTS.length * 3; stop < whole.events.length; stop += 1) {
      const before = new Simulation(scripts(agrees));
      before.drive(CHAIN, [...AGENTS, START], stop);
      const after = before.restart(CHAIN);
      after.drive(CHAIN, before.state.runs.has('run-1') ? [] : [START]);
      assert.deepEqual(end(after), end(whole), `stopped after ${stop} events`);
      assert.equal(after.state.tasks.size, whole.state.tasks.size, `no task more than without it, stopped after ${stop}`);
    }
  });

  it('ends the round of who has not answered in time, and what is said when the run is canceled', () => {
    const s = new Simulation(scripts(agrees));
    const away = CHAIN;
    const noSlots = AGENTS.map((one) => (one.type === 'agent/register' && one.agent === 'gpt' ? { ...one, slots: 1 } : one));
    s.drive(away, [...noSlots, START], noSlots.length * 3 + 8);
    s.apply({ type: 'agent/leave', agent: 'gpt', reason: 'gone' });
    s.drive(away, []);
    const open = [...s.state.pending];
    assert.equal(open.length, 1, 'gpt is asked, and away');
    assert.deepEqual(listOverRounds(s.state, s.now + 899_999), []);
    const over = listOverRounds(s.state, s.now + 900_000);
    assert.deepEqual(
      over.map(({ task }) => task),
      open,
    );
    for (const one of over) s.drive(away, [one]);
    assert.equal(stage(s, 'review')?.deliberation?.round, 2, 'the round was over, and the next began');
    s.drive(away, [{ type: 'run/cancel', run: 'run-1', reason: 'enough' }]);
    assert.equal(s.state.runs.get('run-1')?.status, 'canceled');
    assert.equal(s.state.pending.size, 0, 'nothing of it is left');
  });
});
