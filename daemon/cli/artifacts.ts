import type { Client } from '../../shared/client/client.ts';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { Plan } from '../../shared/artifacts/plan.ts';
import { Action } from '../../shared/state/action.ts';
import type { Approval } from '../../shared/state/approval.ts';

const MAX_TEXT = 8 * 1024 * 1024;

/** The whole text of an artifact, up to 8 MiB; what is longer ends with a line that says so. */
export async function readText(client: Client, digest: string): Promise<string> {
  let text = '';
  for (let offset = 0; ; ) {
    const piece = await client.call('artifact/read', { digest, offset });
    text += piece.text;
    if (piece.next >= piece.size || piece.next <= offset) return text;
    if (text.length > MAX_TEXT) return `${text}\n(The rest of ${piece.size} bytes is not shown.)\n`;
    offset = piece.next;
  }
}

/** What there is to look at before an approval is answered. */
export interface Evidence {
  plan?: Plan;
  /** Texts by name, for instance `diff`. */
  texts: Readonly<Record<string, string>>;
}

/** Loads what an approval shows; something that is gone is left out with a sentence in its place. */
export async function loadEvidence(client: Client, approval: Approval): Promise<Evidence> {
  const texts: Record<string, string> = {};
  let plan: Plan | undefined;
  for (const [name, digest] of Object.entries(approval.show)) {
    try {
      texts[name] = await readText(client, digest);
    } catch (error) {
      if (!(error instanceof SignalboxError) || error.code === 'disconnected') throw error;
      texts[name] = `(${name} cannot be shown: ${error.message})`;
    }
    if (name === 'plan.json') plan = parsePlan(texts[name] ?? '');
  }
  return { texts, ...(plan === undefined ? {} : { plan }) };
}

/** The exact action of an approval; undefined when its artifact is gone or of a kind that this version does not know. */
export async function readAction(client: Client, digest: string): Promise<Action | undefined> {
  try {
    return Action.safeParse(JSON.parse(await readText(client, digest))).data;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof SignalboxError && error.code !== 'disconnected')) return undefined;
    throw error;
  }
}

function parsePlan(text: string): Plan | undefined {
  try {
    return Plan.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
