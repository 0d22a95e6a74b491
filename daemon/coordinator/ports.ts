/** What the coordinator needs of the impure rooms. Types only; `main.ts` passes the implementations in. */
import type { Progress } from '../../shared/protocol/views.ts';
import type { AdapterKind } from '../../shared/state/agent.ts';
import type { WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Assignment } from '../../shared/protocol/views.ts';
import type { Action } from '../../shared/state/action.ts';
import type { Adapter, Json } from '../agents/agent.ts';
import type { RepoWithPath, mergeBranch, undoMerge } from '../workspace/merge.ts';
import type { takeUp } from '../workspace/take-up.ts';
import type { diffCommits } from '../workspace/diff.ts';
import type { findSides, listMarked, listSince } from '../workspace/conflicts.ts';
import type { commitWorktree } from '../workspace/commit.ts';
import type { guardGit, lookAtWork } from '../workspace/audit.ts';
import type { readTree } from '../workspace/inspect.ts';
import type { forgetGit, lendGit } from '../workspace/lend.ts';
import type { openLook } from '../workspace/look.ts';
import type { putBack } from '../workspace/put-back.ts';
import type { flattenWork, readCommitted, takeBack } from '../workspace/take-back.ts';
import type { layOut, readOutput, readReport } from '../workspace/desk.ts';
import type { joinCommits } from '../workspace/join.ts';
import type { takeOverWorktree } from '../workspace/take-over.ts';
import type { createWorktree, dropUnusedBranch, lockWorktree, removeWorktree, unlockWorktree } from '../workspace/worktrees.ts';

export interface StoredArtifact {
  digest: string;
  size: number;
}

export interface ArtifactPort {
  /** Redacts, stores and syncs a text; the digest is that of what was stored. */
  putText(text: string): Promise<StoredArtifact>;
  readText(digest: string): Promise<string>;
}

export interface SpoolPort {
  open(attempt: string): Promise<Spool>;
  /** The last bytes of an attempt's output, as whole characters. */
  readEnd(attempt: string, bytes: number): Promise<string>;
}

export interface Spool {
  write(stream: 'stdout' | 'stderr', text: string): void;
  close(): Promise<{ bytes: number; dropped: number }>;
}

export interface WorkspacePort {
  createWorktree: typeof createWorktree;
  takeOverWorktree: typeof takeOverWorktree;
  joinCommits: typeof joinCommits;
  removeWorktree: typeof removeWorktree;
  lockWorktree: typeof lockWorktree;
  unlockWorktree: typeof unlockWorktree;
  dropUnusedBranch: typeof dropUnusedBranch;
  commitWorktree: typeof commitWorktree;
  lendGit: typeof lendGit;
  takeBack: typeof takeBack;
  forgetGit: typeof forgetGit;
  guardGit: typeof guardGit;
  lookAtWork: typeof lookAtWork;
  readCommitted: typeof readCommitted;
  flattenWork: typeof flattenWork;
  openLook: typeof openLook;
  putBack: typeof putBack;
  diffCommits: typeof diffCommits;
  takeUp: typeof takeUp;
  readTree: typeof readTree;
  findSides: typeof findSides;
  listSince: typeof listSince;
  listMarked: typeof listMarked;
  mergeBranch: typeof mergeBranch;
  undoMerge: typeof undoMerge;
  /** Commit that a branch stands at; throws WorkspaceError branch_missing. */
  readBranch(repo: RepoWithPath, branch: string): Promise<string>;
  /** Where a path of a commit really leads: links in it are followed within the commit. */
  resolvePath(
    repo: RepoWithPath,
    commit: string,
    path: string,
    root: string,
  ): Promise<Extract<Action, { kind: 'agent.edit' }>['paths'][number]>;
}

export interface RemotePort {
  /** Hands work to the connection that the agent works on; false when it has gone. */
  assign(agent: string, assignment: Assignment): boolean;
  cancel(agent: string, attempt: string, reason: string): void;
}

/** The folder of an attempt, where a program finds its task and leaves what it made. */
export interface DeskPort {
  layOut: typeof layOut;
  readReport: typeof readReport;
  readOutput: typeof readOutput;
  /** The folder for outputs below an attempt's own. */
  outputsOf(home: string): string;
}

export interface Ports {
  adapters: Partial<Record<AdapterKind, Adapter>>;
  artifacts: ArtifactPort;
  spools: SpoolPort;
  workspace: WorkspacePort;
  remote: RemotePort;
  /** What is wrong with an OpenAPI document; empty when it is valid. */
  validateOpenApi(document: unknown): Promise<string>;
  desk: DeskPort;
  /** The definition with that digest, once the run that names it was submitted. */
  definitionOf(digest: string): WorkflowDefinition | undefined;
  /** Reads a definition from the store into memory. */
  loadDefinition(digest: string): Promise<WorkflowDefinition>;
  /** Stores a definition, so that a run can go on by it; its digest. */
  keepDefinition(definition: WorkflowDefinition): Promise<string>;
  /** A folder of the attempt's own, made when it is asked for. */
  homeFor(attempt: string): Promise<string>;
  worktreeFor(attempt: string): string;
  /** Copies into a worktree what the repository's trusted configuration names, and tells the command that makes it ready. */
  prepareWorktree(repo: string, path: string): Promise<{ copied: string[]; command?: string[] }>;
  /** Commands that the repository's trusted configuration wants to pass before any of its branches takes work up. */
  mergeChecks(repo: string): Promise<string[][]>;
  /** The command that runs the repository's own tests, as a commit names it; undefined when none is found. */
  findTests(repo: RepoWithPath, commit: string): Promise<string[] | undefined>;
  /** Folder for the git directory that an attempt in a sandbox is lent. */
  lentFor(attempt: string): string;
  /** The kinds of secret that a text for a path holds, never their values. */
  listSecretKinds(path: string, text: string): Promise<string[]>;
  /** The text with every secret in it masked. */
  mask(text: string): Promise<string>;
  hash(text: string): string;
  /** Tells watchers what an attempt is doing; nothing of it is recorded. */
  progress(item: Progress): void;
  log(event: string, facts: Record<string, unknown>): void;
}

export type Inputs = Record<string, Json>;
