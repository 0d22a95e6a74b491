// Finds and masks secrets in text before it is journalled, spooled, shown or sent.
// Invariants: 1. No message contains any part of a secret. 2. Text over 5 MB is refused, never passed through unmasked.
import { lintSource } from '@secretlint/core';
import { secretLintProfiler } from '@secretlint/profiler';
import { creator as recommendedPreset } from '@secretlint/secretlint-rule-preset-recommend';

// The profiler keeps every mark for ever and searches them all for each new one: a thousand texts took six seconds, the
// seventh thousand two minutes.
secretLintProfiler.mark = () => {};

/** A place where a secret stands: `line` counts from 1, `column` from 0, `range` is in UTF-16 units, end exclusive. */
export interface SecretFinding {
  readonly rule: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly range: readonly [start: number, end: number];
}

/** Most UTF-16 units of text in one call. */
export const MAX_REDACTABLE_LENGTH = 5_000_000;

/** The text is longer than MAX_REDACTABLE_LENGTH; cut it into parts at line ends. */
export class TextTooLongError extends Error {
  override readonly name = 'TextTooLongError';
  readonly code = 'text_too_long';
  readonly length: number;

  constructor(length: number) {
    super(`${length} characters are too many to look for secrets in one call; the most is ${MAX_REDACTABLE_LENGTH}.`);
    this.length = length;
  }
}

interface OwnRule {
  readonly rule: string;
  readonly message: string;
  /** With the `d` flag; its group `secret`, else the whole match, is what is masked. */
  readonly pattern: RegExp;
}

// Every repetition is bounded and no two adjacent ones can match the same text, so none of these backtracks far.
const OWN_RULES: readonly OwnRule[] = [
  { rule: 'jwt', message: 'A JSON Web Token.', pattern: /\beyJ[\w-]{10,2000}\.eyJ[\w-]{4,8000}\.[\w-]{10,2000}/dg },
  {
    rule: 'openai-key',
    message: 'A key in the form of an OpenAI or compatible API key.',
    pattern: /\bsk-(?:[a-z]{2,12}-){0,3}[A-Za-z0-9_-]{20,250}/dg,
  },
  { rule: 'google-api-key', message: 'A Google API key.', pattern: /\bAIza[\w-]{35}(?![\w-])/dg },
  {
    rule: 'private-key',
    message: 'A private key.',
    // With something like a key behind it: the bare header stands in many a parser and its documentation.
    pattern:
      /-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?=[^-]{0,400}?[A-Za-z0-9+/=]{24})[^-]{0,20000}(?:-----END [A-Z0-9 ]{1,60}-----)?/dg,
  },
  {
    rule: 'url-password',
    message: 'A password in a URL.',
    pattern: /\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:/?#@"'`<>]{0,200}:(?<secret>[^\s/@"'`<>${}*]{1,200})@/dg,
  },
];

const COMMENT_RULE = '@secretlint/secretlint-rule-filter-comments';

// The preset without its rule for comments (its `disabled` does nothing inside a preset): text must not be able to say that its secrets are to be overlooked.
const withoutComments: typeof recommendedPreset = {
  ...recommendedPreset,
  create(context, options) {
    const registerRule: typeof context.registerRule = (rule, value) => {
      if (rule.meta.id !== COMMENT_RULE) context.registerRule(rule, value);
    };
    recommendedPreset.create({ ...context, registerRule }, options);
  },
};

/** All secrets in `text`, by position; `path` only tells the rules what kind of file it is. Throws TextTooLongError. */
export async function findSecrets(path: string, text: string): Promise<SecretFinding[]> {
  if (text.length > MAX_REDACTABLE_LENGTH) throw new TextTooLongError(text.length);
  const own = OWN_RULES.flatMap((rule) => findOwn(rule, text));
  const all = [...own, ...(await findRecommended(path, text))].sort((a, b) => a.range[0] - b.range[0] || b.range[1] - a.range[1]);
  const starts = lineStarts(text);
  let end = -1;
  const findings: SecretFinding[] = [];
  for (const { rule, message, range } of all) {
    // Two rules often see one secret: what starts inside an earlier finding and ends there too says nothing new.
    if (range[1] <= end) continue;
    end = range[1];
    findings.push({ rule, message, range, ...positionOf(starts, range[0]) });
  }
  return findings;
}

/** The kinds of secret that a text holds (`jwt`, `private-key`), each once, in order, never their values; throws TextTooLongError. */
export async function listSecretKinds(path: string, text: string): Promise<string[]> {
  return [...new Set((await findSecrets(path, text)).map((finding) => finding.rule))].sort();
}

/** The text with every secret replaced by `***`; throws TextTooLongError. */
export async function redact(text: string, { path = 'text.txt' }: { path?: string } = {}): Promise<string> {
  const findings = await findSecrets(path, text);
  let result = '';
  let from = 0;
  for (const { range } of findings) {
    if (range[0] >= from) result += `${text.slice(from, range[0])}***`;
    from = Math.max(from, range[1]);
  }
  return result + text.slice(from);
}

type UnplacedFinding = Omit<SecretFinding, 'line' | 'column'>;

function findOwn({ rule, message, pattern }: OwnRule, text: string): UnplacedFinding[] {
  return [...text.matchAll(pattern)].flatMap((match) => {
    const range = match.indices?.groups?.['secret'] ?? match.indices?.[0];
    return range ? [{ rule, message, range }] : [];
  });
}

async function findRecommended(path: string, text: string): Promise<UnplacedFinding[]> {
  const extension = /\.[^./\\]+$/.exec(path)?.[0] ?? '';
  const { messages } = await lintSource({
    source: { filePath: path, content: text, ext: extension, contentType: 'text' },
    options: { maskSecrets: true, noPhysicFilePath: true, config: { rules: [{ id: 'recommended', rule: withoutComments }] } },
  });
  return messages.map(({ ruleId, messageId, range }) => {
    const rule = ruleId.replace('@secretlint/secretlint-rule-', '');
    // Its own message would carry the value; ours is made of constants of the rule only.
    return { rule, message: `A secret of the kind ${rule} (${messageId}).`, range };
  });
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function positionOf(starts: readonly number[], offset: number): { line: number; column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) };
}
