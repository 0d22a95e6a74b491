// What waits to be sent on one connection.
// 1. What is queued in one turn of the event loop is written at once, in its order; notifications that follow each other share a frame.
//    What was notified does not wait for the end of that turn: work for a worker is on its way before answers are made. News that
//    were offered do, so that they leave with the answers: each write wakes the other end.
// 2. `waitingBytes` counts everything that the other end has not taken: queued here, in ws, in the socket, and held for a batch.
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { LIMITS } from '../../shared/protocol/version.ts';

/** The way out of one connection. */
export interface Outbox {
  answer(text: string): void;
  notify(text: string): void;
  /** Queues a notification that nobody waits for. */
  offer(text: string): void;
  /** Bytes kept elsewhere that will be sent here: answers that wait for the rest of their batch. */
  hold(bytes: number): void;
  waitingBytes(): number;
  /** The same without what is held. */
  unsentBytes(): number;
  /** Writes what is queued now. */
  flush(): void;
  /** Forgets what is queued; later texts are dropped. */
  stop(): void;
}

interface Queued {
  readonly text: string;
  readonly bytes: number;
  readonly notification: boolean;
}

/** Makes the outbox of a socket; `onFlush` is called after each write. */
export function createOutbox(ws: WebSocket, socket: Duplex, onFlush: () => void): Outbox {
  let queue: Queued[] = [];
  let queuedBytes = 0;
  let heldBytes = 0;
  let scheduled: 'no' | 'soon' | 'at once' = 'no';
  let stopped = false;

  const flush = (): void => {
    scheduled = 'no';
    if (stopped || queue.length === 0) return;
    const frames = joinFrames(queue);
    queue = [];
    queuedBytes = 0;
    socket.cork();
    for (const frame of frames) ws.send(frame, ignoreLateError);
    socket.uncork();
    onFlush();
  };
  const put = (text: string, notification: boolean, urgent = false): void => {
    if (stopped) return;
    const bytes = Buffer.byteLength(text);
    queue.push({ text, bytes, notification });
    queuedBytes += bytes;
    if (urgent && scheduled !== 'at once') {
      scheduled = 'at once';
      queueMicrotask(flush);
    } else if (scheduled === 'no') {
      scheduled = 'soon';
      setImmediate(flush);
    }
  };

  return {
    answer: (text) => put(text, false),
    notify: (text) => put(text, true, true),
    offer: (text) => put(text, true),
    hold: (bytes) => {
      heldBytes += bytes;
    },
    waitingBytes: () => queuedBytes + heldBytes + ws.bufferedAmount,
    unsentBytes: () => queuedBytes + ws.bufferedAmount,
    flush,
    stop() {
      stopped = true;
      queue = [];
    },
  };
}

/** A send that fails ends the connection through its `close` event. */
function ignoreLateError(): void {}

function joinFrames(queue: readonly Queued[]): string[] {
  const frames: string[] = [];
  let run: string[] = [];
  let bytes = 0;
  const close = (): void => {
    if (run.length > 0) frames.push(run.length === 1 ? (run[0] ?? '') : `[${run.join(',')}]`);
    run = [];
    bytes = 0;
  };
  for (const item of queue) {
    if (!item.notification || run.length === LIMITS.batch || bytes + item.bytes > LIMITS.frameBytes / 4) close();
    if (!item.notification) frames.push(item.text);
    else {
      run.push(item.text);
      bytes += item.bytes;
    }
  }
  close();
  return frames;
}
