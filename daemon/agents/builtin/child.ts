// Entry point of the child that does the work of the built-in agents: one order in, frames out, then it ends.
import { Console } from 'node:console';
import { redact } from '../../platform/redact.ts';
import { ActionError, performOrder } from './actions.ts';
import { type Frame, MAX_FRAME_LENGTH, Order } from './wire.ts';

// Only frames may appear on standard output; whatever a library prints goes to standard error.
globalThis.console = new Console(process.stderr, process.stderr);

async function readOrder(): Promise<Order> {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MAX_FRAME_LENGTH) throw new Error('the order is too long');
    if (chunk.includes('\n')) break;
  }
  return Order.parse(JSON.parse(text));
}

function say(frame: Frame): void {
  process.stdout.write(`${JSON.stringify(frame)}\n`);
}

async function main(): Promise<void> {
  try {
    const order = await readOrder();
    const values = await performOrder(order, say);
    say({ type: 'result', status: 'succeeded', values });
  } catch (error) {
    say({ type: 'result', status: 'failed', values: error instanceof ActionError ? error.values : {}, error: await describeError(error) });
  }
}

async function describeError(error: unknown): Promise<{ code: string; message: string }> {
  const known = error as { code?: unknown; message?: unknown };
  const message = typeof known.message === 'string' ? known.message : String(error);
  const code = typeof known.code === 'string' && /^[a-z][a-z_]{2,60}$/.test(known.code) ? known.code : 'agent_error';
  // A message of git or of the file system may quote what the repository holds.
  return { code, message: await redact(message.slice(0, 3_000)) };
}

void main();
