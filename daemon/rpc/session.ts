// One WebSocket from its upgrade to its end: takes frames in, has them answered, sends what is said.
// 1. Frames wait in an inbox; beyond its bounds, or while the other end does not take its answers, the socket is not read.
// 2. At most LIMITS.inFlight calls run; one more is refused at once. Answers of one frame leave in one frame, in its order.
// 3. Bytes that the other end does not take are bounded: past LIMITS.bufferedBytes large answers become refusals, and a notification ends the connection.
// 4. After end() nothing more is read or said, and the close listeners are called exactly once.
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { LIMITS } from '../../shared/protocol/version.ts';
import type { Connection, Log, Principal } from './connection.ts';
import type { Caller, Dispatch } from './dispatch.ts';
import { errorAnswer, type Frame, readFrame, type Request } from './envelope.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import type { Turns } from './turns.ts';

/** What a session is made of. */
export interface SessionParts {
  readonly id: string;
  readonly ws: WebSocket;
  readonly socket: Duplex;
  readonly principal: Principal;
  readonly peer: Connection['peer'];
  readonly dispatch: Dispatch;
  readonly turns: Turns;
  readonly log: Log;
  readonly helloMs: number;
  /** The time until the token expires, if it does. */
  readonly ttlMs: number | undefined;
}

const INBOX_FRAMES = 256;
const INBOX_BYTES = 1024 * 1024;
/** While more than this waits for the other end, no more of its frames are answered. */
const UNSENT_BYTES = 1024 * 1024;
/** While more than this waits, nothing is queued that can be asked for again. */
const OFFERED_BYTES = 1024 * 1024;
/** Answers up to this size are sent whatever waits; the number of calls bounds them. */
const SMALL_ANSWER = 2_048;

/** A WebSocket and the calls that are made on it. */
export class Session implements Caller {
  readonly connection: Connection;
  protocol: number | undefined;
  /** Refuses every further call, while those in flight are answered. */
  stopping = false;
  readonly #parts: SessionParts;
  readonly #outbox: Outbox;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #closeListeners = new Set<() => void>();
  readonly #running = new Set<Promise<unknown>>();
  #inbox: Buffer[] = [];
  #next = 0;
  #inboxBytes = 0;
  #inFlight = 0;
  #badFrames = 0;
  #alive = true;
  #ended = false;
  #closed = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { ws, socket } = parts;
    this.#outbox = createOutbox(ws, socket, () => this.#goOn());
    this.connection = this.#makeConnection();
    ws.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    ws.on('pong', () => {
      this.#alive = true;
    });
    // The socket's own 'close' follows each error.
    ws.on('error', (error) => parts.log('rpc.bad_socket', { connection: parts.id, error: error.message }));
    ws.on('close', () => this.#finish());
    socket.on('drain', () => this.#goOn());
    this.#after(parts.helloMs, () => {
      if (this.protocol === undefined) this.end(1008, 'No daemon/hello in time');
    });
    if (parts.ttlMs !== undefined) this.#after(parts.ttlMs, () => this.end(1008, 'The token has expired'));
  }

  /** Called at intervals: asks whether the other end is there, and gives up when it has not answered the last time. */
  beat(): void {
    if (!this.#alive) return this.#parts.ws.terminate();
    this.#alive = false;
    if (!this.#ended) this.#parts.ws.ping();
  }

  /** Resolves when the calls that run now are answered. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Says what is queued, then closes with a code of RFC 6455 and a reason of at most 123 bytes. */
  end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#outbox.flush();
    this.#ended = true;
    this.#outbox.stop();
    this.#inbox = [];
    const { ws } = this.#parts;
    ws.resume();
    ws.close(code, reason);
  }

  #makeConnection(): Connection {
    const { id, principal, peer } = this.#parts;
    const readProtocol = (): number => this.protocol ?? 0;
    return {
      id,
      principal,
      peer,
      get protocol() {
        return readProtocol();
      },
      notify: (name, params) => this.#notify(name, params),
      offer: (name, params) => this.#offer(name, params),
      onClose: (listener) => {
        if (this.#closed) listener();
        else this.#closeListeners.add(listener);
      },
    };
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms).unref());
  }

  #notify(method: string, params: unknown): void {
    if (this.#ended) return;
    if (this.#outbox.waitingBytes() > LIMITS.bufferedBytes) {
      this.#parts.log('rpc.slow_reader', { connection: this.#parts.id, waitingBytes: this.#outbox.waitingBytes() });
      return this.end(1013, 'Too slow; connect again and go on from the last cursor');
    }
    this.#outbox.notify(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  #offer(method: string, params: string): boolean {
    if (this.#ended) return true;
    if (this.#outbox.waitingBytes() > OFFERED_BYTES) return false;
    this.#outbox.offer(`{"jsonrpc":"2.0","method":"${method}","params":${params}}`);
    return true;
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.#alive = true;
    if (isBinary) return this.end(1003, 'Send text frames');
    this.#inbox.push(data);
    this.#inboxBytes += data.length;
    if (this.#isInboxFull()) this.#parts.ws.pause();
    this.#parts.turns.add(this.#readOne);
  }

  #isInboxFull(): boolean {
    return this.#inbox.length - this.#next >= INBOX_FRAMES || this.#inboxBytes >= INBOX_BYTES;
  }

  readonly #readOne = (): boolean => {
    const data = this.#inbox[this.#next];
    if (this.#ended || data === undefined || this.#outbox.unsentBytes() > UNSENT_BYTES) return false;
    this.#next += 1;
    this.#inboxBytes -= data.length;
    if (this.#next === this.#inbox.length) {
      this.#inbox = [];
      this.#next = 0;
    }
    this.#take(readFrame(data.toString('utf8')));
    if (this.#ended) return false;
    if (this.#parts.ws.isPaused && !this.#isInboxFull()) this.#parts.ws.resume();
    return this.#inbox.length > 0;
  };

  /** There is room again for answers. */
  #goOn(): void {
    if (this.#inbox.length > 0) this.#parts.turns.add(this.#readOne);
  }

  #take(frame: Frame): void {
    if (frame.kind === 'bad') {
      this.#outbox.answer(frame.answer);
      return this.#countBadFrame();
    }
    const answers = frame.messages.map((message) =>
      message.kind === 'bad' ? Promise.resolve(this.#hold(message.answer)) : this.#start(message.request),
    );
    const sent = this.#answer(frame.batch, answers);
    this.#running.add(sent);
    void sent.finally(() => this.#running.delete(sent));
    if (frame.messages.some(({ kind }) => kind === 'bad')) this.#countBadFrame();
  }

  #countBadFrame(): void {
    this.#badFrames += 1;
    if (this.#badFrames > LIMITS.badFrames) this.end(1008, 'Too many bad frames');
  }

  async #start(request: Request): Promise<string | undefined> {
    const refuse = (code: 'too_many' | 'shutting_down', message: string): string | undefined =>
      request.id === undefined ? undefined : this.#hold(errorAnswer(request.id, code, message));
    if (this.stopping) return refuse('shutting_down', 'The daemon is stopping and takes no new work.');
    if (this.#inFlight >= LIMITS.inFlight)
      return refuse('too_many', `${LIMITS.inFlight} calls of this connection are in flight. Wait for answers before sending more.`);
    this.#inFlight += 1;
    const write = await this.#parts.dispatch(request, this);
    const writing = this.#ended ? undefined : write?.();
    const text = typeof writing === 'string' ? writing : await writing;
    this.#inFlight -= 1;
    if (text === undefined || this.#ended) return undefined;
    if (text.length <= SMALL_ANSWER || this.#outbox.waitingBytes() <= LIMITS.bufferedBytes) return this.#hold(text);
    return refuse('too_many', 'Earlier answers were not read yet. Read them, then ask again for less at once.');
  }

  /** Counts an answer that waits for the others of its frame. */
  #hold(text: string): string {
    this.#outbox.hold(text.length);
    return text;
  }

  async #answer(batch: boolean, pending: Promise<string | undefined>[]): Promise<void> {
    const texts = (await Promise.all(pending)).filter((text) => text !== undefined);
    for (const text of texts) this.#outbox.hold(-text.length);
    if (texts.length > 0) this.#outbox.answer(batch ? `[${texts.join(',')}]` : texts.join(''));
  }

  #finish(): void {
    this.#ended = true;
    this.#closed = true;
    this.#outbox.stop();
    this.#inbox = [];
    for (const timer of this.#timers) clearTimeout(timer);
    for (const listener of this.#closeListeners) {
      try {
        listener();
      } catch (error) {
        this.#parts.log('rpc.incident', {
          incident: this.#parts.id,
          method: 'onClose',
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      }
    }
    this.#closeListeners.clear();
  }
}
