/** Why something in a workspace was refused; stable. */
export type WorkspaceErrorCode =
  | 'path_missing'
  | 'not_a_repository'
  | 'repository_unreadable'
  | 'repository_empty'
  | 'branch_name_invalid'
  | 'branch_missing'
  | 'branch_exists'
  | 'branch_moved'
  | 'base_missing'
  | 'commit_missing'
  | 'worktree_path_in_use'
  | 'worktree_dirty'
  | 'worktree_locked'
  | 'worktree_missing'
  | 'worktree_tampered'
  | 'operation_in_progress'
  | 'would_overwrite'
  | 'merge_conflicts'
  | 'unrelated_histories'
  | 'too_many_commits'
  | 'not_a_merge'
  | 'merge_not_on_branch'
  | 'undo_conflicts'
  | 'configuration_unreadable'
  | 'objects_not_lendable'
  | 'lent_git_unusable'
  | 'output_unreadable';

/** A refusal about a repository or worktree: `code` is stable, the message says what to do, `facts` are the details. */
export class WorkspaceError extends Error {
  override readonly name = 'WorkspaceError';
  readonly code: WorkspaceErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: WorkspaceErrorCode, message: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.facts = facts;
  }
}
