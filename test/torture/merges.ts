/**
 * The branch of the repository held against the record: one merge for each that a person granted, also when the daemon dies in the middle.
 *
 * 1. Each merge on the branch carries the id of the recorded event that it is an effect of; no effect is there twice, no run merges twice.
 * 2. A merge that was recorded as done is on the branch. One on the branch that is not recorded yet is finished by the next start.
 */
import assert from 'node:assert/strict';
import type { Event } from '../../shared/events/envelope.ts';
import { git } from '../support/repos.ts';

export class MergeLedger {
  /** The run of each merge that was begun, by the event that says so. */
  readonly #begun = new Map<string, string>();
  /** The commit of each run's merge. */
  readonly #done = new Map<string, string>();
  readonly #grants = new Set<string>();

  get done(): number {
    return this.#done.size;
  }

  read(event: Event): void {
    const { run = '' } = event;
    if (event.type === 'workspace.merge_started') {
      const { approval } = event.data;
      assert.ok(approval !== '' && !this.#grants.has(approval), `a merge of ${run} began with a grant that was used before: ${approval}`);
      this.#grants.add(approval);
      this.#begun.set(event.id, run);
    }
    if (event.type === 'workspace.merged') {
      assert.ok(!this.#done.has(run), `${run} was merged twice`);
      this.#done.set(run, event.data.commit);
    }
  }

  /** Throws unless the branch is what the record says; `settled` when no merge is under way any more. */
  check(repo: string, branch: string, settled: boolean): void {
    const log = git(repo, 'log', '--first-parent', '--format=%H %(trailers:key=Signalbox-Effect,valueonly,separator=%x2C)', branch);
    const merges = log
      .split('\n')
      .map((line) => line.trim().split(' '))
      .flatMap(([commit = '', effect]) => (effect === undefined ? [] : [{ commit, effect }]));
    const runs = merges.map(({ commit, effect }) => {
      const run = this.#begun.get(effect);
      assert.ok(run !== undefined, `the merge ${commit} carries ${effect}, which is not in the record`);
      return run;
    });
    assert.equal(new Set(runs).size, runs.length, `a run was merged twice: ${runs.join(' ')}`);
    const commits = new Set(merges.map(({ commit }) => commit));
    for (const [run, commit] of this.#done)
      assert.ok(commits.has(commit), `the merge ${commit} of ${run} was recorded and is not on ${branch}`);
    if (settled) assert.equal(commits.size, this.#done.size, `merges on ${branch} that nobody recorded`);
  }
}
