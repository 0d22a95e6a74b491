import * as z from 'zod';

/** How much harm an action could do, from nothing to losing work. */
export const Risk = z.enum(['none', 'low', 'medium', 'high']);
export type Risk = z.infer<typeof Risk>;

/** A path that an action touches, made absolute and real before the policy sees it. */
export const ActionPath = z.object({
  /** Absolute, with links and `..` resolved. */
  path: z.string(),
  /** Relative to the worktree, with forward slashes; empty when it lies outside. */
  relative: z.string(),
  /** False when the real path lies outside the attempt's worktree. */
  inside: z.boolean(),
  /** True for `.git` and everything below it, wherever it lies. */
  git: z.boolean(),
});
export type ActionPath = z.infer<typeof ActionPath>;

/** One simple command of a command line. */
export const SimpleCommand = z.object({
  program: z.string(),
  args: z.array(z.string()),
  subcommand: z.string(),
  options: z.array(z.string()),
  /** True when what would run cannot be known without running it. */
  opaque: z.boolean(),
});
export type SimpleCommand = z.infer<typeof SimpleCommand>;

const common = {
  /** One line for a person: who wants what. */
  summary: z.string().max(2_000),
  agent: z.string(),
  run: z.string(),
  stage: z.string(),
  task: z.string(),
  /** Real path of the repository; empty when there is none. */
  repo: z.string(),
  risk: Risk,
};

/**
 * What somebody wants to do, normalised: the one thing that policies decide and approvals bind to.
 * Every kind has all of its keys, always, so that a condition never meets an absent one.
 */
export const Action = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('agent.execute'),
    ...common,
    argv: z.array(z.string()).min(1),
    commands: z.array(SimpleCommand),
    /** Relative to the worktree; `.` is its root. */
    cwd: z.string(),
    /** Who named the command: the workflow that a person started, or the repository's own files. */
    source: z.enum(['workflow', 'repository', 'agent', 'client']),
    /** Commit that the command runs on; empty when there is none. */
    base: z.string(),
  }),
  z.object({
    kind: z.literal('agent.edit'),
    ...common,
    paths: z.array(ActionPath),
    /** Digest of the exact change that was proposed. */
    change: z.string(),
    base: z.string(),
  }),
  z.object({
    kind: z.literal('workspace.merge'),
    ...common,
    /** Branch that would move. */
    into: z.string(),
    /** Commit that would be merged. */
    from: z.string(),
    /** Commit that the branch stands at now. */
    base: z.string(),
    /** Tree that the branch would show afterwards. */
    tree: z.string(),
    /** Paths that would change, relative to the repository. */
    files: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('stage.advance'),
    ...common,
    /** Name of the workflow whose author wants a person asked here. */
    workflow: z.string(),
    base: z.string(),
  }),
  z.object({
    kind: z.literal('daemon.configure'),
    ...common,
    what: z.string(),
    files: z.array(z.string()),
  }),
]);
export type Action = z.infer<typeof Action>;
export type ActionKind = Action['kind'];

/** Every kind of action, in the order in which docs list them. */
export const ACTION_KINDS = [
  'agent.execute',
  'agent.edit',
  'stage.advance',
  'workspace.merge',
  'daemon.configure',
] as const satisfies readonly ActionKind[];

export const Effect = z.enum(['allow', 'deny', 'require_approval', 'warn']);
export type Effect = z.infer<typeof Effect>;

/** Why one rule matched: the record keeps it, so that a decision can be explained later. */
export const Reason = z.object({
  policy: z.string(),
  /** Hash of the policy's source, first 12 hex digits. */
  version: z.string(),
  rule: z.string(),
  effect: Effect,
  message: z.string(),
  severity: z.enum(['info', 'low', 'medium', 'high', 'critical']),
  /** The values of the action that the condition looked at. */
  values: z.record(z.string(), z.unknown()),
});
export type Reason = z.infer<typeof Reason>;

/** What the policy says about one action. Deny beats require_approval beats warn beats allow. */
export const Decision = z.object({
  effect: Effect,
  reasons: z.array(Reason),
  /** What the winning rule demands of an approval: how long it may wait for an answer, in milliseconds. */
  obligations: z.object({ expiresMs: z.number().int().positive().optional(), approvers: z.array(z.string()).optional() }),
});
export type Decision = z.infer<typeof Decision>;
