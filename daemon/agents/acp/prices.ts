/** What tokens cost, as the person says: a dated table, for agents that tell of tokens and not of money. None is shipped. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { listShapeProblems, type Problem, readSource, strictShape } from '../../../shared/yaml/source.ts';
import type { TurnUsage } from './usage.ts';

/** Name of the table in the folder of the profiles. */
export const PRICES_FILE = 'prices.yaml';

/** US dollars for a million tokens. */
const Dollars = z.number().min(0).max(100_000);
const PriceTable = strictShape({
  /** When these prices were looked up. */
  date: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'a date such as 2026-01-31'),
  /** By the name that the agent gives its model. */
  models: z.record(z.string().min(1).max(200), strictShape({ input: Dollars, output: Dollars, cached: Dollars.optional() })),
});
export type PriceTable = z.infer<typeof PriceTable>;

/** Reads the table of a folder; undefined where there is none, or where it has problems. */
export async function loadPrices(folder: string): Promise<{ table?: PriceTable; problems: Problem[] }> {
  const file = join(folder, PRICES_FILE);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined || text.replace(/^[ \t]*#.*$/gm, '').trim() === '') return { problems: [] };
  const { source, problems } = readSource({ text, file });
  if (source === undefined) return { problems };
  const read = PriceTable.safeParse(source.data);
  if (!read.success) return { problems: [...problems, ...listShapeProblems(source, read.error)] };
  return problems.length > 0 ? { problems } : { table: read.data, problems };
}

/** What a turn cost by the table, in US dollars; undefined when it has no price for the model. What was cached costs as input unless said. */
export function priceOf(table: PriceTable | undefined, usage: TurnUsage): { cost: number; source: string } | undefined {
  const price = table && Object.hasOwn(table.models, usage.model) ? table.models[usage.model] : undefined;
  if (!table || !price) return undefined;
  const { input, output, cached = input } = price;
  const cost = (usage.inputTokens * input + usage.outputTokens * output + usage.cachedTokens * cached) / 1e6;
  return { cost, source: `price-table ${table.date}` };
}
