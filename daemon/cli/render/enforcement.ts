// Which stages of a run were kept to what they may do by the operating system, which were not, and what audits found. Pure.
import type { Paint } from './paint.ts';
import type { Picture } from './stages.ts';
import { cleanLine } from './text.ts';

/** One line for each way in which programs of the run were started; none when it started none. */
export function renderEnforcement({ state, run }: Pick<Picture, 'state' | 'run'>, paint: Paint): string[] {
  const stages = new Map<string, { level: string; names: Set<string> }>();
  for (const { run: of, stage, enforcement } of state.attempts.values()) {
    if (of !== run.id || enforcement === undefined) continue;
    const key =
      enforcement.level === 'enforced'
        ? `enforced: in a sandbox (${cleanLine(enforcement.why)})`
        : `advisory: not in a sandbox. ${cleanLine(enforcement.why)}`;
    const entry = stages.get(key) ?? { level: enforcement.level, names: new Set() };
    entry.names.add(cleanLine(stage ?? 'task'));
    stages.set(key, entry);
  }
  return [...stages].map(([how, { level, names }]) => {
    const line = `${[...names].join(', ')} ${how}`;
    return level === 'enforced' ? paint.dim(line) : paint.yellow(line);
  });
}

/** What audits found in the run: one line each. */
export function renderFindings({ state, run }: Pick<Picture, 'state' | 'run'>, paint: Paint): string[] {
  return [...state.attempts.values()]
    .filter((attempt) => attempt.run === run.id)
    .flatMap(({ stage, findings = [] }) =>
      findings.map(({ message, acted }) => {
        const line = `${cleanLine(stage ?? 'task')}: ${cleanLine(message)}`;
        return acted === 'stopped' ? paint.red(line) : paint.yellow(line);
      }),
    );
}
