/**
 * The tools with which an agent calls back while it works: the one declaration of their names and inputs, for the MCP server,
 * for workers, and for whoever answers them.
 *
 * 1. Every input is strict and bounded. What changes something carries an id that the agent makes, or changes nothing when said again.
 */
import * as z from 'zod';

/** Name of the MCP server that offers them, and of the `server` in the actions that the policy decides. */
export const MCP_SERVER = 'signalbox';

/** How often an agent's own tasks may submit tasks in turn, and how many one attempt's task and one run may have. */
export const CHILD_BOUNDS = { depth: 2, perTask: 10, perRun: 50 } as const;

/** Characters of one artifact that come in one piece. */
export const ARTIFACT_PIECE = 24_000;

const CallId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/, 'letters, digits, dashes and underscores, 40 at most')
  .describe('Your own id of this call. The same id again asks how it stands and does nothing twice.');
const ValueName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'a name of letters, digits and underscores, 64 at most');
const Scalar = z.union([z.number(), z.boolean(), z.string().max(2_000)]);
const MAX_VALUES = 50;
const few = (values: object): boolean => Object.keys(values).length <= MAX_VALUES;

/** What each tool takes. */
export const TOOL_INPUTS = {
  report_progress: z.strictObject({
    text: z.string().trim().min(1).max(500).describe('What you are doing, in one line for a person.'),
    percent: z.number().min(0).max(100).optional(),
  }),
  report_metrics: z.strictObject({
    values: z
      .record(ValueName, Scalar)
      .refine(few, `at most ${MAX_VALUES} values`)
      .describe(
        'Measured values by name, such as {"coverage": 83}. Gates of the stage look at them. A later value replaces an earlier one.',
      ),
  }),
  hand_off: z.strictObject({
    context: z
      .record(ValueName, z.union([Scalar, z.array(z.string().max(500)).max(100)]))
      .refine(few, `at most ${MAX_VALUES} values`)
      .default({})
      .describe('Values that the next stage has to know, by name.'),
    artifacts: z
      .array(z.strictObject({ name: z.string().min(1).max(200), content: z.string().max(262_144) }))
      .max(20)
      .default([])
      .describe('Outputs of your stage as texts. Files that you leave in the worktree under their names need not be handed over here.'),
  }),
  request_approval: z.strictObject({
    id: CallId,
    question: z.string().trim().min(1).max(500).describe('What you want to do, so that a person can say yes or no.'),
    details: z.string().max(16_384).default('').describe('What the person should look at before answering.'),
  }),
  submit_task: z.strictObject({
    id: CallId,
    agent: z.string().min(1).max(100).describe('Id of the agent that is to do it.'),
    prompt: z.string().trim().min(1).max(7_000),
    timeout_seconds: z.int().min(10).max(86_400).optional(),
  }),
  read_artifact: z.strictObject({
    name: z.string().min(1).max(200).optional().describe('Leave it out to list the artifacts of the run.'),
    offset: z.int().min(0).default(0).describe('Character to begin at, for the rest of a long one.'),
  }),
} as const;

export type AgentTool = keyof typeof TOOL_INPUTS;

/** What each tool is for, as agents read it. */
export const TOOL_TEXTS: Readonly<Record<AgentTool, { title: string; description: string }>> = {
  report_progress: { title: 'Report progress', description: 'Says in one line what you are doing, for whoever watches.' },
  report_metrics: {
    title: 'Report metrics',
    description: 'Reports values that you measured (coverage, failing tests, ...). The gates of your stage decide by them.',
  },
  hand_off: {
    title: 'Hand off',
    description: 'Hands outputs and context to the next stage. The answer says what the handoff still lacks.',
  },
  request_approval: {
    title: 'Request approval',
    description: 'Asks a person for a yes or no. While the answer is `pending`, go on with other work and call again with the same id.',
  },
  submit_task: {
    title: 'Submit a task',
    description:
      'Gives a task to another agent, as a part of your own. Call again with the same id to hear how it stands; when it is done, its result and the artifact with its diff are named.',
  },
  read_artifact: {
    title: 'Read an artifact',
    description: 'Reads what stages of this run made, or lists it.',
  },
};

/** One call, as it is answered. */
export const AgentCall = z.discriminatedUnion('tool', [
  z.strictObject({ tool: z.literal('report_progress'), input: TOOL_INPUTS.report_progress }),
  z.strictObject({ tool: z.literal('report_metrics'), input: TOOL_INPUTS.report_metrics }),
  z.strictObject({ tool: z.literal('hand_off'), input: TOOL_INPUTS.hand_off }),
  z.strictObject({ tool: z.literal('request_approval'), input: TOOL_INPUTS.request_approval }),
  z.strictObject({ tool: z.literal('submit_task'), input: TOOL_INPUTS.submit_task }),
  z.strictObject({ tool: z.literal('read_artifact'), input: TOOL_INPUTS.read_artifact }),
]);
export type AgentCall = z.infer<typeof AgentCall>;

/** The answer: a short text for the model, and the same as data. One that is not ok says what to do otherwise. */
export interface CallAnswer {
  ok: boolean;
  text: string;
  data: Record<string, unknown>;
}
