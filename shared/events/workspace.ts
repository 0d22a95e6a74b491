import type { MergeHow } from '../state/action.ts';
import type { EventOf } from './envelope.ts';

/** A branch, the commits that meet, and what comes of them; how is said beside it where it is no merge commit. */
export interface MergeIntent {
  into: string;
  from: string;
  expected: string;
  tree: string;
  message: string;
}

export type WorkspaceEvent =
  /** `home` is the attempt whose HOME is used, where that is another one's. */
  | EventOf<'workspace.created', { path: string; branch: string; base: string; home?: string }>
  /** Kept: it holds work that is nowhere else, and `reason` says which. */
  | EventOf<'workspace.kept', { path: string; reason: string }>
  | EventOf<'workspace.removed', { path: string }>
  /** The intent, before the branch moves. The effect carries this event's id in a trailer, so that it happens once. */
  | EventOf<'workspace.merge_started', MergeIntent & { approval: string; how?: MergeHow }>
  | EventOf<'workspace.merged', { into: string; commit: string; previous: string }>
  | EventOf<'workspace.merge_failed', { into: string; code: string; message: string }>
  | EventOf<'workspace.undo_started', { branch: string; merge: string; by: string }>
  | EventOf<'workspace.undone', { branch: string; merge: string; commit: string }>
  | EventOf<'workspace.undo_failed', { branch: string; code: string; message: string }>;
