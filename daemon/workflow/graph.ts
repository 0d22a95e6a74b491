// The graph of a definition, worked out once for each.
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';

export interface Graph {
  byId: ReadonlyMap<string, StageDefinition>;
  /** Place of each stage in the definition, from 0. */
  position: ReadonlyMap<string, number>;
  /** For each stage those that need it. */
  followers: ReadonlyMap<string, readonly string[]>;
}

const known = new WeakMap<WorkflowDefinition, Graph>();

/** The graph of a definition; definitions never change, so each is looked at once. */
export function graphOf(definition: WorkflowDefinition): Graph {
  let graph = known.get(definition);
  if (!graph) known.set(definition, (graph = buildGraph(definition)));
  return graph;
}

function buildGraph({ stages }: WorkflowDefinition): Graph {
  const followers = new Map<string, string[]>(stages.map((stage) => [stage.id, []]));
  for (const { id, needs } of stages) for (const need of needs) followers.get(need)?.push(id);
  return {
    byId: new Map(stages.map((stage) => [stage.id, stage])),
    position: new Map(stages.map((stage, index) => [stage.id, index])),
    followers,
  };
}

/** A stage and all that depend on it, in the order of the definition. */
export function listDependents(graph: Graph, start: string): string[] {
  const found = new Set([start]);
  for (const id of found) for (const follower of graph.followers.get(id) ?? []) found.add(follower);
  return [...found].sort((a, b) => (graph.position.get(a) ?? 0) - (graph.position.get(b) ?? 0));
}

/** All stages that a stage depends on, nearest first. */
export function listAncestors(graph: Graph, start: string): string[] {
  const found = new Set([start]);
  for (const id of found) for (const need of graph.byId.get(id)?.needs ?? []) found.add(need);
  found.delete(start);
  return [...found];
}
