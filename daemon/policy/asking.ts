// What a rule demands of the question that it asks: who may grant it, how many of them, how long it waits, and who is
// asked to look at it before a person is.
import * as z from 'zod';
import type { Escalation, Obligations } from '../../shared/state/action.ts';
import { parseDuration } from '../../shared/state/workflow.ts';
import { strictShape } from '../../shared/yaml/source.ts';

const MAX_NAMES = 20;

export const Duration = z.string({ error: 'write a duration such as `30s`, `5m`, `2h` or `1d`' }).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) context.addIssue('write a duration such as `30s`, `5m`, `2h` or `1d`, at most `30d`');
  return ms ?? 0;
});

const Names = z
  .array(
    z
      .string()
      .regex(/^[a-z][a-z0-9:_-]{0,39}$/, 'write `human` for any person who may approve, or the name of a principal (`signalbox token`)'),
  )
  .min(1)
  .max(MAX_NAMES);

/** `human` for anybody who may approve, or names of principals. */
export const Approvers = Names;

export const Quorum = z.int('write a whole number').min(1, 'at least one has to say yes').max(MAX_NAMES);

const Step = z.union([
  Duration.transform((after) => ({ after, to: [] as string[] })),
  strictShape({ after: Duration, to: z.array(z.string().min(1).max(100)).max(MAX_NAMES).default([]) }),
]);

/** How long each level has; a level that is left out is passed over. Each time counts from the level before. */
export const Escalate = strictShape({ peer: Step.optional(), lead: Step.optional(), person: Duration });

/** The steps of a question, with times that count from when it was asked. */
export function listEscalation({ peer, lead, person }: z.infer<typeof Escalate>): Escalation[] {
  const steps: Escalation[] = [];
  let afterMs = 0;
  for (const [level, step] of [
    [1, peer],
    [2, lead],
    [3, { after: person, to: [] as string[] }],
  ] as const) {
    if (!step) continue;
    afterMs += step.after;
    steps.push({ level, afterMs, to: step.to });
  }
  return steps;
}

/** What one rule that asks demands. */
export interface Demands {
  approvers?: readonly string[];
  quorum?: number;
  expiresMs?: number;
  escalate?: readonly Escalation[];
  /** Its policy says yes where nobody is there to answer. */
  headless?: true;
}

/** What all of them demand together: the shortest wait, the most people, whom every rule agrees on, and a person soonest. */
export function collectObligations(asking: readonly Demands[]): Obligations {
  const waits = asking.flatMap((rule) => rule.expiresMs ?? []);
  const quorum = Math.max(1, ...asking.map((rule) => rule.quorum ?? 1));
  const lists = asking.flatMap((rule) => (rule.approvers ? [rule.approvers] : []));
  const ways = asking.flatMap((rule) => (rule.escalate ? [rule.escalate] : []));
  const [soonest] = [...ways].sort((a, b) => reachesPersonAt(a) - reachesPersonAt(b));
  return {
    ...(waits.length > 0 ? { expiresMs: Math.min(...waits) } : {}),
    ...(lists.length > 0 ? { approvers: intersect(lists) } : {}),
    ...(quorum > 1 ? { quorum } : {}),
    ...(asking.length > 0 && asking.every((rule) => rule.headless) ? { headless: 'grant' as const } : {}),
    // A rule that asks without delay wants a person now.
    ...(soonest && ways.length === asking.length ? { escalate: [...soonest] } : {}),
  };
}

const reachesPersonAt = (steps: readonly Escalation[]): number => steps.at(-1)?.afterMs ?? 0;

/** Those whom every list names; `human` names everybody. */
function intersect(lists: readonly (readonly string[])[]): string[] {
  const named = lists.filter((list) => !list.includes('human'));
  const [first, ...rest] = named;
  if (first === undefined) return ['human'];
  return [...new Set(rest.reduce((common, list) => common.filter((each) => list.includes(each)), first))].sort();
}
