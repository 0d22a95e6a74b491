// What the tests of merging and undoing share: a repository with something to merge.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectRepo, type RepoInfo } from '../../../daemon/workspace/inspect.ts';
import type { MergeRequest } from '../../../daemon/workspace/merge.ts';
import type { WorkspaceError } from '../../../daemon/workspace/workspace-error.ts';
import { commitFiles, type Files, git, makeRepo } from '../../support/repos.ts';

export const AT = '2026-01-02T03:04:05.000Z';
export const LINES = Array.from({ length: 20 }, (_, index) => `line ${index}\n`);
export const withLine = (index: number, text: string) => LINES.map((line, at) => (at === index ? `${text}\n` : line)).join('');

export const refuses = (promise: Promise<unknown>, code: string, look: (error: WorkspaceError) => void = () => {}) =>
  assert.rejects(promise, (error: WorkspaceError) => {
    assert.equal(error.code, code, error.message);
    look(error);
    return true;
  });

/** A repository ready for a merge. */
export interface Scene {
  readonly top: string;
  readonly repo: RepoInfo;
  readonly request: MergeRequest;
}

/** A repository on main with a branch `work` that changes `changes`, and then `later` on main. */
export async function setUp(
  changes: Files = { a: withLine(0, 'work'), added: 'added\n' },
  later: Files = {},
  first: Files = {},
): Promise<Scene> {
  const top = makeRepo({ a: LINES.join(''), b: 'b\n', gone: 'gone\n', '.gitignore': '*.ignored\n', ...first });
  git(top, 'checkout', '--quiet', '-b', 'work');
  const from = commitFiles(top, changes);
  git(top, 'checkout', '--quiet', 'main');
  if (Object.keys(later).length > 0) commitFiles(top, later);
  const expected = git(top, 'rev-parse', 'HEAD');
  const repo = await inspectRepo(top);
  return { top, repo, request: { repo, into: 'main', expected, from, effect: 'effect-1', at: AT, message: 'Merge work' } };
}

export const read = (top: string, path: string) => readFileSync(join(top, path), 'utf8');
export const tipOf = (top: string) => git(top, 'rev-parse', 'main');
