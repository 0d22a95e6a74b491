import type { Outcome } from '../agent.ts';

/** The outcome of an attempt that failed, with a stable code and a sentence. */
export function failed(code: string, message: string): Outcome {
  return { status: 'failed', error: { code, message: message.slice(0, 2_000) }, values: {} };
}
