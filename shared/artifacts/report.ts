import * as z from 'zod';
import { Findings } from './findings.ts';
import { Plan } from './plan.ts';
import { Repairs } from './repairs.ts';
import { Verification } from './verification.ts';

/** How the repository's own tests went; `absent` when no test command was found. */
export const TestOutcome = z.object({
  status: z.enum(['passed', 'failed', 'timeout', 'refused', 'absent', 'skipped']),
  argv: z.array(z.string()).optional(),
  exitCode: z.int().optional(),
  /** One sentence: why it did not run, or what it said at the end. */
  detail: z.string().max(4_000).optional(),
});
export type TestOutcome = z.infer<typeof TestOutcome>;

/** What was decided about one repair, or about the tests or the merge. */
export const ReportDecision = z.object({
  /** Repair id, `test` or `merge`. */
  subject: z.string().max(200),
  effect: z.enum(['allow', 'deny', 'warn', 'granted', 'denied', 'expired', 'voided']),
  /** Person or rule that decided. */
  by: z.string().max(200).optional(),
  reason: z.string().max(2_000).optional(),
});
export type ReportDecision = z.infer<typeof ReportDecision>;

export const MergeOutcome = z.object({
  status: z.enum(['merged', 'refused', 'conflict', 'not_asked', 'nothing', 'failed']),
  branch: z.string().max(500).optional(),
  into: z.string().max(500).optional(),
  commit: z.string().max(64).optional(),
  detail: z.string().max(2_000).optional(),
});
export type MergeOutcome = z.infer<typeof MergeOutcome>;

/** All that a report can tell of; whatever did not happen is absent. */
export const ReportInput = z.object({
  run: z.string().max(200).optional(),
  /** Name or path of the repository, as the person knows it. */
  repository: z.string().max(4_096).optional(),
  findings: Findings.optional(),
  plan: Plan.optional(),
  repairs: Repairs.optional(),
  verification: Verification.optional(),
  test: TestOutcome.optional(),
  decisions: z.array(ReportDecision).max(1_000).optional(),
  merge: MergeOutcome.optional(),
});
export type ReportInput = z.infer<typeof ReportInput>;
