// What goes from one agent to another, as far as the record alone tells.
import type { MissingItem } from '../../shared/events/handoff.ts';
import type { Handoff } from '../../shared/state/flow.ts';
import type { Stage } from '../../shared/state/run.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { afterFailure, goBack } from './failure.ts';
import { graphOf, listAncestors } from './graph.ts';
import { findContext, type Place } from './submit.ts';

/** The record of each handoff that a stage was admitted with and that is not recorded yet. */
export function acceptHandoffs({ state, run }: Place, def: StageDefinition, stage: Stage): Command[] {
  const artifacts = state.artifacts.get(run.id);
  return (def.handoffs ?? [])
    .filter((handoff) => stage.accepted?.[handoff.id] === undefined)
    .map((handoff): Command => {
      const digests = handoff.artifacts.map(({ name }) => [name, artifacts?.get(name)?.digest ?? ''] as const);
      const context = handoff.context.map(({ name }) => [name, shorten(findContext(state, run, name))] as const);
      return {
        type: 'handoff/accept',
        run: run.id,
        stage: def.id,
        handoff: handoff.id,
        from: [...handoff.from],
        artifacts: Object.fromEntries(digests),
        context: Object.fromEntries(context),
        ...(handoff.acknowledgeMs === undefined ? {} : { acknowledgeMs: handoff.acknowledgeMs }),
        ...(handoff.firstOutputMs === undefined ? {} : { firstOutputMs: handoff.firstOutputMs }),
      };
    });
}

function shorten(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null';
  return text.length <= 2_000 ? (value ?? null) : `${text.slice(0, 2_000)}…`;
}

/** Required values of a handoff that nobody knows, or that have another form. */
export function listMissingContext({ state, run }: Place, handoff: Handoff): MissingItem[] {
  return handoff.context.flatMap(({ name, type }): MissingItem[] => {
    const value = findContext(state, run, name);
    if (value === undefined || value === null || value === '') return [{ item: name, detail: 'Nobody has said it.' }];
    if (type === 'boolean' && typeof value !== 'boolean') return [{ item: name, detail: 'It is neither true nor false.' }];
    if (type === 'list' && !Array.isArray(value)) return [{ item: name, detail: 'It is no list.' }];
    return [];
  });
}

/** The stage to which an incomplete handoff goes back: the maker of what is missing first, else the last that hands over. */
export function findGiver({ definition }: Place, def: StageDefinition, handoff: Handoff, missing: readonly MissingItem[]): string {
  const graph = graphOf(definition);
  const before = listAncestors(graph, def.id);
  const maker = missing.flatMap(({ item }) => before.find((id) => graph.byId.get(id)?.outputs.includes(item)) ?? [])[0];
  return maker ?? before.find((id) => handoff.from.includes(id)) ?? handoff.from[0] ?? def.id;
}

/** Times that a handoff went back to a stage, whoever of several it was meant for. */
function countBack({ run, definition }: Place, id: string, to: string): number {
  const { byId } = graphOf(definition);
  const about = (from: string): boolean => byId.get(from)?.handoffs?.some((handoff) => handoff.id === id) ?? false;
  return (run.returns ?? []).filter((r) => r.code === 'handoff_incomplete' && r.to === to && about(r.from)).length;
}

/** An incomplete handoff goes back with what is missing, so often; then the receiving stage fails. */
export function afterHandoff(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const missing = stage.missing ?? [];
  const to = missing[0]?.stage ?? '';
  const handoff = def.handoffs?.find((one) => one.from.includes(to)) ?? def.handoffs?.[0];
  const list = missing.map(({ item, detail }) => `${item}: ${detail}`).join('\n');
  const message = `What was handed over to ${def.id} is not complete.\n${list}`.slice(0, 4_000);
  if (to !== '' && handoff && countBack(place, handoff.id, to) < handoff.atMost)
    return [goBack(place, { from: def.id, to, code: 'handoff_incomplete', feedback: message })];
  return afterFailure(place, { ...def, onFailure: { ...(def.onFailure ?? { last: 'fail' }), retry: 0 } }, stage, {
    code: 'handoff_incomplete',
    message,
  });
}
