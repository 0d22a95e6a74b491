// Long because: every kind of action stands here with all of its fields.
import * as z from 'zod';

/** How much harm an action could do, from nothing to losing work. */
export const Risk = z.enum(['none', 'low', 'medium', 'high']);
export type Risk = z.infer<typeof Risk>;

/** How a branch takes work up: by a merge commit, commit by commit on top of it, or as one commit on top of it. */
export const MergeHow = z.enum(['merge', 'rebase', 'squash']);
export type MergeHow = z.infer<typeof MergeHow>;

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

/** Where a command's input comes from, or where its output goes: by the shell, or by an option that is known to write a file. */
export const Redirection = z.object({
  /** As the shell writes it (`>`, `>>`, `<`, `>|`, `&>`, `<>`), or what makes the program write: `tee`, `-o`, `--output`. */
  operator: z.string(),
  /** True when the file is created, changed or emptied. */
  writes: z.boolean(),
  /** Its `path` is as the line writes it, and lies outside, when it is only known when the line runs. */
  path: ActionPath,
});
export type Redirection = z.infer<typeof Redirection>;

/**
 * One simple command of a command line: a program that could run, however the line wraps it. A program that only starts another
 * stands in its `via`; one that does something of its own as well (`sudo`, `find`, `npx`, `docker run`) is also a command of the list.
 */
export const SimpleCommand = z.object({
  /** Name without its folder; as it was written where it is a file of the worktree (`./gradlew`); empty for what the shell itself does. */
  program: z.string(),
  /** After quotes and expansions; what is only known when it runs stands there as it was written. */
  args: z.array(z.string()),
  /** Of known programs, its short names written out: `push`, `install`, `stash drop`, `compose up`, `pr merge`. */
  subcommand: z.string(),
  /** Options up to `--`, without values; a cluster also letter by letter. Git's `+ref` counts as `--force`, `:ref` as `--delete`. */
  options: z.array(z.string()),
  /** Variables that the line sets for it, `NAME=value`. */
  assignments: z.array(z.string()).default([]),
  redirections: z.array(Redirection).default([]),
  /** Programs that start it, outermost first: `sudo`, `env`, `sh`, `xargs`. */
  via: z.array(z.string()).default([]),
  /** Folder that it runs in, relative to the worktree; `.` is its root, absolute when it lies outside, empty when it cannot be known. */
  cwd: z.string().default('.'),
  /** Hosts among its arguments, lower-case, without a port; an empty one stands for a host that is only known when it runs. */
  hosts: z.array(z.string()).default([]),
  /** True when its arguments hold code, or name a program, that it runs (`sh -c`, `git -c alias.x=!...`, `find -exec`). */
  inline: z.boolean().default(false),
  /** True when an argument is only known when it runs (`$X`, `$(...)`, a glob). */
  expands: z.boolean().default(false),
  /** True when what would run cannot be known without running it; otherwise all that it runs is in the list. */
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
    /** The command line as it was typed; empty when an argv was given. */
    line: z.string().default(''),
    /** Every simple command that could run, in order. */
    commands: z.array(SimpleCommand),
    /** Why the line could not be understood; empty when it was. */
    problem: z.string().default(''),
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
    /** Kinds of secret that the written text holds (`github-token`), never their values. */
    secrets: z.array(z.string()).default([]),
    /** The files changed already, and nobody had asked: an audit found it. */
    unasked: z.boolean().default(false),
  }),
  z.object({
    kind: z.literal('agent.read'),
    ...common,
    paths: z.array(ActionPath),
  }),
  z.object({
    kind: z.literal('agent.fetch'),
    ...common,
    /** Addresses as the agent named them. */
    urls: z.array(z.string()),
    /** Their hosts, lower-case, without a port. */
    hosts: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('agent.mcp'),
    ...common,
    server: z.string(),
    tool: z.string(),
    /** Digest of the arguments. */
    input: z.string(),
  }),
  /** A tool that none of the kinds above fits. */
  z.object({
    kind: z.literal('agent.other'),
    ...common,
    tool: z.string(),
    input: z.string(),
  }),
  z.object({
    kind: z.literal('agent.register'),
    ...common,
    adapter: z.string(),
    /** The program that drives it; empty for built-in and remote agents. */
    argv: z.array(z.string()),
    capabilities: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('task.submit'),
    ...common,
    /** Who asks for it. */
    principal: z.string(),
    /** What the agent is asked to do. */
    what: z.string(),
    priority: z.number(),
    timeoutMs: z.number(),
  }),
  /** A trigger is about to start a run; a person who starts one needs the scope to submit. */
  z.object({
    kind: z.literal('run.start'),
    ...common,
    /** Name of the workflow. */
    workflow: z.string(),
    /** Who asks for it: `trigger:` and the id of the trigger. */
    principal: z.string(),
    /** Kind of the trigger: `cron`, `files`, `webhook`, `event`, `folder`, `command`. */
    trigger: z.string(),
    /** What fired it: the time that was due, a batch of files, a delivery, an event, an item. */
    firing: z.string(),
    /** Branch that a merge of the run would move; empty for none. */
    into: z.string(),
    base: z.string(),
  }),
  /** A task is about to be handed to its agent. */
  z.object({
    kind: z.literal('task.dispatch'),
    ...common,
    what: z.string(),
    priority: z.number(),
    timeoutMs: z.number(),
    /** Count of this attempt, from 1. */
    attempt: z.number(),
  }),
  z.object({
    kind: z.literal('workspace.merge'),
    ...common,
    /** Branch that would move. */
    into: z.string(),
    how: MergeHow.default('merge'),
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
    /** Name of the workflow. */
    workflow: z.string(),
    base: z.string(),
    /** True when the stage runs also after others have failed: cleanup, a report. */
    always: z.boolean().default(false),
  }),
  z.object({
    kind: z.literal('handoff.accept'),
    ...common,
    from: z.string(),
    to: z.string(),
    /** Names of the artifacts that are handed over. */
    artifacts: z.array(z.string()),
    /** What the handoff requires and is not there, or does not hold. */
    missing: z.array(z.string()),
  }),
  /** Stages are to be added to a run that is under way. */
  z.object({
    kind: z.literal('run.extend'),
    ...common,
    workflow: z.string(),
    /** Who asks for it. */
    principal: z.string(),
    /** Ids of the stages that come. */
    stages: z.array(z.string()),
    /** The agents that are named for them. */
    agents: z.array(z.string()),
    /** Digest of what they are. */
    change: z.string(),
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
  'agent.read',
  'agent.fetch',
  'agent.mcp',
  'agent.other',
  'agent.register',
  'task.submit',
  'run.start',
  'task.dispatch',
  'stage.advance',
  'handoff.accept',
  'run.extend',
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
/** When a question that nobody has settled reaches the next level: 1 a peer agent, 2 a lead agent, 3 a person. */
export const Escalation = z.object({
  level: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  /** From when it was asked, in milliseconds. */
  afterMs: z.number().int().positive(),
  /** Agents that look at it: ids, roles, tags or capabilities; none named means every other agent for a peer, and the role `lead` for a lead. */
  to: z.array(z.string()),
});
export type Escalation = z.infer<typeof Escalation>;

/** What the rules that ask demand of an approval. */
export const Obligations = z.object({
  /** How long it may wait for an answer, in milliseconds. */
  expiresMs: z.number().int().positive().optional(),
  /** Principals who may grant it; `human` for anybody with the scope. */
  approvers: z.array(z.string()).optional(),
  /** How many different principals have to grant it; absent for one. */
  quorum: z.number().int().min(2).optional(),
  /** Set where every rule that asks says yes when nobody is there to answer. */
  headless: z.literal('grant').optional(),
  /** Who looks at it before a person is asked to; absent when a person is asked at once. */
  escalate: z.array(Escalation).optional(),
  /** Set where every rule that denies, or asks, wants files put back that were changed without being asked for. */
  unasked: z.literal('revert').optional(),
  /** Of a task that is submitted: the timeout when nobody said one, and the longest, in milliseconds. */
  timeout: z.object({ defaultMs: z.number().optional(), maxMs: z.number().optional() }).optional(),
});
export type Obligations = z.infer<typeof Obligations>;

export const Decision = z.object({
  effect: Effect,
  reasons: z.array(Reason),
  obligations: Obligations,
});
export type Decision = z.infer<typeof Decision>;
