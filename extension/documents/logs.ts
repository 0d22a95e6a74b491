// The output of attempts as documents that follow the spool while they are open.
import type { Services } from '../services.ts';

/** Characters of a log that an editor is given; of a longer one the end. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
const POLL_MS = 400;

export interface Logs {
  /** The output so far; follows the rest until `leave`. */
  read(attempt: string): Promise<string>;
  leave(attempt: string): void;
  dispose(): void;
}

interface Following {
  text: string;
  offset: number;
  ended: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Follows spools; `onGrown` is called when there is more to show. */
export function createLogs(services: Pick<Services, 'client'>, onGrown: (attempt: string) => void): Logs {
  const following = new Map<string, Following>();

  const follow = (attempt: string, log: Following): void => {
    log.timer = setTimeout(() => {
      readOn(services, attempt, log)
        // The daemon may be away for a moment: the next look goes on where this one stopped.
        .catch(() => false)
        .then((grown) => {
          if (following.get(attempt) !== log) return;
          if (grown) onGrown(attempt);
          if (!log.ended) follow(attempt, log);
        })
        .catch(() => {});
    }, POLL_MS);
  };

  return {
    async read(attempt) {
      const known = following.get(attempt);
      if (known) return known.text;
      const log: Following = { text: '', offset: 0, ended: false, timer: undefined };
      following.set(attempt, log);
      try {
        await readOn(services, attempt, log);
      } catch (error) {
        following.delete(attempt);
        throw error;
      }
      if (!log.ended && following.get(attempt) === log) follow(attempt, log);
      return log.text;
    },
    leave(attempt) {
      clearTimeout(following.get(attempt)?.timer);
      following.delete(attempt);
    },
    dispose() {
      for (const { timer } of following.values()) clearTimeout(timer);
      following.clear();
    },
  };
}

/** Reads what came since the last look; says whether there was anything. */
async function readOn(services: Pick<Services, 'client'>, attempt: string, log: Following): Promise<boolean> {
  const client = await services.client();
  const before = log.offset;
  for (let more = true; more && !log.ended; ) {
    const piece = await client.call('spool/read', { attempt, offset: log.offset });
    log.text = (log.text + piece.text).slice(-MAX_CHARACTERS);
    more = piece.next > log.offset;
    log.offset = piece.next;
    log.ended = piece.ended && !more;
  }
  return log.offset > before;
}
