/**
 * Reads what an answer of a model's API says that it used, in the four wires that agents speak: as one JSON document, or as
 * server-sent events. Pure; what is neither tells nothing.
 *
 * 1. Counts only: no text of a question or an answer is kept beyond the line that is looked at.
 * 2. A line or document that is longer than the bound is passed over.
 */
import * as z from 'zod';
import type { TurnUsage } from './usage.ts';

/** Characters of one line, and of one document. */
const MAX_LINE = 1024 * 1024;
const MAX_DOCUMENT = 8 * 1024 * 1024;

const Count = z.number().min(0).max(1e12).optional().catch(undefined);
const Said = z.object({
  // Anthropic, and the Responses API of OpenAI, where the input holds what was cached.
  input_tokens: Count,
  output_tokens: Count,
  cache_read_input_tokens: Count,
  cache_creation_input_tokens: Count,
  input_tokens_details: z.object({ cached_tokens: Count }).optional().catch(undefined),
  // Chat completions.
  prompt_tokens: Count,
  completion_tokens: Count,
  prompt_tokens_details: z.object({ cached_tokens: Count }).optional().catch(undefined),
  // Gemini.
  promptTokenCount: Count,
  cachedContentTokenCount: Count,
  candidatesTokenCount: Count,
  thoughtsTokenCount: Count,
});
type Said = z.infer<typeof Said>;

export interface UsageReader {
  take(text: string): void;
  /** What the answer used, once it is whole; undefined when it did not say. */
  end(): TurnUsage | undefined;
}

/** Reads an answer of this media type, piece by piece. */
export function readUsage(mediaType: string): UsageReader {
  const sum = sumUp();
  const isEvents = mediaType.startsWith('text/event-stream');
  let rest = '';
  let skipping = false;
  const look = (line: string): void => {
    // Parsing each delta of a long answer would cost more than it tells.
    if (line.startsWith('data:') && line.includes('"usage')) parse(line.slice(5), sum.take);
  };
  return {
    take(text) {
      if (!isEvents) {
        if (rest.length <= MAX_DOCUMENT) rest += text;
        return;
      }
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!skipping) look(line.trim());
        skipping = false;
      }
      if (rest.length > MAX_LINE) {
        rest = '';
        skipping = true;
      }
    },
    end() {
      if (isEvents) look(rest.trim());
      else if (rest.length <= MAX_DOCUMENT) parse(rest, sum.take);
      rest = '';
      return sum.usage();
    },
  };
}

function parse(text: string, take: (value: unknown) => void): void {
  try {
    take(JSON.parse(text));
  } catch {
    // An answer that is no JSON says nothing of what it used.
  }
}

/** Later counts of one answer stand for all of it, so the largest of each is what was used. */
function sumUp(): { take(value: unknown): void; usage(): TurnUsage | undefined } {
  const usage: TurnUsage = { model: '', inputTokens: 0, outputTokens: 0, cachedTokens: 0 };
  let told = false;
  const note = (said: Said): void => {
    const cached =
      said.cache_read_input_tokens ??
      said.input_tokens_details?.cached_tokens ??
      said.prompt_tokens_details?.cached_tokens ??
      said.cachedContentTokenCount ??
      0;
    const whole = said.prompt_tokens ?? said.promptTokenCount ?? (said.input_tokens_details ? said.input_tokens : undefined);
    const input = whole === undefined ? (said.input_tokens ?? 0) + (said.cache_creation_input_tokens ?? 0) : whole - cached;
    const output = said.output_tokens ?? said.completion_tokens ?? (said.candidatesTokenCount ?? 0) + (said.thoughtsTokenCount ?? 0);
    told ||= input + output + cached > 0;
    usage.inputTokens = Math.max(usage.inputTokens, input);
    usage.outputTokens = Math.max(usage.outputTokens, output);
    usage.cachedTokens = Math.max(usage.cachedTokens, cached);
  };
  const take = (value: unknown): void => {
    // Gemini's stream is a list where it is not asked for events.
    if (Array.isArray(value)) return value.forEach(take);
    if (!isRecord(value)) return;
    for (const part of [value, value['message'], value['response']]) {
      if (!isRecord(part)) continue;
      const named = part['model'] ?? part['modelVersion'];
      if (typeof named === 'string') usage.model = named.slice(0, 200);
      const said = Said.safeParse(part['usage'] ?? part['usageMetadata']);
      if (said.success) note(said.data);
    }
  };
  return { take, usage: () => (told ? usage : undefined) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
