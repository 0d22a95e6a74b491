// The graph of a definition, worked out once for each.
import type { StageDefinition, WorkflowDefinition } from '../../shared/state/workflow.ts';

export interface Graph {
  byId: ReadonlyMap<string, StageDefinition>;
  /** Place of each stage in the definition, from 0. */
  position: ReadonlyMap<string, number>;
  /** Number of each stage that no list made, from 0: ids of tasks are made of it, so it never changes. */
  number: ReadonlyMap<string, number>;
  /** The stages of the items of a stage. */
  instances: ReadonlyMap<string, StageDefinition[]>;
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
  const instances = new Map<string, StageDefinition[]>();
  for (const stage of stages) {
    if (!stage.instance) continue;
    const { of } = stage.instance;
    followers.get(stage.id)?.push(of);
    const known = instances.get(of);
    if (known) known.push(stage);
    else instances.set(of, [stage]);
  }
  const numbered = stages.filter(({ instance }) => !instance);
  return {
    byId: new Map(stages.map((stage) => [stage.id, stage])),
    position: new Map(stages.map((stage, index) => [stage.id, index])),
    number: new Map(numbered.map((stage, index) => [stage.id, index])),
    instances,
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

/** The length of the longest way to each stage. */
export function depthsOf({ stages }: WorkflowDefinition): Map<string, number> {
  const depths = new Map<string, number>();
  const byId = new Map(stages.map((stage) => [stage.id, stage]));
  const open = stages.map(({ id }) => id);
  for (let id = open.at(-1); id !== undefined; id = open.at(-1)) {
    const needs = byId.get(id)?.needs ?? [];
    const missing = needs.filter((need) => !depths.has(need));
    if (missing.length > 0 && !depths.has(id)) open.push(...missing);
    else {
      open.pop();
      depths.set(id, Math.max(-1, ...needs.map((need) => depths.get(need) ?? 0)) + 1);
    }
  }
  return depths;
}
