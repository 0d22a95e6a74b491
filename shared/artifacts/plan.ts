import * as z from 'zod';
import { Risk } from '../state/action.ts';
import { RepositoryPath } from './findings.ts';

const Line = z
  .string()
  .max(4_200)
  .regex(/^[^\r\n\0]*$/);

/** One exact operation on the files of a worktree. */
export const Operation = z.discriminatedUnion('op', [
  /** Adds lines to the end of a text file that exists. */
  z.object({ op: z.literal('append_lines'), path: RepositoryPath, lines: z.array(Line).min(1).max(500) }),
  /** Makes a text file that does not exist yet. */
  z.object({ op: z.literal('create_file'), path: RepositoryPath, lines: z.array(Line).min(1).max(500) }),
  /** Takes a file, or a folder with all below it, out of the branch (and so out of the worktree). */
  z.object({ op: z.literal('untrack'), path: RepositoryPath, folder: z.boolean() }),
]);
export type Operation = z.infer<typeof Operation>;

export const RepairId = z.string().regex(/^[a-z][a-z0-9-]{0,79}$/);

export const Repair = z.object({
  id: RepairId,
  title: z.string().max(200),
  findings: z.array(z.string()).min(1).max(2_000),
  risk: Risk,
  /** Repairs that have to be done before this one. */
  needs: z.array(RepairId).max(100),
  operations: z.array(Operation).min(1).max(5_000),
  /** One sentence: what is different afterwards, also for whoever merges it. */
  changes: z.string().max(2_000),
  /** One sentence: how to take it back. */
  undo: z.string().max(2_000),
  /** Every file and folder that the operations may touch. */
  paths: z.array(RepositoryPath).min(1).max(5_000),
});
export type Repair = z.infer<typeof Repair>;

/** What only a person can put right. */
export const ManualStep = z.object({
  findings: z.array(z.string()).min(1).max(2_000),
  title: z.string().max(300),
  steps: z.array(z.string().max(2_000)).min(1).max(20),
});
export type ManualStep = z.infer<typeof ManualStep>;

/** What to do about the findings: `plan.json`. Each repair comes after the ones that it needs. */
export const Plan = z
  .object({
    version: z.literal(1),
    base: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
    repairs: z.array(Repair).max(500),
    manual: z.array(ManualStep).max(2_000),
  })
  .superRefine((plan, context) => {
    const seen = new Set<string>();
    for (const [index, repair] of plan.repairs.entries()) {
      if (seen.has(repair.id)) {
        context.addIssue({ code: 'custom', path: ['repairs', index, 'id'], message: `the id ${repair.id} is used twice` });
      }
      for (const need of repair.needs) {
        // Needs that point backwards only are what makes the list a graph without cycles.
        if (!seen.has(need)) {
          context.addIssue({ code: 'custom', path: ['repairs', index, 'needs'], message: `${need} has to come before ${repair.id}` });
        }
      }
      seen.add(repair.id);
    }
  });
export type Plan = z.infer<typeof Plan>;
