// What a policy file may say, key by key.
import * as z from 'zod';
import { ACTION_KINDS, Effect } from '../../shared/state/action.ts';
import { Approvers, Duration, Escalate, Quorum } from './asking.ts';
import { MAX_CONDITION } from './condition.ts';
import { SECTIONS } from './sections.ts';
import { strictShape, suggestName } from '../../shared/yaml/source.ts';

/** Most rules that one file may have. */
export const MAX_RULES = 2_000;

const Name = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/, 'a name is lower-case words joined by `-`');
const WrittenEffect = z.enum(Effect.options, { error: `write ${Effect.options.map((effect) => `\`${effect}\``).join(', ')}` });
const Kind = z.enum(ACTION_KINDS, {
  error: (issue) => `there is no such action. ${suggestName(String(issue.input), ACTION_KINDS) ?? `Known are ${ACTION_KINDS.join(', ')}.`}`,
});
/** One rule as it is written. */
export const RuleShape = strictShape({
  id: Name,
  on: z.array(Kind).min(1, 'name at least one action'),
  when: z
    .string({ error: 'write a condition as text' })
    .min(1, 'leave `when` out for a rule that always matches')
    .max(MAX_CONDITION)
    .optional(),
  effect: WrittenEffect,
  message: z.string().min(1).max(500),
  severity: z
    .enum(['info', 'low', 'medium', 'high', 'critical'], { error: 'write `info`, `low`, `medium`, `high` or `critical`' })
    .default('medium'),
  approvers: Approvers.optional(),
  quorum: Quorum.optional(),
  escalate: Escalate.optional(),
  expires: Duration.optional(),
  /** Rules that ask, as `policy/rule`, which this rule answers in the user's place. */
  excepts: z
    .array(z.string().regex(/^[a-z0-9_-]+\/[a-z0-9_-]+$/, 'write `policy/rule`'))
    .min(1)
    .max(50)
    .optional(),
  /** Of `agent.edit`: files that were changed without being asked for are put back, in place of ending the attempt. */
  unasked: z.literal('revert', { error: 'write `revert`, or leave it out for the attempt to be stopped' }).optional(),
  /** Of `task.submit`: the timeout when nobody said one, and the longest. Such a rule bounds and decides nothing. */
  timeout: strictShape({ default: Duration.optional(), max: Duration.optional() }).optional(),
});
export type RuleShape = z.infer<typeof RuleShape>;

/** A policy file without its rules, which are checked one by one so that all problems appear at once. */
export const PolicyShape = strictShape({
  policy: Name,
  version: z.int('write a whole number').positive('the first version is 1'),
  description: z.string().max(2_000).optional(),
  enforcement: z.enum(['hard', 'soft', 'warn'], { error: 'write `hard`, `soft` or `warn`' }).default('hard'),
  default: WrittenEffect.optional(),
  ...SECTIONS,
  /** What becomes of its questions in a run of `--approve=policy`, where nobody is there to answer. */
  headless: z.enum(['allow', 'deny'], { error: 'write `allow` or `deny`' }).optional(),
  rules: z.array(z.unknown()).max(MAX_RULES, `a policy has at most ${MAX_RULES} rules`).default([]),
});
export type PolicyShape = z.infer<typeof PolicyShape>;
