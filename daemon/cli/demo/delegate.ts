import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Approval } from '../../../shared/state/approval.ts';
import { type Connection, openConnection } from '../../../shared/client/connect.ts';
import { cleanLine } from '../render/text.ts';

const TOKEN_MS = 900_000;

/** A second client that says yes to what it is given. */
export interface Delegate {
  /** Grants the question; gives the sentence that says so. */
  grant(approval: Approval): Promise<string>;
  close(): void;
}

/** Connects once more, as principal `demo`, which may observe and approve and nothing else. */
export async function openDelegate({ client, endpoint }: Connection): Promise<Delegate> {
  const { token } = await client.call('token/issue', { name: 'demo', scopes: ['observe', 'approve'], ttlMs: TOKEN_MS });
  const own = await openConnection(endpoint, { name: 'signalbox-cli', token });
  return {
    async grant({ id, summary }) {
      try {
        const { approval } = await own.client.call('approval/answer', {
          approval: id,
          answer: 'grant',
          reason: 'The demo answers its own questions.',
        });
        return `Approved by principal ${cleanLine(approval.by ?? '')}: ${cleanLine(summary)}`;
      } catch (error) {
        if (!(error instanceof SignalboxError) || error.code !== 'approval_settled') throw error;
        return `Somebody else answered: ${cleanLine(summary)}`;
      }
    },
    close: () => own.close(),
  };
}
