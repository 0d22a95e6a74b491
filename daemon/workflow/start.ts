// An admitted stage: what it was allowed is done.
import type { Stage } from '../../shared/state/run.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Command } from '../commands.ts';
import { sayNobody } from './agents.ts';
import { startCall } from './call.ts';
import { startDeliberation } from './deliberate.ts';
import { acceptHandoffs } from './handoffs.ts';
import { listMergeChecks, startMerge } from './merge-checks.ts';
import { submitStage, type Place } from './submit.ts';

/** Starts the work of a stage, or says why it may not start. */
export function startWork(place: Place, def: StageDefinition, stage: Stage): Command[] {
  const at = { run: place.run.id, stage: def.id };
  const refused = stage.results.find((r) => !r.allowed && (!def.gate || isOwnQuestion(r.key)));
  if (refused) {
    if (def.onDenied === 'skip') return [{ type: 'stage/skip', ...at, reason: refused.reason, cause: 'denied' }];
    return [{ type: 'stage/fail', ...at, code: 'denied', message: refused.reason }];
  }
  const accepting = acceptHandoffs(place, def, stage);
  if (accepting.length > 0) return accepting;
  if (def.merge) return listMergeChecks(stage).length > 0 ? [{ type: 'stage/check', ...at, values: {} }] : startMerge(place, def, stage);
  if (def.call) return startCall(place, def, stage);
  // Its list is read first.
  if (def.matrix) return [];
  // A join is completed by the step that began it; when that was cut off, it is looked at again from the start.
  if (def.join) return [{ type: 'stage/complete', ...at, values: {}, ...(def.next?.[0] ? { chosen: [...def.next[0].to] } : {}) }];
  if (def.deliberate) return startDeliberation(place, def, stage, def.deliberate);
  const submit = submitStage(place, def, stage);
  if (submit) return [submit];
  const message = sayNobody(place.state, def);
  return [{ type: 'stage/fail', ...at, code: 'agent_unknown', message }];
}

/** With a gate of proposals the agent is told which of them were refused; everything else that was asked must be allowed. */
function isOwnQuestion(key: string): boolean {
  return key === 'start' || /^(check|handoff|member|signs):/.test(key);
}
