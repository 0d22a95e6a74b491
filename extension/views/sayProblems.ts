import type { StatusResult } from '../../shared/protocol/views.ts';
import type { Translate } from './words.ts';

/** The sentence about problems, or undefined when there are none. */
export function sayProblems(problems: NonNullable<StatusResult['problems']>, t: Translate): string | undefined {
  const [first] = problems;
  if (!first) return undefined;
  const { file, line, column, message } = first;
  const place = `${file}:${line}:${column}`;
  return problems.length === 1
    ? t('A policy does not load, so the last good one stays in force. {0}: {1}', place, message)
    : t('A policy has {0} problems, so the last good one stays in force. The first is {1}: {2}', problems.length, place, message);
}
