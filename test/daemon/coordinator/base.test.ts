import assert from 'node:assert/strict';
import type { Command } from '../../../daemon/commands.ts';
import { baseOf, listBases } from '../../../daemon/coordinator/base.ts';
import { loadDefinition, Simulation } from '../../support/engine.ts';

const AGENT: Command = { type: 'agent/register', agent: 'worker', role: '', capabilities: [], tags: [], adapter: 'command', slots: 4 };
const DEFINITION = loadDefinition(`workflow: test
version: 1
stages:
  - { id: good, agent: worker, prompt: do }
  - { id: bad, needs: [good], agent: worker, prompt: do, gate: [holds], on_failure: skip, cleanup: [{ name: tidy, agent: worker, prompt: tidy }] }
  - { id: after, needs: [bad], agent: worker, prompt: do }
  - { id: look, needs: [bad], agent: worker, prompt: do, worktree: { from: bad } }
`);

describe('what a stage begins with', () => {
  it('is never work that did not pass its gate, but for a stage that names it, or cleans up after it', () => {
    const s = new Simulation({ work: (stage) => ({ commits: [stage], values: { holds: false } }) });
    const workflow = { name: 'test', version: 1, digest: 'd' };
    const repository = { repo: '/r', gitDir: '/r/.git', commonDir: '/r/.git', base: 'b'.repeat(40) };
    s.drive(DEFINITION, [AGENT, { type: 'run/start', run: 'run', workflow, inputs: {}, repository, again: false }]);
    const run = s.state.runs.get('run');
    assert.equal(run?.status, 'success', 'what failed was left out');
    const begins = DEFINITION.stages.map((def) => [
      def.id,
      listBases(s.state, run, def, DEFINITION).map((commit) => commit.replace(/0+$/, '')),
    ]);
    assert.deepEqual(Object.fromEntries(begins), {
      good: ['b'.repeat(40)],
      bad: ['good'],
      after: ['good'],
      look: ['bad'],
      'bad-tidy': ['bad'],
    });
    const after = DEFINITION.stages.find(({ id }) => id === 'after');
    assert.ok(after && baseOf(s.state, run, after) !== 'bad'.padEnd(40, '0'));
  });
});
