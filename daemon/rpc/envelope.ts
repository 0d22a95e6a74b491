// From the text of a frame to JSON-RPC requests. Pure; never throws, whatever the text is.
// 1. Nesting is bounded before anything walks the value recursively.
// 2. An id is a string, a number or null, and short; any other is answered with null.
import * as z from 'zod';
import { ERRORS, type ErrorCode, toRpcError } from '../../shared/protocol/errors.ts';
import { LIMITS } from '../../shared/protocol/version.ts';

const MAX_DEPTH = 64;
const MAX_ISSUES = 20;

const RpcId = z.union([z.string().max(200), z.number(), z.null()]);
const RpcParams = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'params must be an object',
);
const RpcRequest = z.strictObject({
  jsonrpc: z.literal('2.0'),
  id: RpcId.optional(),
  method: z.string().min(1).max(100),
  params: RpcParams.optional(),
});

/** A request whose envelope is right; its method may not exist. Without `id` nobody waits for an answer. */
export interface Request {
  readonly jsonrpc: '2.0';
  readonly id?: string | number | null | undefined;
  readonly method: string;
  readonly params?: Record<string, unknown> | undefined;
}

/** A message of a frame: a request, or the text of the answer that refuses it. */
export type Message = { readonly kind: 'request'; readonly request: Request } | { readonly kind: 'bad'; readonly answer: string };

/** A frame: its messages, to be answered together in their order, or the text of the answer that refuses it whole. */
export type Frame =
  | { readonly kind: 'messages'; readonly batch: boolean; readonly messages: Message[] }
  | { readonly kind: 'bad'; readonly answer: string };

/** Reads a frame. */
export function readFrame(text: string): Frame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return badFrame('parse_error', ERRORS.parse_error.text);
  }
  if (isDeeperThan(value, MAX_DEPTH)) return badFrame('invalid_request', `The frame nests deeper than ${MAX_DEPTH} levels.`);
  if (!Array.isArray(value)) return { kind: 'messages', batch: false, messages: [readMessage(value)] };
  if (value.length === 0) return badFrame('invalid_request', 'The batch is empty.');
  if (value.length > LIMITS.batch) {
    return badFrame('too_many', `A batch holds at most ${LIMITS.batch} messages; none of these was looked at. Send several batches.`, {
      limit: LIMITS.batch,
      sent: value.length,
    });
  }
  return { kind: 'messages', batch: true, messages: value.map(readMessage) };
}

/** The text of an error answer. */
export function errorAnswer(id: string | number | null, code: ErrorCode, message: string, facts: Record<string, unknown> = {}): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: toRpcError({ code, message, facts }) });
}

/** Where and why a value does not have a form, bounded: for the facts of a refusal. */
export function listIssues(error: z.ZodError): { path: string; message: string }[] {
  return error.issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => ({ path: path.map(String).join('.').slice(0, 200), message: message.slice(0, 300) }));
}

function badFrame(code: ErrorCode, message: string, facts: Record<string, unknown> = {}): Frame {
  return { kind: 'bad', answer: errorAnswer(null, code, message, facts) };
}

function readMessage(value: unknown): Message {
  const parsed = RpcRequest.safeParse(value);
  if (parsed.success) return { kind: 'request', request: parsed.data };
  const id = RpcId.safeParse(
    typeof value === 'object' && value !== null && Object.hasOwn(value, 'id') ? (value as { id: unknown }).id : null,
  );
  return {
    kind: 'bad',
    answer: errorAnswer(id.data ?? null, 'invalid_request', ERRORS.invalid_request.text, { issues: listIssues(parsed.error) }),
  };
}

/** Walks without recursion, as the value may be nested as deeply as the frame is long. */
function isDeeperThan(value: unknown, limit: number): boolean {
  const waiting: { value: object; depth: number }[] = [];
  const visit = (child: unknown, depth: number): void => {
    if (typeof child === 'object' && child !== null) waiting.push({ value: child, depth });
  };
  visit(value, 1);
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.depth > limit) return true;
    for (const child of Array.isArray(next.value) ? next.value : Object.values(next.value)) visit(child, next.depth + 1);
  }
  return false;
}
