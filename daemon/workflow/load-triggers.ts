// What starts a workflow without a person, as it is written in a file, and what that becomes.
import { Cron } from 'croner';
import * as z from 'zod';
import { EVENT_TYPES } from '../../shared/state/evolve.ts';
import type { TriggerDefinition, TriggerKind } from '../../shared/state/trigger-definition.ts';
import { type Problem, problemAt, type Source, type SourcePath, strictShape, suggestName } from '../../shared/yaml/source.ts';
import { findConditionProblem } from './condition.ts';
import { Duration, Id } from './load-parts.ts';
import { defineSource, Secret, SourceShape } from './load-source.ts';
import { FACTS, listFacts } from './triggers.ts';

const MAX_TRIGGERS = 20;
const HOW_OVERLAP = 'write `skip`, `queue` or `allow`';
/** Any time will do: what never comes does not come from here either. */
const SOME_DAY = new Date(Date.UTC(2026, 0, 1));
/** Triggers must not fire for what they record themselves. */
const FOLLOWED = EVENT_TYPES.filter((type) => !type.startsWith('trigger.'));

const Schedule = z
  .string()
  .max(200)
  .superRefine((text, context) => {
    const fault = findScheduleFault(text, 'UTC');
    if (fault !== undefined) context.addIssue(fault);
  });
const Zone = z
  .string()
  .max(100)
  .superRefine((zone, context) => {
    if (findScheduleFault('0 0 * * *', zone) !== undefined)
      context.addIssue(`there is no time zone \`${zone}\`; write one such as \`Europe/Berlin\` or \`UTC\``);
  });

/** What is wrong with the name of an event; undefined when the record has it. */
function findEventFault(type: string): string | undefined {
  if (FOLLOWED.includes(type)) return undefined;
  const subject = FOLLOWED.filter((known) => known.startsWith(`${type.split('.')[0]}.`)).map((known) => `\`${known}\``);
  const others = subject.length > 0 ? `There are ${subject.join(', ')}.` : 'See `signalbox events`.';
  return `the record has no event \`${type}\`. ${suggestName(type, FOLLOWED) ?? others}`;
}

const Glob = z
  .string()
  .min(1)
  .max(500)
  .refine((glob) => !glob.startsWith('/') && !glob.split('/').includes('..') && !/[\\[\]{}!]/.test(glob), {
    error: 'write a path in the repository, with `*`, `**` and `?`',
  });
const Globs = z.union([Glob.transform((glob) => [glob]), z.array(Glob).min(1).max(50)], {
  error: 'write paths in the repository, with `*`, `**` and `?`',
});
const MAX_SETTLE_MS = 600_000;

/** Which keys say what fires it, and which others go with each. */
const KEYS = {
  cron: ['zone', 'missed'],
  files: ['ignore', 'settle'],
  webhook: [],
  source: [],
  event: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;
type Key = keyof typeof KEYS;

const RawTrigger = strictShape({
  id: Id.optional(),
  cron: Schedule.optional(),
  zone: Zone.optional(),
  missed: z.enum(['skip', 'once', 'all'], { error: 'write `skip`, `once` or `all`' }).optional(),
  files: Globs.optional(),
  ignore: Globs.optional(),
  settle: Duration.optional(),
  webhook: strictShape({
    secret: Secret,
    signature: z.enum(['github', 'standard'], { error: 'write `github` or `standard` (Standard Webhooks)' }),
  }).optional(),
  source: SourceShape.optional(),
  event: z.union([z.string(), z.array(z.string()).min(1).max(20)], { error: 'write an event of the record, or a list of them' }).optional(),
  when: z.string().min(1).max(4_000).optional(),
  inputs: z.record(z.string(), z.json()).default({}),
  overlap: z.enum(['skip', 'queue', 'allow'], { error: HOW_OVERLAP }).optional(),
});
type RawTrigger = z.infer<typeof RawTrigger>;

/** One of `triggers`, as it is written. */
const TriggerShape = RawTrigger.transform((raw, context): TriggerDefinition => {
  const keys = (Object.keys(KEYS) as Key[]).filter((key) => raw[key] !== undefined);
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    const names = Object.keys(KEYS).map((name) => `\`${name}\``);
    context.addIssue(`a trigger has one of ${names.join(', ')}${keys.length > 1 ? `, not ${keys.join(' and ')}` : ''}`);
    return z.NEVER;
  }
  for (const [owner, others] of Object.entries(KEYS))
    for (const other of others)
      if (owner !== key && raw[other] !== undefined)
        context.addIssue({ code: 'custom', path: [other], message: `it belongs to \`${owner}\`` });
  const types = [raw.event ?? []].flat();
  types.forEach((type, i) => {
    const message = findEventFault(type);
    if (message !== undefined) context.addIssue({ code: 'custom', path: Array.isArray(raw.event) ? ['event', i] : ['event'], message });
  });
  if (key === 'cron' && raw.when !== undefined)
    context.addIssue({ code: 'custom', path: ['when'], message: 'a schedule has no condition' });
  if (key === 'source' && raw.overlap === 'skip')
    context.addIssue({ code: 'custom', path: ['overlap'], message: 'a source loses nothing; write `queue` or `allow`' });
  return define(key, raw);
});
export const TriggerShapes = z.array(TriggerShape).max(MAX_TRIGGERS, `a workflow has at most ${MAX_TRIGGERS} triggers`).optional();

function define(key: Key, raw: RawTrigger): TriggerDefinition {
  const { id, when, inputs, overlap } = raw;
  const common = { id: id ?? key, ...(when === undefined ? {} : { when }), inputs };
  switch (key) {
    case 'cron':
      return {
        kind: 'cron',
        ...common,
        overlap: overlap ?? 'skip',
        cron: raw.cron ?? '',
        zone: raw.zone ?? 'UTC',
        missed: raw.missed ?? 'once',
      };
    case 'files':
      return {
        ...{ kind: 'files', ...common, overlap: overlap ?? 'queue', include: raw.files ?? [], ignore: raw.ignore ?? [] },
        settleMs: Math.min(MAX_SETTLE_MS, raw.settle ?? 1_000),
      };
    case 'webhook':
      return {
        kind: 'webhook',
        ...common,
        overlap: overlap ?? 'queue',
        ...(raw.webhook ?? { secret: { env: '' }, signature: 'standard' }),
      };
    case 'source':
      return defineSource({ ...common, overlap: overlap ?? 'queue' }, raw.source ?? {});
    case 'event':
      return { kind: 'event', ...common, overlap: overlap ?? 'queue', types: [raw.event ?? []].flat() };
    default:
      return key satisfies never;
  }
}

/** What is wrong with a schedule; undefined when it comes again and again. */
function findScheduleFault(cron: string, timezone: string): string | undefined {
  const how = 'write five fields: minute, hour, day of the month, month, day of the week';
  try {
    const next = new Cron(cron, { timezone, mode: '5-part', paused: true }).nextRun(SOME_DAY);
    return next === null ? 'such a time never comes' : undefined;
  } catch (error) {
    const { message } = error as Error;
    return `${/parts/.test(message) ? '' : `${message.replace(/^Cron\w+: /, '')}; `}${how}`;
  }
}

/** What must hold of the triggers together, and of what they name. */
export function listTriggerProblems(
  { source, base }: { source: Source; base: SourcePath },
  triggers: readonly TriggerDefinition[],
  inputs: readonly string[],
): Problem[] {
  return triggers.flatMap((trigger, i) => {
    const at = (...rest: (string | number)[]): SourcePath => [...base, 'triggers', i, ...rest];
    const first = triggers.findIndex(({ id }) => id === trigger.id);
    const message = `Two triggers have the id \`${trigger.id}\`; give this one another \`id\`.`;
    return [
      ...(first < i ? [problemAt(source, at('id'), { code: 'duplicate-trigger', message })] : []),
      ...listWhenProblems(trigger).map((fault) => problemAt(source, at('when'), { code: 'condition', message: fault })),
      ...Object.entries(trigger.inputs).flatMap(([name, value]) => [
        ...(inputs.includes(name) ? [] : [problemAt(source, at('inputs', name), { ...unknownInput(name, inputs), on: 'key' as const })]),
        ...listFacts(value)
          .filter(([fact = '']) => !FACTS[trigger.kind].includes(fact))
          .map(([fact = '']) => problemAt(source, at('inputs', name), unknownFact(fact, trigger.kind))),
      ]),
    ];
  });
}

function unknownInput(name: string, inputs: readonly string[]) {
  return { code: 'unknown-input', message: `The workflow has no input \`${name}\`.`, hint: suggestName(name, inputs) };
}

function unknownFact(fact: string, kind: TriggerKind) {
  const known = FACTS[kind].map((one) => `\`trigger.${one}\``).join(', ');
  return { code: 'unknown-fact', message: `There is no \`trigger.${fact}\` here, only ${known}.`, hint: suggestName(fact, FACTS[kind]) };
}

function listWhenProblems({ when }: TriggerDefinition): string[] {
  const found = when === undefined ? undefined : findConditionProblem(when, 'trigger');
  return found ? [`${found.message} (character ${found.start + 1})`] : [];
}
