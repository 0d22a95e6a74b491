// Ids are UUIDv7, whose beginning is the time: runs of one minute share their first eight digits. So a person is shown the
// last eight, which are random, and may type those, or the beginning of either form.
import { CliFailure } from './failure.ts';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}([0-9a-f]{8})/gi;

/** An id as it is shown: the last eight digits of each UUID in it, the rest as it stands. */
export function shortId(id: string): string {
  return id.replace(UUID, '$1');
}

/** The ids that a person's text may mean: the exact one, else all whose full or short form begins with it. */
export function matchIds(given: string, ids: readonly string[]): string[] {
  const exact = ids.filter((id) => id === given || shortId(id) === given);
  if (exact.length > 0) return exact;
  return ids.filter((id) => id.startsWith(given) || shortId(id).startsWith(given));
}

/** The one entry that the text means; throws a CliFailure that lists the candidates, or says that there is none. */
export function pickOne<Entry extends { id: string }>(
  given: string,
  entries: readonly Entry[],
  what: string,
  describe: (entry: Entry) => string,
): Entry {
  const ids = new Set(
    matchIds(
      given,
      entries.map((entry) => entry.id),
    ),
  );
  const found = entries.filter((entry) => ids.has(entry.id));
  const [only, ...others] = found;
  if (only === undefined)
    throw new CliFailure(`There is no ${what} ${given}.`, {
      code: 'not_found',
      hint: what === 'attempt' ? '`signalbox runs` lists the runs, whose ids do as well.' : `\`signalbox ${what}s\` lists them.`,
    });
  if (others.length === 0) return only;
  const shown = found.slice(0, 20).map((entry) => `  ${shortId(entry.id) === given ? entry.id : shortId(entry.id)}  ${describe(entry)}`);
  throw new CliFailure(`${given} could be any of ${found.length} ${what}s.`, {
    code: 'ambiguous_id',
    exit: 2,
    details: [...shown, ...(found.length > shown.length ? [`  and ${found.length - shown.length} more`] : [])],
    hint: 'Give more of the id.',
    facts: { candidates: found.map((entry) => entry.id) },
  });
}
