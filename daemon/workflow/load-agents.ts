// Stages of a workflow that no agent which is registered now could take: no problem of the file, but worth knowing before it is started.
import type { Agent } from '../../shared/state/agent.ts';
import { emptyState } from '../../shared/state/evolve.ts';
import type { AgentSelection } from '../../shared/state/flow.ts';
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';
import { type Problem, problemAt, readSource, type SourcePath } from '../../shared/yaml/source.ts';
import { chooseAgent, sayNobody } from './agents.ts';
import type { WorkflowText } from './load.ts';

/** A warning for each stage that nobody could take, at its place in the file. */
export function listUntaken(text: WorkflowText, definition: WorkflowDefinition, agents: readonly Agent[]): Problem[] {
  const state = { ...emptyState(), agents: new Map(agents.map((agent) => [agent.id, agent])) };
  const found = definition.stages.flatMap((def) => {
    const work = def.matrix?.each ?? def;
    const wanted = [work, ...(work.approvers ?? [])].filter((one) => isFixed(one) && chooseAgent(state, one) === undefined);
    return wanted.map((one) => ({ def, message: sayNobody(state, one) }));
  });
  if (found.length === 0) return [];
  const { source } = readSource(text);
  if (!source) return [];
  return found.map(({ def, message }) => problemAt(source, placeOf(source.data, def), { code: 'no-agent', message }));
}

/** Whether it is known beforehand who is wanted, and that somebody is. */
function isFixed({ agent, select }: { agent?: string | undefined; select?: AgentSelection | undefined }): boolean {
  return agent !== undefined || (select !== undefined && !/\{[a-z_-]+\.[A-Za-z_]/.test(JSON.stringify(select)));
}

function placeOf(data: unknown, { id }: StageDefinition): SourcePath {
  const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  const base: SourcePath = isRecord(data) && isRecord(data.workflow) ? ['workflow'] : [];
  const holder = base.length > 0 && isRecord(data) ? data.workflow : data;
  const stages: unknown = isRecord(holder) ? holder.stages : undefined;
  const index = Array.isArray(stages) ? stages.findIndex((one: unknown) => isRecord(one) && (one.id ?? one.stage) === id) : -1;
  return index < 0 ? base : [...base, 'stages', index];
}
