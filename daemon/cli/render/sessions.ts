// How agents came to what they know of earlier work. Pure.
import type { Attempt } from '../../../shared/state/attempt.ts';
import { shortId } from '../ids.ts';
import type { Paint } from './paint.ts';
import type { Picture } from './stages.ts';
import { cleanLine } from './text.ts';

/** A sentence about an agent that went on from earlier work; nothing where it began anew. */
export function describeSession({ session }: Pick<Attempt, 'session'>): string[] {
  if (session === undefined || session.how === 'new') return [];
  if (session.how === 'loaded') return ['It went on in the session that it had.'];
  const why = session.why === undefined ? '' : ` ${cleanLine(session.why)}`;
  return [`It began a new session, and was told what the record says of the earlier work.${why}`];
}

/** A line for each attempt of the run that went on from earlier work. */
export function renderSessions({ state, run }: Pick<Picture, 'state' | 'run'>, paint: Paint): string[] {
  return [...state.attempts.values()].flatMap((attempt) => {
    if (attempt.run !== run.id) return [];
    const { continues } = run;
    const from = continues?.attempt === attempt.session?.from ? `run ${shortId(continues?.run ?? '')}` : 'an attempt that was cut off';
    const stage = cleanLine(attempt.stage ?? 'task');
    return describeSession(attempt).map((sentence) => paint.dim(`${stage} goes on from ${from}. ${sentence}`));
  });
}
