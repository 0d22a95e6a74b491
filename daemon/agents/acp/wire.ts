/**
 * The lines between us and an agent: JSON-RPC messages out of bytes, and back. What an agent sends is bounded here, so
 * that nothing behind this file has to be afraid of its size or its number.
 *
 * 1. A fault ends the reading for good and is told once; the agent's process is somebody else's to end.
 * 2. Lines that are no JSON objects are told as noise and go no further; too many of them are a fault.
 * 3. An answer to something that was never asked, or was answered before, is a fault.
 */
import type { Readable, Writable } from 'node:stream';
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk';

/** What one agent may send: bytes, and messages as a bucket that refills. */
export interface WireBounds {
  frameBytes: number;
  totalBytes: number;
  noiseLines: number;
  /** Messages at once, and per second in the long run. */
  burst: number;
  perSecond: number;
}

export const WIRE_BOUNDS: WireBounds = {
  frameBytes: 16 * 1024 * 1024,
  totalBytes: 1024 * 1024 * 1024,
  noiseLines: 200,
  burst: 20_000,
  perSecond: 2_000,
};

/** What an agent did that no agent may do; a stable code and a sentence. */
export class WireFault extends Error {
  override readonly name = 'WireFault';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface WireParts {
  input: Readable;
  output: Writable;
  bounds: WireBounds;
  /** Milliseconds of a clock that does not go back. */
  now(): number;
  /** Every line, as it went over the wire; `noise` is what was no message. */
  onLine(line: { from: 'agent' | 'client' | 'noise'; text: string; message?: unknown }): void;
  onFault(fault: WireFault): void;
}

/** Opens the wire over a process's pipes. */
export function openWire(parts: WireParts): Stream {
  const asked = new Set<unknown>();
  const messages = readMessages(parts, asked);
  // The reader left, because it could not write to an agent that was gone: what then cannot be told is no fault of the agent's output.
  let left = false;
  return {
    readable: new ReadableStream<AnyMessage>({
      async pull(controller) {
        try {
          const { value, done } = await messages.next();
          if (left) return;
          if (done === true) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          const fault = error instanceof WireFault ? error : new WireFault('agent_pipe', `The agent's output broke off: ${String(error)}`);
          parts.onFault(fault);
          if (!left) controller.error(fault);
        }
      },
      cancel() {
        left = true;
      },
    }),
    writable: new WritableStream<AnyMessage>({
      write(message) {
        if ('method' in message && 'id' in message) asked.add(message.id);
        const text = JSON.stringify(message);
        parts.onLine({ from: 'client', text, message });
        return new Promise((resolve, reject) => {
          parts.output.write(`${text}\n`, (error) => (error ? reject(error) : resolve()));
        });
      },
    }),
  };
}

async function* readMessages(parts: WireParts, asked: Set<unknown>): AsyncGenerator<AnyMessage, void> {
  const admit = limitRate(parts);
  let noise = 0;
  for await (const text of readLines(parts)) {
    admit();
    const message = readObject(text);
    if (message === undefined) {
      noise += 1;
      parts.onLine({ from: 'noise', text });
      if (noise > parts.bounds.noiseLines)
        throw new WireFault(
          'agent_garbage',
          `The agent wrote more than ${parts.bounds.noiseLines} lines that are no messages. Is it an ACP agent?`,
        );
      continue;
    }
    parts.onLine({ from: 'agent', text, message });
    if (!('method' in message)) {
      // Somebody who could not read us cannot say to what it answers.
      if (message['id'] === null) continue;
      if (!asked.delete(message['id']))
        throw new WireFault('agent_protocol', 'The agent answered something that nobody asked, or answered twice.');
    }
    yield message as AnyMessage;
  }
}

function limitRate({ bounds, now }: WireParts): () => void {
  let level = bounds.burst;
  let at = now();
  return () => {
    const time = now();
    level = Math.min(bounds.burst, level + ((time - at) / 1_000) * bounds.perSecond) - 1;
    at = time;
    if (level < 0) throw new WireFault('agent_flood', `The agent sends more than ${bounds.perSecond} messages a second for too long.`);
  };
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Lines without their end, empty ones left out; throws WireFault at one that is too long, or when it was too much in all. */
async function* readLines({ input, bounds }: WireParts): AsyncGenerator<string, void> {
  let parts: Buffer[] = [];
  let length = 0;
  let total = 0;
  const keep = (part: Buffer): void => {
    parts.push(part);
    length += part.length;
    if (length > bounds.frameBytes) throw new WireFault('agent_frame', `The agent sent a message of more than ${bounds.frameBytes} bytes.`);
  };
  for await (const chunk of input as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > bounds.totalBytes) throw new WireFault('agent_output', `The agent sent more than ${bounds.totalBytes} bytes in all.`);
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      keep(chunk.subarray(from, end));
      // Whole lines only are decoded, so no character is cut in two.
      const line = Buffer.concat(parts).toString('utf8').trim();
      parts = [];
      length = 0;
      from = end + 1;
      if (line !== '') yield line;
    }
    keep(chunk.subarray(from));
  }
  const last = Buffer.concat(parts).toString('utf8').trim();
  if (last !== '') yield last;
}
