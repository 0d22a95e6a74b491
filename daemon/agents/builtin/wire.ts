// What the daemon and the child of a built-in agent say to each other: one JSON object per line.
import * as z from 'zod';

/** Most characters of one line from the child. */
export const MAX_FRAME_LENGTH = 32 * 1024 * 1024;
/** Most characters that a child may say in one attempt. */
export const MAX_TOTAL_LENGTH = 128 * 1024 * 1024;

const GitPlace = z.object({ path: z.string(), gitDir: z.string() });

/** The first and only line to the child: what to do. */
export const Order = z.object({
  run: z.string(),
  agent: z.string(),
  action: z.string(),
  repo: GitPlace.optional(),
  worktree: GitPlace.extend({ branch: z.string() }).optional(),
  commit: z.string().optional(),
  inputs: z.record(z.string(), z.json()),
});
export type Order = z.infer<typeof Order>;

const ActivityName = z.enum(['analyzing', 'executing', 'blocked', 'handoff', 'idle']);

/** A line from the child; `result` is the last one. */
export const Frame = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('progress'),
    text: z.string().max(2_000),
    activity: ActivityName.optional(),
    fraction: z.number().min(0).max(1).optional(),
  }),
  z.object({
    type: z.literal('artifact'),
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/),
    mediaType: z.string().max(100),
    content: z.string(),
  }),
  z.object({
    type: z.literal('committed'),
    key: z.string().max(200),
    commit: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
    summary: z.string().max(500),
  }),
  z.object({
    type: z.literal('result'),
    status: z.enum(['succeeded', 'failed']),
    values: z.record(z.string(), z.json()),
    error: z.object({ code: z.string().max(80), message: z.string().max(4_000) }).optional(),
  }),
]);
export type Frame = z.infer<typeof Frame>;
