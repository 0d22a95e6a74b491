// What must hold of a stage's work before the run goes on: criteria over what it reported, and checks of what it made.
import * as z from 'zod';

/** Longest name of a criterion or a check. */
const Name = z.string().min(1).max(200);

/** How a number that a stage reported is compared. */
export const COMPARISONS = ['>=', '<=', '>', '<', '==', '!='] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** What a validator looks for in an artifact; everything that is given must hold. */
export const ArtifactCheck = z.strictObject({
  /** Name as the workflow writes it: `prd.md`, `designs/`, `linear_tickets[]`. */
  artifact: Name,
  /** Headings that the text must have, compared without case, with `_` and `-` as blanks. */
  headings: z.array(Name).max(50).optional(),
  /** Headings, and how many list items, rows or sub-headings at least stand below each. */
  counts: z.record(z.string(), z.number().int().positive()).optional(),
  /** A heading, and another that has an entry for each entry of the first. */
  each: z.strictObject({ of: Name, has: Name }).optional(),
  /** Words that may not stand in the text (`TBD`, `TODO`). */
  without: z.array(Name).max(50).optional(),
  /** JSON schema that the JSON or YAML must satisfy. */
  schema: z.record(z.string(), z.json()).optional(),
  /** Fields that every entry of a list must have. */
  fields: z.array(Name).max(50).optional(),
  /** The YAML or JSON is an OpenAPI 3 document. */
  openapi: z.boolean().optional(),
  /** Every operation of the OpenAPI document has a description, or answers with an error too. */
  operations: z.enum(['described', 'errors']).optional(),
  /** Relative links lead to a heading of the text, or to a file of the same folder. */
  links: z.boolean().optional(),
  /** There is a diagram, and every Mermaid diagram reads as one. */
  diagrams: z.boolean().optional(),
  /** A folder, or a list, has at least so many entries. */
  entries: z.number().int().positive().optional(),
  /** Files that must lie in a folder; `*` stands for any part of a name. */
  files: z.array(Name).max(50).optional(),
});
export type ArtifactCheck = z.infer<typeof ArtifactCheck>;

/** One thing that must hold. Without data it does not hold. */
export const Criterion = z.discriminatedUnion('kind', [
  /** A value that the stage reported is true. */
  z.strictObject({ kind: z.literal('flag'), text: Name, metric: Name, advisory: z.boolean() }),
  /** A number that the stage reported, compared with another. */
  z.strictObject({
    kind: z.literal('number'),
    text: Name,
    metric: Name,
    comparison: z.enum(COMPARISONS),
    value: z.number(),
    advisory: z.boolean(),
  }),
  /** A validator of an artifact. */
  z.strictObject({ kind: z.literal('artifact'), text: Name, check: ArtifactCheck, advisory: z.boolean() }),
  /** A command that ends well on what the stage left; an action that the policy decides. */
  z.strictObject({ kind: z.literal('command'), text: Name, argv: z.array(z.string().max(32_768)).min(1).max(100), advisory: z.boolean() }),
]);
export type Criterion = z.infer<typeof Criterion>;

/** What came of one criterion. */
export interface CriterionResult {
  text: string;
  passed: boolean;
  advisory: boolean;
  /** Why not, in one sentence; empty when it passed. */
  detail: string;
}

const COMPARED = /^([A-Za-z_][A-Za-z0-9_.-]{0,99})\s*(>=|<=|==|!=|>|<)\s*(-?[0-9]{1,15}(?:\.[0-9]{1,10})?)\s*%?$/;
const FLAG = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/;

/** Reads `coverage >= 80%` or `no_regressions`; undefined for anything else. */
export function parseCriterion(text: string, advisory = false): Extract<Criterion, { kind: 'flag' | 'number' }> | undefined {
  const compared = COMPARED.exec(text.trim());
  if (compared) {
    const [, metric = '', comparison = '', value = ''] = compared;
    return { kind: 'number', text: text.trim(), metric, comparison: comparison as Comparison, value: Number(value), advisory };
  }
  return FLAG.test(text.trim()) ? { kind: 'flag', text: text.trim(), metric: text.trim(), advisory } : undefined;
}

/** Whether a reported value satisfies a criterion over metrics, and why not. */
export function judgeMetric(criterion: Extract<Criterion, { kind: 'flag' | 'number' }>, values: Readonly<Record<string, unknown>>): string {
  const value = Object.hasOwn(values, criterion.metric) ? values[criterion.metric] : undefined;
  if (value === undefined || value === null) return `The stage did not report \`${criterion.metric}\`.`;
  if (criterion.kind === 'flag')
    return value === true ? '' : `\`${criterion.metric}\` is ${JSON.stringify(value).slice(0, 100)}, not true.`;
  const number = readNumber(value);
  if (number === undefined) return `\`${criterion.metric}\` is ${JSON.stringify(value).slice(0, 100)}, which is no number.`;
  return compare(number, criterion.comparison, criterion.value) ? '' : `\`${criterion.metric}\` is ${number}.`;
}

function readNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const text = value.trim().replace(/%$/, '');
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

function compare(a: number, comparison: Comparison, b: number): boolean {
  switch (comparison) {
    case '>=':
      return a >= b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '<':
      return a < b;
    case '==':
      return a === b;
    case '!=':
      return a !== b;
  }
}
