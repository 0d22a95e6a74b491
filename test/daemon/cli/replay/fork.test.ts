// What would have become of a recorded run if the policies or an answer had been otherwise.
import assert from 'node:assert/strict';
import type { Commit } from '../../../../shared/events/envelope.ts';
import { emptyState } from '../../../../shared/state/evolve.ts';
import type { Command } from '../../../../daemon/commands.ts';
import type { Change } from '../../../../daemon/cli/replay/fork.ts';
import { forkRun } from '../../../../daemon/cli/replay/fork.ts';
import { sha256 } from '../../../../daemon/platform/digest.ts';
import { loadPolicies, type PolicySource } from '../../../../daemon/policy/load.ts';
import { loadDefinition, Simulation } from '../../../support/engine.ts';

const policy = (name: string, rules: string): PolicySource => ({
  file: `${name}.yaml`,
  text: `policy: ${name}\nversion: 1\nenforcement: hard\nrules:\n${rules}`,
  origin: 'user',
  trusted: true,
});
/** Deploying is asked; all else is allowed. */
const IN_FORCE = policy(
  'house',
  `  - { id: deploy, on: [stage.advance], when: 'action.stage == "deploy"', effect: require_approval, message: Somebody looks first. }
  - { id: others, on: [stage.advance], when: 'action.stage != "deploy"', effect: allow, message: Go on. }
  - { id: tasks, on: [task.submit, task.dispatch], when: 'true', effect: allow, message: Go on. }
`,
);
const FLOW = loadDefinition(`workflow: ship
version: 1
stages:
  - { id: build, agent: worker, action: do, outputs: [coverage], gate: ["coverage >= 80%"], on_failure: { retry: 1 } }
  - { id: test, agent: worker, action: do, needs: [build] }
  - { id: deploy, agent: worker, action: do, needs: [test] }
  - { id: tell, agent: worker, action: do, needs: [deploy], always: true }
`);
const STORE: Record<string, unknown> = { flow: FLOW, text: IN_FORCE.text };
const KEPT = {
  text: (digest: string) => STORE[digest] as string | undefined,
  json: (digest: string) => STORE[digest],
};

/** A run that failed its gate once, asked before it deployed, and went on when somebody said yes; then it left memory. */
function record(): { commits: Commit[]; seqOf(type: string, stage: string): string } {
  const loaded = loadPolicies([IN_FORCE], sha256);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const s = new Simulation({
    policies: loaded.policies,
    work: (stage, _, task) => (stage === 'build' ? { values: { coverage: task?.payload['feedback'] ? 91 : 40 } } : {}),
  });
  const files = [{ file: IN_FORCE.file, origin: 'user', digest: 'd', rules: 3, trusted: true, artifact: 'text' }];
  const worker: Command = {
    type: 'agent/register',
    agent: 'worker',
    role: '',
    capabilities: [],
    tags: [],
    adapter: 'command',
    slots: 4,
  };
  s.drive(FLOW, [
    { type: 'policy/load', repo: '', files },
    worker,
    { type: 'run/start', run: 'run-1', workflow: { name: 'ship', version: 1, digest: 'flow' }, inputs: {}, again: false },
  ]);
  const [approval = ''] = s.state.asked;
  s.drive(FLOW, [{ type: 'approval/answer', approval, answer: 'grant', by: 'user', reason: 'looks fine' }]);
  assert.equal(s.state.runs.get('run-1')?.status, 'success');
  s.apply({ type: 'archive/move', runs: ['run-1'], tasks: [...s.state.tasks.keys()] });
  assert.equal(s.state.runs.size, 0);
  const found = (type: string, stage: string) => s.events.find((event) => event.type === type && event.stage === stage)?.id ?? '';
  return { commits: s.commits as Commit[], seqOf: found };
}

const RECORDED = record();

async function* inPieces(commits: readonly Commit[]) {
  for (let i = 0; i < commits.length; i += 7) yield await Promise.resolve(commits.slice(i, i + 7));
}

const fork = (change: Partial<Change>, from?: string, commits: readonly Commit[] = RECORDED.commits, kept = KEPT) =>
  forkRun(
    {
      run: 'run-1',
      isStart: ({ id }) => from === undefined || id === from,
      change: { policies: [], answer: undefined, ...change },
      kept,
      definitionOf: (digest) => (digest === 'flow' ? FLOW : undefined),
    },
    emptyState(),
    inPieces(structuredClone(commits)),
  );

describe('a run that is gone through again with something otherwise', () => {
  it('parts where a policy denies what was allowed, and fails from there', async () => {
    const strict = policy(
      'strict',
      `  - { id: no, on: [task.submit], when: 'action.stage == "test"', effect: deny, message: No tests today. }\n`,
    );
    const { parting, outdated, unreadable } = await fork({ policies: [strict] });
    assert.deepEqual([outdated, unreadable], [undefined, 0]);
    assert.equal(parting?.stage, 'test');
    assert.deepEqual(parting.recorded.says, 'allow');
    assert.deepEqual(parting.now, { says: 'deny', by: ['strict/no'], message: 'No tests today.' });
    assert.match(parting.follows.join('\n'), /stage\.failed test: No tests today\.[^]*stage\.skipped deploy[^]*stage\.started tell/);
    assert.deepEqual(parting.waits, ['tell, by worker']);
  });

  it('parts where a policy of the same name does not ask any more, and says what would start', async () => {
    const loose = policy(
      'house',
      `  - { id: all, on: [stage.advance, task.submit, task.dispatch], when: 'true', effect: allow, message: Go on. }\n`,
    );
    const { parting } = await fork({ policies: [loose] });
    assert.deepEqual([parting?.recorded.says, parting?.recorded.by, parting?.now.says], ['require_approval', ['house/deploy'], 'allow']);
    assert.deepEqual(parting?.waits, ['deploy, by worker']);
  });

  it('parts where somebody else has to answer', async () => {
    const two = IN_FORCE.text.replace('effect: require_approval', 'effect: require_approval, approvers: [ops]');
    const { parting } = await fork({ policies: [{ ...IN_FORCE, text: two }] });
    assert.deepEqual([parting?.stage, parting?.now.says], ['deploy', 'require_approval']);
    assert.match(parting?.waits.join() ?? '', /an answer: Start the stage deploy/);
  });

  it('parts at the first answer that is another one, and the way that it had to it is the recorded one', async () => {
    const { parting, events, answers } = await fork({ answer: 'deny' });
    assert.deepEqual([parting?.recorded.says, parting?.recorded.by, parting?.recorded.message], ['approve', ['user'], 'looks fine']);
    assert.match(parting?.follows.join('\n') ?? '', /stage\.failed deploy: denied by replay/);
    assert.deepEqual([answers, events > 20], [1, true]);
    const later = await fork({ answer: 'deny' }, RECORDED.seqOf('stage.completed', 'build'));
    assert.equal(later.parting?.event, parting?.event);
    assert.ok(later.events < events);
  });

  it('never parts where the change changes nothing, or comes after what it would change', async () => {
    const warns = policy('warns', `  - { id: hm, on: [task.submit], when: 'true', effect: warn, message: Hm. }\n`);
    for (const report of [
      await fork({ policies: [warns] }),
      await fork({ answer: 'approve' }),
      await fork({ answer: 'deny' }, RECORDED.seqOf('stage.completed', 'deploy')),
    ])
      assert.deepEqual([report.parting, report.outdated, report.unreadable], [undefined, undefined, 0]);
  });

  it('claims nothing where the engine does not go the recorded way, or what decided is not there any more', async () => {
    const changed = structuredClone(RECORDED.commits);
    const step = changed.flatMap(({ events }) => events).find(({ type, stage }) => type === 'stage.completed' && stage === 'test');
    assert.ok(step?.type === 'stage.completed');
    step.data.values = { made: 'up' };
    const { outdated, parting } = await fork({ answer: 'deny' }, undefined, changed);
    assert.deepEqual([outdated?.event, parting], [step.id, undefined]);
    const behind = await fork({ answer: 'deny' }, RECORDED.seqOf('stage.started', 'deploy'), changed);
    assert.equal(behind.parting?.stage, 'deploy');
    const strict = policy(
      'strict',
      `  - { id: no, on: [stage.advance, task.submit, task.dispatch], when: 'true', effect: deny, message: No. }\n`,
    );
    const gone = await fork({ policies: [strict] }, undefined, RECORDED.commits, { ...KEPT, text: () => undefined });
    assert.deepEqual([gone.parting, gone.unreadable > 0], [undefined, true]);
  });

  it('says nothing of an event that the run does not have', async () => {
    assert.equal((await fork({ answer: 'deny' }, 'test-9999.0')).from, undefined);
  });
});
