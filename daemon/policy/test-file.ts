// Tests of policies: actions as somebody writes them by hand, and what is to be decided about each.
import * as z from 'zod';
import { type Action, Effect } from '../../shared/state/action.ts';
import {
  listShapeProblems,
  type Problem,
  problemAt,
  readSource,
  type Source,
  sortProblems,
  strictShape,
} from '../../shared/yaml/source.ts';
import type { DecisionContext } from '../../shared/state/decision-context.ts';
import { completeAction, completeContext, resolveLexically } from './action-input.ts';

const MAX_TESTS = 2_000;
const MAX_LINES = 200;
const Line = z
  .string()
  .min(1, 'write a command line')
  .max(64 * 1024);

const FileShape = strictShape({
  /** Beside the test file; without it the file of the same name. */
  policies: z.array(z.string().min(1).max(200)).min(1).max(50).optional(),
  /** Folder that relative paths lie in; it need not exist. */
  root: z.string().startsWith('/', 'write an absolute path').default('/repo'),
  /** Fields that every action of the file gets. */
  given: z.record(z.string(), z.unknown()).default({}),
  tests: z.array(z.unknown()).max(MAX_TESTS, `a file has at most ${MAX_TESTS} tests`),
});

const TestShape = strictShape({
  name: z.string().max(500).optional(),
  line: Line.optional(),
  lines: z.array(Line).min(1).max(MAX_LINES).optional(),
  action: z.record(z.string(), z.unknown()).optional(),
  actions: z.array(z.record(z.string(), z.unknown())).min(1).max(MAX_LINES).optional(),
  expect: z.enum(Effect.options, { error: `write ${Effect.options.map((effect) => `\`${effect}\``).join(', ')}` }),
  /** How things stand, where that is not idle: `{ running: { overall: 9 } }`. */
  context: z.unknown().optional(),
  /** A rule that has to be among those that decide. */
  rule: z.string().max(64).optional(),
});

/** One action and what is expected of it. */
export interface PolicyTest {
  name: string;
  action: Action;
  context: DecisionContext;
  expect: Effect;
  rule?: string;
  /** Where it stands, from 1. */
  line: number;
  column: number;
}

/** The tests of one file, or at least one problem. */
export type ReadTests = { ok: true; policies?: string[]; tests: PolicyTest[] } | { ok: false; problems: Problem[] };

/** Reads a file of tests. */
export function readTests(input: { file: string; text: string }): ReadTests {
  const { source, problems } = readSource(input);
  if (source === undefined) return { ok: false, problems };
  const file = FileShape.safeParse(source.data);
  if (!file.success) return { ok: false, problems: sortProblems([...problems, ...listShapeProblems(source, file.error)]) };
  const { root, given, policies } = file.data;
  const tests = file.data.tests.flatMap((raw, index) => readTest(source, raw, { index, root, given, problems }));
  if (problems.length > 0) return { ok: false, problems: sortProblems(problems) };
  return { ok: true, tests, ...(policies === undefined ? {} : { policies }) };
}

interface Around {
  index: number;
  root: string;
  given: Record<string, unknown>;
  problems: Problem[];
}

/** One test for each of its lines and actions. */
function readTest(source: Source, raw: unknown, { index, root, given, problems }: Around): PolicyTest[] {
  const path = ['tests', index];
  const test = TestShape.safeParse(raw);
  if (!test.success) {
    problems.push(...listShapeProblems(source, test.error, path));
    return [];
  }
  const { name, line, lines, action, actions, expect, rule } = test.data;
  const wanted = [
    ...(line === undefined ? [] : [{ at: ['line'], input: { kind: 'agent.execute', line } }]),
    ...(lines ?? []).map((each, i) => ({ at: ['lines', i], input: { kind: 'agent.execute', line: each } })),
    ...(action === undefined ? [] : [{ at: ['action'], input: action }]),
    ...(actions ?? []).map((each, i) => ({ at: ['actions', i], input: each })),
  ];
  if (wanted.length === 0)
    problems.push(problemAt(source, path, { code: 'no-action', message: 'Say what is decided: `line`, `lines`, `action` or `actions`.' }));
  const standing = completeContext(test.data.context);
  if (!standing.ok) {
    problems.push(...listShapeProblems(source, standing.error, [...path, 'context']));
    return [];
  }
  return wanted.flatMap(({ at, input }) => {
    const completed = completeAction({ ...given, ...input }, resolveLexically(root));
    if (!completed.ok) {
      problems.push(...listShapeProblems(source, completed.error, [...path, ...at]));
      return [];
    }
    const place = problemAt(source, [...path, ...at], { code: 'place', message: '' });
    return [
      {
        name: name ?? '',
        action: completed.action,
        context: standing.context,
        expect,
        line: place.line,
        column: place.column,
        ...(rule === undefined ? {} : { rule }),
      },
    ];
  });
}
