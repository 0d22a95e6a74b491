/**
 * A stage that runs another workflow. Its run is a run like any, whose id is made of the run's and the stage's number; what ends,
 * pauses or goes back reaches down to it.
 */
import type { Run, Stage } from '../../shared/state/run.ts';
import { runEnded } from '../../shared/state/run.ts';
import { isValueName, parseWholeTemplate, type StageDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { baseOf } from './base.ts';
import { afterFailure } from './failure.ts';
import { bindInputs } from './inputs.ts';
import { fill, findContext, resolveReference, seenBy, taskId, type Place } from './submit.ts';
import { plainOutput } from './matrix.ts';
import { complete } from './work.ts';

/** Starts the other workflow with the inputs that the stage gives it. */
export function startCall(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const { state, run } = place;
  const { call } = def;
  if (!call) return [];
  const given = Object.entries(call.inputs).map(([name, value]) => [name, resolveInput(place, def, value)] as const);
  const bound = bindInputs(call.takes, Object.fromEntries(given.filter(([, value]) => value !== undefined)), call.workflow);
  if (!bound.ok) return [{ type: 'stage/fail', run: run.id, stage: def.id, code: 'call_inputs', message: bound.message }];
  const { workflow: name, version, digest } = call;
  const base = baseOf(state, run, def);
  const { repo, gitDir, commonDir, head, into } = run;
  const where =
    repo !== undefined && gitDir !== undefined && commonDir !== undefined && base !== undefined
      ? { repo, gitDir, commonDir, base }
      : undefined;
  const more = { ...(head === undefined ? {} : { head }), ...(into === undefined ? {} : { into }) };
  return [
    {
      type: 'run/start',
      run: taskId(place, def, stage),
      workflow: { name, version, digest },
      inputs: bound.inputs,
      again: true,
      parent: { run: run.id, stage: def.id },
      ...(where ? { repository: { ...where, ...more } } : {}),
    },
  ];
}

function resolveInput({ state, run }: Place, def: StageDefinition, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const seen = seenBy(run, def);
  const whole = parseWholeTemplate(value);
  return whole ? (resolveReference(state, seen, whole) ?? undefined) : fill(state, seen, value);
}

/** The other run has ended: what it made is the stage's, or what it failed with is answered. */
export function afterCall(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const { state, run } = place;
  const child = state.runs.get(stage.child ?? '');
  if (!child || !runEnded(child)) return [];
  const at = { run: run.id, stage: def.id };
  const what = `${child.workflow.name} (run ${child.id})`;
  if (child.status === 'canceled' && (def.optional || def.instance)) return [{ type: 'stage/cancel', ...at, reason: child.summary }];
  if (child.status !== 'success')
    return afterFailure(place, def, stage, {
      code: child.code ?? child.status,
      message: `${what} ended as ${child.status}: ${child.summary}`,
    });
  const made = state.artifacts.get(child.id);
  const known = state.artifacts.get(run.id);
  const files = def.outputs.filter((name) => !isValueName(name));
  const missing = files.filter((name) => !made?.has(plainOutput(def, name)));
  const values = Object.fromEntries(
    def.outputs.filter(isValueName).map((name) => [name, findContext(state, { ...child, inputs: {} }, name)]),
  );
  missing.push(...Object.entries(values).flatMap(([name, value]) => (value === undefined ? [name] : [])));
  if (missing.length > 0)
    return afterFailure(place, def, stage, { code: 'output_missing', message: `${what} ended without ${missing.join(', ')}.` });
  const records = files.flatMap((name): Command[] => {
    const artifact = made?.get(plainOutput(def, name));
    const mine = known?.get(name);
    if (!artifact || (mine?.stage === def.id && !mine.stale && mine.digest === artifact.digest)) return [];
    const { digest, size, mediaType } = artifact;
    return [{ type: 'artifact/record', ...at, name, digest, size, mediaType }];
  });
  if (records.length > 0) return records;
  const commit = commitOf(place, child);
  const result = { values, ...(commit === undefined ? {} : { commit }) };
  if (def.criteria || def.approvers) return [{ type: 'stage/check', ...at, ...result }];
  return complete(place, def, stage, result);
}

/** The commit that a run ends with: that of the last of its stages that made one. */
function commitOf({ state }: Place, child: Run): string | undefined {
  const stages = [...(state.stages.get(child.id)?.values() ?? [])].filter(
    ({ status, commit }) => status === 'completed' && commit !== undefined,
  );
  return stages.sort((a, b) => ((a.endedAt ?? '') < (b.endedAt ?? '') ? -1 : 1)).at(-1)?.commit;
}
