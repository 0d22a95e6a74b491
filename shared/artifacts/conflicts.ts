import * as z from 'zod';

/** What one side did to a file: its newest commit, and the run whose work that is, where the record knows it. */
const Side = z.object({
  commit: z.string().optional(),
  subject: z.string().optional(),
  run: z.string().optional(),
  /** What that run was to do, in a line. */
  task: z.string().optional(),
});
export type Side = z.infer<typeof Side>;

/** Why a merge was refused, file by file: `there` is the branch, `here` the work that was to be merged. */
export const Conflicts = z.object({
  into: z.string(),
  /** Commit that the branch stood at. */
  expected: z.string(),
  from: z.string(),
  files: z.array(z.object({ path: z.string(), there: Side, here: Side })),
  /** Files that are not described. */
  omitted: z.number().int(),
});
export type Conflicts = z.infer<typeof Conflicts>;
