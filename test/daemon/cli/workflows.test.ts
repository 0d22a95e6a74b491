import assert from 'node:assert/strict';
import { loadWorkflow } from '../../../daemon/workflow/load.ts';
import { explainWorkflow } from '../../../daemon/cli/workflows/explain.ts';
import { drawText, listEdges } from '../../../daemon/cli/workflows/graph.ts';
import { TEMPLATES } from '../../../daemon/cli/workflows/new.ts';
import { loadDefinition } from '../../support/engine.ts';

const DEFINITION = loadDefinition(`
workflow: test
version: 1
stages:
  - { id: triage, agent: worker, action: sort, outputs: [severity], next: { P0: fix, otherwise: shelf } }
  - { id: fix, agent: { role: coder }, action: fix, gate: ["coverage >= 80%"], approvers: [human], on_failure: { back_to: triage, at_most: 2 } }
  - { id: shelf, agent: worker, action: file }
`);

describe('signalbox workflows', () => {
  it('draws how stages follow one another, with the cases and the steps back', () => {
    assert.deepEqual(drawText(DEFINITION), [
      'triage',
      '  fix <- triage (severity = P0); fails, at most 2 times: back to triage',
      '  shelf <- triage (otherwise)',
    ]);
    assert.deepEqual(
      listEdges(DEFINITION).map(({ from, to, kind }) => `${from} ${kind} ${to}`),
      ['triage when fix', 'triage when shelf', 'fix back triage'],
    );
  });

  it('says what each stage does, what must hold, and who is asked', () => {
    const fix = explainWorkflow(DEFINITION).find(({ stage }) => stage === 'fix');
    assert.deepEqual(fix?.sentences, [
      'an agent with the role coder does fix.',
      'Only when triage chooses it.',
      'Must hold of its work: coverage >= 80%.',
      'Signed off by human.',
      'When it fails the run goes back to triage, at most 2 times.',
    ]);
  });

  it('writes files that load as they stand', () => {
    for (const [name, text] of Object.entries(TEMPLATES)) {
      const loaded = loadWorkflow({ text: text.replace('NAME', name), file: `${name}.yaml` });
      assert.ok(loaded.ok, `${name}: ${JSON.stringify(loaded)}`);
    }
  });
});
