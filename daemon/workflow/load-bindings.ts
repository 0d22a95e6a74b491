// What is said about a workflow outside of its file: who its roles are, what its checks do, and what hands over to whom.
import * as z from 'zod';
import {
  listShapeProblems,
  type Problem,
  problemAt,
  readSource,
  type Source,
  type SourcePath,
  strictShape,
} from '../../shared/yaml/source.ts';
import { SourceShape } from './load-source.ts';
import { AgentChoice, AgentId, Argv, CriterionShape, Duration, OnFailureShape, RetryShape } from './load-parts.ts';
import { HandoffShape } from './load-shape.ts';

const Name = z.string().min(1).max(100);
const Names = z.array(Name).min(1).max(20);

/** Who does what a role, or an action, stands for. */
export interface Worker {
  agent?: string | undefined;
  role?: string | undefined;
  capabilities?: string[] | undefined;
  tags?: string[] | undefined;
  command?: string[] | undefined;
  timeout?: number | undefined;
}
const WorkerShape = z.union([
  AgentId.transform((agent) => ({ agent })),
  strictShape({
    agent: AgentId.optional(),
    role: Name.optional(),
    capabilities: Names.optional(),
    tags: Names.optional(),
    command: Argv.optional(),
    timeout: Duration.optional(),
  }),
]);

/** Where an input comes from that no stage makes. */
const Given = z.union([
  strictShape({ repository: z.string().min(1).max(1_000) }),
  strictShape({ list: z.string().min(1).max(200), where: z.record(Name, z.union([z.string(), z.number(), z.boolean()])).default({}) }),
]);

const Change = strictShape({
  on_failure: OnFailureShape.optional(),
  retry: RetryShape.optional(),
  sla: Duration.optional(),
  timeout: Duration.optional(),
  prompt: z.string().min(1).max(32_768).optional(),
  gate: z.array(CriterionShape).min(1).max(100).optional(),
  agent: AgentChoice.optional(),
  next_by: Name.optional(),
});

const BindingsShape = strictShape({
  bindings: Name,
  agents: z.record(Name, WorkerShape).default({}),
  actions: z.record(Name, WorkerShape).default({}),
  checks: z.record(Name, CriterionShape).default({}),
  inputs: z.record(z.string().min(1).max(200), Given).default({}),
  principals: z.record(Name, z.array(Name).max(50)).default({}),
  /** What the sources are that workflows name as their trigger. */
  sources: z.record(Name, strictShape({ source: SourceShape, inputs: z.record(Name, z.json()).default({}) })).default({}),
  context: z.record(Name, z.enum(['string', 'number', 'boolean', 'list'])).default({}),
  on_failure: OnFailureShape.optional(),
  change: z.record(Name, Change).default({}),
  handoffs: z.array(z.string().min(1).max(1_000)).max(100).default([]),
  stages: z.array(z.unknown()).max(1_000).default([]),
});
export type Bindings = z.infer<typeof BindingsShape>;

/** A handoff with the place where it stands. */
export interface PlacedHandoff {
  shape: HandoffShape;
  source: Source;
  path: SourcePath;
}

export interface Parts {
  bindings: { shape: Bindings; source: Source } | undefined;
  handoffs: PlacedHandoff[];
  problems: Problem[];
}

/** Reads what stands beside a workflow file: at most one file of bindings, and any number of handoffs. */
export function readParts(files: readonly { text: string; file: string }[]): Parts {
  const parts: Parts = { bindings: undefined, handoffs: [], problems: [] };
  for (const file of files) readPart(file, parts);
  return parts;
}

function readPart(file: { text: string; file: string }, parts: Parts): void {
  const { source, problems } = readSource(file);
  parts.problems.push(...problems);
  if (!source) return;
  const keys = typeof source.data === 'object' && source.data !== null ? Object.keys(source.data) : [];
  if (keys.includes('handoff')) {
    const read = z.strictObject({ handoff: HandoffShape }).safeParse(source.data);
    if (read.success) parts.handoffs.push({ shape: read.data.handoff, source, path: ['handoff'] });
    else parts.problems.push(...listShapeProblems(source, read.error));
    return;
  }
  const read = BindingsShape.safeParse(source.data);
  if (!read.success) parts.problems.push(...listShapeProblems(source, read.error));
  else if (parts.bindings) {
    const message = `${parts.bindings.source.file} has bindings already; a workflow is read with one file of them.`;
    parts.problems.push(problemAt(source, ['bindings'], { code: 'second-bindings', message }));
  } else parts.bindings = { shape: read.data, source };
}

/** The handoff files that a file of bindings names, relative to it; none when it is no such file. */
export function listHandoffFiles(text: string): string[] {
  const read = z
    .object({ bindings: Name, handoffs: z.array(z.string()).default([]) })
    .safeParse(readSource({ text, file: '' }).source?.data);
  return read.success ? read.data.handoffs : [];
}
