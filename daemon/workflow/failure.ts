/**
 * What follows when a stage's work failed, or what must hold of it did not.
 *
 * 1. The stage is done again, the run goes back, or the stage fails: in this order, each so often as the workflow says.
 * 2. Whoever does it again is told what was wrong.
 * 3. What trying again cannot mend is not tried again, unless a person who was asked says so.
 */
import { isWorthTrying } from '../../shared/state/failure.ts';
import type { Stage } from '../../shared/state/run.ts';
import { failureKey } from '../../shared/state/stage.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { graphOf, listDependents } from './graph.ts';
import type { Place } from './submit.ts';

/** Characters of feedback that an event carries. */
const MAX_FEEDBACK = 4_000;

export interface Failure {
  code: string;
  message: string;
}

/** The step that a failure leads to. */
export function afterFailure(place: Place, def: StageDefinition, stage: Stage, { code, message }: Failure): Command[] {
  const { run } = place;
  const { retry = 0, back, last = 'fail' } = def.onFailure ?? {};
  const feedback = message.slice(0, MAX_FEEDBACK);
  const at = { run: run.id, stage: def.id };
  const again = stage.again ?? 0;
  if (again < retry && isWorthTrying(code))
    return [{ type: 'stage/start', ...at, prepare: needsPreparing(def), always: def.always, again: { feedback } }];
  if (back && countReturns(place, def.id, back.to) < back.atMost) return [goBack(place, { from: def.id, to: back.to, code, feedback })];
  const tries = again > 0 || back ? ` (${describeTries(again, back ? countReturns(place, def.id, back.to) : 0)})` : '';
  if (last === 'ask') return askPerson(place, def, stage, { code, message: `${message}${tries}`.slice(0, 2_000) });
  if (last === 'skip') return [{ type: 'stage/skip', ...at, reason: `${message}${tries}`.slice(0, 2_000), cause: 'failure' }];
  return [{ type: 'stage/fail', ...at, code, message: `${message}${tries}`.slice(0, 2_000) }];
}

/** A person is asked once; what they say is the next step. Without a yes the stage fails. */
function askPerson({ state, run }: Place, def: StageDefinition, stage: Stage, failure: Failure): Command[] {
  const at = { run: run.id, stage: def.id };
  if (!stage.stuck) return [{ type: 'stage/ask', ...at, round: stage.round, ...failure }];
  const { code, message } = stage.stuck;
  const asked = stage.proposed.find(({ key }) => key === failureKey(stage));
  const approval = state.approvals.get(asked?.approval ?? '');
  if (approval?.status === 'pending') return [];
  if (approval?.status !== 'granted' && approval?.status !== 'used') {
    const word = approval?.reason || asked?.reason || 'no reason was given';
    return [{ type: 'stage/fail', ...at, code, message: `${message} A person was asked: ${word}`.slice(0, 2_000) }];
  }
  const { by = 'a person', reason = '', choice } = approval;
  if (choice === 'skip')
    return [
      { type: 'stage/skip', ...at, reason: `${by} left it out after it failed${reason === '' ? '.' : `: ${reason}`}`, cause: 'failure' },
    ];
  const feedback = `${message}${reason === '' ? '' : `\n${by} says: ${reason}`}`.slice(0, MAX_FEEDBACK);
  return [{ type: 'stage/start', ...at, prepare: needsPreparing(def), always: def.always, again: { feedback } }];
}

/** Whether the stage has anything that must be decided before it starts. */
export function needsPreparing(def: StageDefinition): boolean {
  const { gate, approval, merge, command, handoffs, criteria, deliberate, approvers } = def;
  const programs = [...(criteria ?? []).filter(({ kind }) => kind === 'command'), ...listPrograms({ deliberate, approvers })];
  return [gate, approval, merge, command, handoffs].some((part) => part !== undefined) || programs.length > 0;
}

/** Programs that speak about a stage: members who deliberate, and approvers; with the key under which each is decided. */
export function listPrograms({ deliberate, approvers }: Pick<StageDefinition, 'deliberate' | 'approvers'>): Program[] {
  const members = (deliberate?.members ?? []).map(({ name, command }) => ({ key: `member:${name}`, argv: command }));
  const signers = (approvers ?? []).map(({ command }, index) => ({ key: `signs:${index}`, argv: command }));
  return [...members, ...signers].flatMap(({ key, argv }) => (argv ? [{ key, argv }] : []));
}

interface Program {
  key: string;
  argv: readonly string[];
}

/** The step back to a stage, with all that depends on it. */
export function goBack({ run, definition }: Place, step: { from: string; to: string; code: string; feedback: string }): Command {
  return { type: 'run/return', run: run.id, ...step, ...whatIsDoneAgain(definition, step.to), by: 'workflow' };
}

/** The stages that a step back does again; of one that only waits for others (branches, items of a list), those too, and they are told why. */
export function whatIsDoneAgain(definition: WorkflowDefinition, to: string): { stages: string[]; told?: string[] } {
  const graph = graphOf(definition);
  const def = graph.byId.get(to);
  if (!def) return { stages: [] };
  const parts = def.join ? def.needs : (graph.instances.get(to) ?? []).map(({ id }) => id);
  if (parts.length === 0) return { stages: listDependents(graph, to) };
  const found = new Set(parts.flatMap((part) => listDependents(graph, part)));
  return { stages: definition.stages.filter(({ id }) => found.has(id)).map(({ id }) => id), told: [...parts] };
}

/** Times that the workflow itself went back from one stage to another. */
function countReturns({ run }: Place, from: string, to: string): number {
  return (run.returns ?? []).filter((r) => r.from === from && r.to === to && r.by === 'workflow').length;
}

function describeTries(again: number, returns: number): string {
  const parts = [
    ...(again > 0 ? [`done again ${again} time${again === 1 ? '' : 's'}`] : []),
    ...(returns > 0 ? [`gone back ${returns} time${returns === 1 ? '' : 's'}`] : []),
  ];
  return parts.length === 0 ? 'not tried again' : `after it was ${parts.join(' and ')}`;
}
