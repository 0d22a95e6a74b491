/** A repository with planted problems, and a client that answers what a check-up of it asks. */
import assert from 'node:assert/strict';
import type { Connected } from '../../daemon/rpc/connect.ts';
import type { SignalboxError } from '../../shared/protocol/errors.ts';
import type { RunDetail } from '../../shared/protocol/views.ts';
import { runEnded } from '../../shared/state/run.ts';
import { type Files, makeRepo } from './repos.ts';

/** Two repairs of medium risk, one of low risk, and a test command that needs nothing installed. */
export const PLANTED: Files = {
  'package.json': `${JSON.stringify({ name: 'planted', scripts: { test: 'node --test' } }, undefined, 2)}\n`,
  'sum.test.js': "require('node:test')('adds', () => {});\n",
  'node_modules/left/index.js': 'module.exports = 1;\n',
  'debug.log': 'one line\n',
};

/** Makes a repository with the planted problems on the branch main. */
export function makePlantedRepo(files: Files = PLANTED): string {
  return makeRepo(files);
}

export interface Answers {
  /** What to answer; the default grants everything. */
  answer?(approval: { key: string; kind: string; summary: string }): 'grant' | 'deny';
}

/** Starts a check-up, or goes on with it, and answers until it has ended; survives nothing, so give it a live client. */
export async function finishRun(client: Connected, run: string, { answer = () => 'grant' }: Answers = {}): Promise<RunDetail> {
  for (;;) {
    const detail = await client.call('run/get', { run });
    if (runEnded(detail.run)) return detail;
    for (const approval of detail.approvals) {
      if (approval.status !== 'pending') continue;
      const answered = client.call('approval/answer', { approval: approval.id, answer: answer(approval), reason: 'the test says so' });
      // A run that was canceled meanwhile has withdrawn its questions.
      await answered.catch((error: SignalboxError) => assert.equal(error.code, 'approval_settled'));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
