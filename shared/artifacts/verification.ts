import * as z from 'zod';
import { Finding } from './findings.ts';

/** The findings before and after the repairs, compared: `verification.json`. */
export const Verification = z.object({
  version: z.literal(1),
  before: z.string(),
  after: z.string(),
  /** Ids of findings that are no longer there. */
  gone: z.array(z.string()).max(2_000),
  /** Findings that are still there. */
  remaining: z.array(Finding).max(2_000),
  /** Findings that were not there before. */
  added: z.array(Finding).max(2_000),
  /** Repairs that were done although what they were for is still there. */
  incomplete: z.array(z.object({ repair: z.string(), findings: z.array(z.string()) })).max(500),
  /** True when one of the two scans could not hold all that it found. */
  truncated: z.boolean().optional(),
});
export type Verification = z.infer<typeof Verification>;
