// A record of decisions, written as the daemon writes it, without one.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, UnchainedCommit } from '../../shared/events/envelope.ts';
import type { Action, Effect } from '../../shared/state/action.ts';
import { openJournal } from '../../daemon/journal/file.ts';
import { sha256 } from '../../daemon/platform/digest.ts';
import { readInstallation } from '../../daemon/platform/installation.ts';
import { completeAction, IDLE, resolveLexically } from '../../daemon/policy/action-input.ts';

/** An action that was decided, by the rule `policy/rule`, and what a person answered where one was asked. */
export interface Decided {
  action: Action;
  effect: Effect;
  rule: string;
  answer?: 'granted' | 'denied';
}

const PER_COMMIT = 10;
const PER_BATCH = 100;

/** An action from the fields that matter. */
export function actionOf(input: Record<string, unknown>): Action {
  const completed = completeAction(input, resolveLexically('/repo'));
  if (!completed.ok) throw completed.error;
  return completed.action;
}

/** Makes the record in `home`, all of it recorded at `at` (RFC 3339). */
export async function recordDecided(home: string, decided: readonly Decided[], at: string): Promise<void> {
  const { id } = await readInstallation(home);
  const { journal } = await openJournal({ dir: home, installation: id, now: at });
  const known = new Set<string>();
  for (let seq = 1; (seq - 1) * PER_COMMIT < decided.length; seq += PER_BATCH) {
    const commits: UnchainedCommit[] = [];
    for (let own = seq; own < seq + PER_BATCH && (own - 1) * PER_COMMIT < decided.length; own += 1) {
      const some = decided.slice((own - 1) * PER_COMMIT, own * PER_COMMIT);
      const events = some.flatMap((one, i) => makeEvents(home, known, one, `${own}-${i}`));
      commits.push({
        seq: own,
        at,
        principal: 'user',
        cause: 'test',
        events: events.map((event, i) => ({ ...event, id: `test-${own}.${i}` }) as Event),
      });
    }
    const appended = await journal.append(seq - 1, commits);
    if (appended.kind !== 'appended') throw new Error(appended.message);
  }
  await journal.close();
}

function makeEvents(home: string, known: Set<string>, { action, effect, rule: by, answer }: Decided, name: string): object[] {
  const text = JSON.stringify(action);
  const artifact = sha256(text);
  if (!known.has(artifact)) {
    known.add(artifact);
    mkdirSync(join(home, 'artifacts', artifact.slice(0, 2)), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, 'artifacts', artifact.slice(0, 2), artifact), text);
  }
  const [policy = '', rule = ''] = by.split('/');
  const decision = {
    effect,
    reasons: [{ policy, version: '0'.repeat(12), rule, effect, message: 'M.', severity: 'medium', values: {} }],
    obligations: {},
  };
  const { kind, summary, risk } = action;
  const about = { v: 1, tenant: 'local', stream: `approval/${name}` };
  const digest = sha256(name);
  const asked = { approval: name, key: name, kind, summary, risk, digest, why: [], expiresAt: '2100-01-01T00:00:00.000Z', show: {} };
  return [
    {
      ...about,
      stream: 'policy/evaluated',
      type: 'policy.decided',
      artifact,
      data: { key: name, kind, summary, digest, decision, context: IDLE },
    },
    ...(answer === undefined
      ? []
      : [
          { ...about, type: 'approval.requested', artifact, data: asked },
          { ...about, type: `approval.${answer}`, data: { approval: name, by: 'user', reason: '' } },
        ]),
  ];
}
