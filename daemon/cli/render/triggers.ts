// Triggers as a person reads them. Pure.
import type { TriggerView } from '../../../shared/protocol/views.ts';
import type { LastFiring } from '../../../shared/state/trigger.ts';
import { shortId } from '../ids.ts';
import type { Look } from './paint.ts';
import { type Column, renderTable } from './table.ts';
import { cleanLine } from './text.ts';
import { formatAgo, formatUntil } from './time.ts';

/** The triggers as a table, with what is wrong below it. */
export function renderTriggers(triggers: readonly TriggerView[], now: number, look: Look): string[] {
  const { paint } = look;
  const columns: Column<TriggerView>[] = [
    { title: 'TRIGGER', text: ({ id }) => id, style: (text) => paint.cyan(text), flex: 'end', min: 12 },
    { title: 'FIRES', text: sayWhen, flex: 'end', min: 10 },
    { title: 'NEXT', text: (one) => sayNext(one, now), style: (text, one) => (one.paused ? paint.yellow(text) : text) },
    { title: 'LAST', text: ({ last }) => (last ? sayLast(last, now) : '-'), flex: 'end', min: 10 },
    { title: 'REPOSITORY', text: ({ repo }) => repo ?? '-', flex: 'start', min: 8 },
  ];
  const wrong = triggers.flatMap(({ id, problem }) => (problem === undefined ? [] : [paint.yellow(`${id}: ${cleanLine(problem)}`)]));
  return [...renderTable(columns, triggers, look), ...wrong];
}

/** All that there is to say about one trigger, a line for each fact. */
export function explainTrigger(trigger: TriggerView, now: number): string[] {
  const { id, workflow, definition, origin, repo, into, inputs, by, open, fired, last, paused, problem } = trigger;
  const running = open.filter(({ status }) => status === 'running').map(({ run }) => shortId(run));
  const given = { ...inputs, ...definition.inputs };
  const rows: Record<string, string> = {
    trigger: id,
    workflow: `${workflow.name} ${workflow.version}`,
    fires: sayWhen(trigger),
    when: definition.when ?? '',
    inputs: Object.keys(given).length === 0 ? '' : JSON.stringify(given),
    overlap: definition.overlap,
    next: sayNext(trigger, now),
    paused: paused ? `by ${paused.by}${paused.reason === '' ? '' : `: ${paused.reason}`}` : '',
    fired: `${fired} time${fired === 1 ? '' : 's'}`,
    last: last ? `${sayLast(last, now)}${last.message === undefined ? '' : `: ${last.message}`}` : '',
    running: running.join(', '),
    waiting: String(open.filter(({ status }) => status === 'waiting').length || ''),
    repository: repo ?? '',
    into: into ?? '',
    registered: origin === 'user' ? `by ${by}` : `by the trust in its repository`,
    problem: problem ?? '',
  };
  return Object.entries(rows).flatMap(([name, value]) => (value === '' ? [] : [`${name.padEnd(11)} ${cleanLine(value)}`]));
}

function sayWhen({ definition, url }: TriggerView): string {
  switch (definition.kind) {
    case 'cron':
      return `${definition.cron} ${definition.zone}`;
    case 'files':
      return `changes of ${definition.include.join(', ')}`;
    case 'webhook':
      return url ?? 'webhook';
    case 'folder':
      return `files in ${definition.folder}`;
    case 'command':
      return `items of ${definition.command.join(' ')}`;
    case 'event':
      return definition.types.join(', ');
    default:
      return definition satisfies never;
  }
}

function sayNext({ paused, next, definition }: TriggerView, now: number): string {
  if (paused) return 'paused';
  return next === undefined ? (definition.kind === 'cron' ? 'never' : '-') : formatUntil(next, now);
}

const PASSED: Readonly<Record<string, string>> = {
  overlap: 'passed by, its last run had not ended',
  missed: 'missed',
  queue_full: 'passed by, too many waited',
  too_deep: 'passed by, runs started one another too often',
  too_often: 'passed by, it fired too often',
};

function sayLast({ at, run, code }: LastFiring, now: number): string {
  const when = formatAgo(at, now);
  if (code !== undefined) return `${when}, ${PASSED[code] ?? `failed (${code})`}`;
  return run === undefined ? when : `${when}, run ${shortId(run)}`;
}
