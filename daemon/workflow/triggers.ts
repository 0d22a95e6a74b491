/**
 * From what happened to what a run is given: whether a trigger fires for it, and with which inputs. Pure.
 *
 * 1. What is filled in is never read as a template again.
 * 2. What a condition cannot be evaluated on, or an input cannot be filled from, is an error with its reason, and fires nothing.
 */
import type { Event, UnchainedCommit } from '../../shared/events/envelope.ts';
import { MAX_FIELD_BYTES } from '../../shared/events/envelope.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { TriggerDefinition, TriggerKind } from '../../shared/state/trigger-definition.ts';
import type { Command } from '../commands.ts';
import { evaluateWorkflowCondition } from './condition.ts';

/** What there is below `trigger`, by its kind. */
export const FACTS: Readonly<Record<TriggerKind, readonly string[]>> = {
  cron: ['time'],
  files: ['path', 'paths', 'count'],
  webhook: ['id', 'event', 'body'],
  folder: ['item'],
  command: ['item'],
  event: ['event', 'run'],
};
/** Bytes of all inputs of a firing, as JSON. */
const MAX_INPUT_BYTES = 32 * 1024;
const MAX_SUMMARY = 300;
const FACT = /\{trigger((?:\.[A-Za-z0-9_-]{1,100}){1,20})\}/g;
const WHOLE_FACT = new RegExp(`^${FACT.source}$`);

type Facts = Readonly<Record<string, unknown>>;
type Inputs = Record<string, unknown>;

/** Inputs of the run, or that it does not fire, with the reason where something is wrong. */
export type Settled = { fires: true; inputs: Inputs } | { fires: false; problem?: string };

/** The facts that the texts of an input name, each as the keys that lead to it. */
export function listFacts(value: unknown): string[][] {
  return [...JSON.stringify(value).matchAll(FACT)].map(([, path = '']) => path.slice(1).split('.'));
}

/** Whether a trigger fires for these facts, and with which inputs; `given` inputs are taken as they are, in place of its own. */
export function settleFiring({ when, inputs }: TriggerDefinition, facts: Facts, given: Inputs = {}): Settled {
  if (when !== undefined) {
    const held = evaluateWorkflowCondition(when, { trigger: facts });
    if (!held.ok) return { fires: false, problem: held.error };
    if (!held.value) return { fires: false };
  }
  const filled: Inputs = { ...given };
  for (const [name, value] of Object.entries(inputs)) {
    if (Object.hasOwn(given, name)) continue;
    const missing: string[] = [];
    filled[name] = fill(value, facts, missing);
    if (missing.length > 0) return { fires: false, problem: `The input ${name} needs trigger.${missing[0]}, which is not there.` };
  }
  const problem = findTooLarge(filled);
  return problem === undefined ? { fires: true, inputs: filled } : { fires: false, problem };
}

function findTooLarge(inputs: Inputs): string | undefined {
  const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
  const large = Object.keys(inputs).find((name) => bytes(inputs[name]) > MAX_FIELD_BYTES);
  if (large !== undefined) return `The input ${large} is larger than ${MAX_FIELD_BYTES} bytes.`;
  return bytes(inputs) > MAX_INPUT_BYTES ? `The inputs are larger than ${MAX_INPUT_BYTES} bytes together.` : undefined;
}

/** A text that is one fact and nothing else becomes that fact, whatever it is; in any other text facts are written out. */
function fill(value: unknown, facts: Facts, missing: string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, facts, missing));
  if (typeof value !== 'string') return value;
  const find = (path: string): unknown => {
    const found = path.slice(1).split('.').reduce<unknown>(step, facts);
    if (found === undefined || found === null) missing.push(path.slice(1));
    return found;
  };
  const whole = WHOLE_FACT.exec(value)?.[1];
  if (whole !== undefined) return find(whole);
  return value.replace(FACT, (_all, path: string) => write(find(path)));
}

function step(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

function write(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** What fires for the events of a batch, to be recorded with them; `problem` hears of conditions and inputs that do not work. */
export function fireForEvents(
  state: State,
  commits: readonly UnchainedCommit[],
  problem: (trigger: string, message: string) => void,
): Command[] {
  if (state.triggers.size === 0) return [];
  const listening = [...state.triggers.values()].filter(({ definition, paused }) => definition.kind === 'event' && !paused);
  if (listening.length === 0) return [];
  return commits.flatMap(({ events }) =>
    events.flatMap((event) => listening.flatMap((trigger) => fireForEvent(state, trigger, event, problem))),
  );
}

function fireForEvent(
  state: State,
  { id, definition, repo }: RegisteredTrigger,
  event: Event,
  problem: (trigger: string, message: string) => void,
): Command[] {
  if (definition.kind !== 'event' || !definition.types.includes(event.type)) return [];
  // A trigger of a repository hears of that repository, and of what belongs to none.
  if (repo !== undefined && event.repo !== undefined && event.repo !== repo) return [];
  const about = state.runs.get(event.run ?? '');
  const run = {
    ...{ id: about?.id ?? '', workflow: about?.workflow.name ?? '', status: about?.status ?? '', principal: about?.principal ?? '' },
    ...{ repo: about?.repo ?? '', code: about?.code ?? '', summary: about?.summary ?? '' },
  };
  const settled = settleFiring(definition, { event: toPlain(event), run });
  if (!settled.fires) {
    if (settled.problem !== undefined) problem(id, settled.problem);
    return [];
  }
  const what = `${event.type}${about ? ` of ${run.workflow}` : event.agent === undefined ? '' : ` of ${event.agent}`}`;
  const depth = (about?.startedBy?.depth ?? 0) + 1;
  const { inputs } = settled;
  return [{ type: 'trigger/fire', trigger: id, firing: event.id, summary: what.slice(0, MAX_SUMMARY), inputs, depth, by: 'daemon' }];
}

/** The event with all of its correlations, those that it lacks as empty texts, so that a condition can ask for each. */
function toPlain({ id, type, data, ...of }: Event): Record<string, unknown> {
  const { repo = '', run = '', stage = '', task = '', attempt = '', agent = '', artifact = '' } = of;
  return { id, type, data, repo, run, stage, task, attempt, agent, artifact };
}
