/** What an agent says that a turn used. Agents say it in two places; those that say nothing give nothing. */
import type { PromptResponse } from '@agentclientprotocol/sdk';
import * as z from 'zod';
import { priceOf, type PriceTable } from './prices.ts';

/** Tokens of one turn, as the agent says. */
export interface TurnUsage {
  model: string;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
}

const Count = z.number().min(0).max(1e12);
/** `usage` of the answer to a prompt: a part of ACP that is not stable yet, so the SDK does not know it. */
const Turn = z.object({
  inputTokens: Count,
  outputTokens: Count,
  cachedReadTokens: Count.nullish(),
});
/** What Gemini says: in `_meta.quota`. */
const Quota = z.object({
  token_count: z.object({ input_tokens: Count, output_tokens: Count }),
  model_usage: z.array(z.object({ model: z.string().max(200) })).optional(),
});

/** Reads what the answer to a prompt says; undefined when it says nothing that is understood. */
export function readTurnUsage(response: PromptResponse, said: string, configured = ''): TurnUsage | undefined {
  const model = said || modelOf(response) || configured;
  const turn = Turn.safeParse('usage' in response ? response.usage : undefined);
  if (turn.success) {
    const { inputTokens, outputTokens, cachedReadTokens } = turn.data;
    return { model, inputTokens, outputTokens, cachedTokens: cachedReadTokens ?? 0 };
  }
  const quota = Quota.safeParse(response._meta?.['quota']);
  if (!quota.success) return undefined;
  const { input_tokens: inputTokens, output_tokens: outputTokens } = quota.data.token_count;
  return { model, inputTokens, outputTokens, cachedTokens: 0 };
}

function modelOf(response: PromptResponse): string {
  const named = z.object({ model_usage: z.array(z.object({ model: z.string().max(200) })).min(1) }).safeParse(response._meta?.['quota']);
  return named.success ? (named.data.model_usage[0]?.model ?? '') : '';
}

/** The turn as the record takes it: all tokens, and the money that the agent told of; where it never does, what the table says. */
export function priced(
  usage: TurnUsage,
  { cost, told, prices }: { cost: number; told: boolean; prices: PriceTable | undefined },
): { tokens: number; cost: number; source: string } {
  const tokens = usage.inputTokens + usage.outputTokens + usage.cachedTokens;
  const computed = told ? undefined : priceOf(prices, usage);
  return { tokens, ...(computed ?? { cost: Math.max(0, cost), source: 'agent' }) };
}
