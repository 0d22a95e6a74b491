import * as z from 'zod';
import { RepairId } from './plan.ts';

const Commit = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);

/**
 * What became of one repair: `done` (a commit), `refused` (not allowed, or it wanted what nobody may do), `failed` (tried
 * and rolled back), `left` (a repair that it needs was not done, or there was nothing left to change).
 */
export const RepairResult = z.discriminatedUnion('status', [
  z.object({
    id: RepairId,
    status: z.literal('done'),
    commit: Commit.optional(),
    /** What has to be gone now: ids of findings. */
    findings: z.array(z.string()).max(2_000),
    summary: z.string().max(500),
    /** True when an earlier attempt had committed it already. */
    earlier: z.boolean().optional(),
  }),
  z.object({
    id: RepairId,
    status: z.enum(['refused', 'failed', 'left']),
    /** Stable code. */
    code: z.string().max(80),
    reason: z.string().max(2_000),
  }),
]);
export type RepairResult = z.infer<typeof RepairResult>;

/** What was done about a plan: `repairs.json`. */
export const Repairs = z.object({
  version: z.literal(1),
  base: Commit,
  /** Where the branch stands now; `base` when nothing was done. */
  head: Commit,
  results: z.array(RepairResult).max(500),
});
export type Repairs = z.infer<typeof Repairs>;
