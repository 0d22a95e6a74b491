/** What an adapter reports of its attempt's work, as commands. */
import type { AttemptEvent, Outcome } from '../agents/agent.ts';
import type { AttemptEnding } from '../commands.ts';
import type { EffectContext } from './reactor.ts';

type Report = Extract<AttemptEvent, { type: 'committed' | 'session' | 'used' | 'called' | 'calls_omitted' | 'planned' }>;

/** Characters of a tool call's summary and of a step on the record, and steps of a plan. */
const MAX_SUMMARY = 200;
const MAX_STEPS = 20;

/** Records what was reported of the attempt whose lease is `of`. */
export async function recordReport(
  { tell, ports }: EffectContext,
  of: { attempt: string; token: number },
  event: Report,
  cause: string,
): Promise<void> {
  switch (event.type) {
    case 'committed': {
      const { key, commit, summary } = event;
      await tell({ type: 'attempt/commit', ...of, key, commit, summary: summary.slice(0, 500) }, cause);
      return;
    }
    case 'session':
      await tell({ type: 'attempt/session', ...of, session: event.session }, cause);
      return;
    case 'used': {
      const { tokens, cost, source } = event;
      await tell({ type: 'attempt/use', ...of, usage: { tokens, cost, source: source.slice(0, 100) } }, cause);
      return;
    }
    case 'called': {
      const { call } = event;
      // Masked before it is cut, so that no beginning of a secret is left.
      const summary = (await ports.mask(call.summary)).slice(0, MAX_SUMMARY);
      await tell({ type: 'attempt/call', ...of, call: { ...call, summary } }, cause);
      return;
    }
    case 'planned': {
      const { steps, ...how } = event.plan;
      const masked = await Promise.all(
        steps.slice(0, MAX_STEPS).map(async ({ text, status }) => ({ text: (await ports.mask(text)).slice(0, MAX_SUMMARY), status })),
      );
      await tell({ type: 'attempt/plan', ...of, plan: { ...how, steps: masked } }, cause);
      return;
    }
    case 'calls_omitted':
      await tell({ type: 'attempt/omit-calls', ...of, calls: event.calls }, cause);
      return;
    default:
      event satisfies never;
  }
}

/** How an attempt came to its end, for the record. */
export function toEnding({ status, exitCode, signal, error, values }: Outcome): AttemptEnding {
  return {
    status,
    values,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(error === undefined ? {} : { code: error.code.slice(0, 100), message: error.message.slice(0, 2_000) }),
  };
}
