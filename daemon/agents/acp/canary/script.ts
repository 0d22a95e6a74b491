/** What a scripted model does: steps, and the tool calls that they become with whatever tools an agent offers. Pure. */
import * as z from 'zod';

/** One turn of the model. */
export const Step = z.union([
  z.object({ op: z.literal('bash'), command: z.string() }),
  z.object({ op: z.literal('write'), path: z.string(), content: z.string() }),
  z.object({ op: z.literal('edit'), path: z.string(), old: z.string(), new: z.string() }),
  z.object({ op: z.literal('read'), path: z.string() }),
  z.object({ op: z.literal('fetch'), url: z.string() }),
  z.object({ op: z.literal('delegate'), prompt: z.string() }),
  z.object({ op: z.literal('todo'), items: z.array(z.string()) }),
  /** A tool by its name, or by the end of its name. */
  z.object({ op: z.literal('tool'), name: z.string(), args: z.record(z.string(), z.json()) }),
  z.object({ text: z.string() }),
  /** Talks for so many milliseconds. */
  z.object({ hang: z.number() }),
  /** Answers with an HTTP status. */
  z.object({ status: z.number() }),
]);
export type Step = z.infer<typeof Step>;
type Operation = Extract<Step, { op: string }>;

/** A tool as an agent offers it to its model; `custom` ones take a text instead of arguments. */
export interface Tool {
  name: string;
  namespace?: string;
  custom?: boolean;
  schema: { properties?: Record<string, { type?: unknown }>; required?: string[] };
}

/** A call of a tool as the model makes it. */
export interface Call {
  name: string;
  namespace?: string;
  custom?: boolean;
  args: Record<string, unknown>;
  input?: string;
}

/** Names under which agents offer the same thing, in the order of preference. */
const TOOLS: Record<Exclude<Operation['op'], 'tool'>, readonly string[]> = {
  bash: ['Bash', 'bash', 'run_shell_command', 'exec_command', 'shell_command', 'shell', 'local_shell', 'run_command', 'execute_command'],
  write: ['Write', 'write', 'write_file', 'create', 'write_to_file', 'apply_patch', 'edit_file'],
  edit: ['Edit', 'edit', 'replace', 'str_replace_editor', 'apply_patch'],
  read: ['Read', 'read', 'read_file', 'view', 'read_many_files'],
  fetch: ['WebFetch', 'webfetch', 'web_fetch', 'fetch'],
  delegate: ['Agent', 'Task', 'task', 'agent'],
  todo: ['TodoWrite', 'todowrite', 'write_todos', 'update_plan', 'update_todo', 'TaskCreate'],
};
const PATHS = ['file_path', 'filePath', 'path', 'absolute_path'];

/** The call that a step becomes; undefined when the agent offers no tool for it. */
export function resolveStep(step: Operation, tools: readonly Tool[]): Call | undefined {
  if (step.op === 'tool') {
    const tool = tools.find(({ name }) => name === step.name) ?? tools.find(({ name }) => name.endsWith(step.name));
    return tool && { name: tool.name, ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }), args: step.args };
  }
  const tool = TOOLS[step.op].map((name) => tools.find((each) => each.name === name)).find((each) => each !== undefined);
  if (!tool && step.op === 'read') return resolveStep({ op: 'bash', command: `cat ${step.path}` }, tools);
  if (!tool) return undefined;
  if (tool.name === 'apply_patch' && (step.op === 'write' || step.op === 'edit')) return callPatch(tool, step);
  return { name: tool.name, args: fillArguments(tool, argumentsOf(step, tool)) };
}

type Argument = [aliases: readonly string[], value: unknown];

function argumentsOf(step: Exclude<Operation, { op: 'tool' }>, tool: Tool): Argument[] {
  switch (step.op) {
    case 'bash':
      return [
        [['command', 'cmd', 'script'], step.command],
        [['description', 'explanation'], 'as the script says'],
        [['timeout', 'timeout_ms', 'yield_time_ms', 'initial_wait', 'timeoutMs'], 30_000],
        [['mode'], 'sync'],
      ];
    case 'write':
      return [
        [PATHS, step.path],
        [['content', 'file_text', 'text'], step.content],
        [['command'], 'create'],
      ];
    case 'edit':
      return [
        [PATHS, step.path],
        [['old_string', 'oldString', 'old_str'], step.old],
        [['new_string', 'newString', 'new_str'], step.new],
        [['instruction'], 'as the script says'],
      ];
    case 'read':
      return [[PATHS, step.path]];
    case 'fetch':
      return [
        [['url'], step.url],
        [['prompt'], `Read ${step.url}`],
        [['format'], 'text'],
      ];
    case 'delegate':
      return [
        [['prompt'], step.prompt],
        [['description'], 'as the script says'],
        [['subagent_type', 'agent_type', 'agent_name'], 'general-purpose'],
      ];
    case 'todo':
      return listTodos(step.items, tool);
    default:
      return step satisfies never;
  }
}

function listTodos(items: readonly string[], tool: Tool): Argument[] {
  const status = (i: number): string => (i === 0 ? 'in_progress' : 'pending');
  if (tool.name === 'update_plan') return [[['plan'], items.map((step, i) => ({ step, status: status(i) }))]];
  if (tool.name === 'TaskCreate') return [[['subject', 'description'], items[0]]];
  return [
    [
      ['todos'],
      items.map((content, i) => ({
        id: String(i),
        content,
        description: content,
        activeForm: content,
        priority: 'high',
        status: status(i),
      })),
    ],
  ];
}

function fillArguments(tool: Tool, wanted: readonly Argument[]): Record<string, unknown> {
  const properties = tool.schema.properties ?? {};
  const args: Record<string, unknown> = {};
  for (const [aliases, value] of wanted) {
    const name = aliases.find((alias) => alias in properties);
    if (name === undefined) continue;
    args[name] = properties[name]?.type === 'array' && typeof value === 'string' ? ['bash', '-lc', value] : value;
  }
  for (const name of tool.schema.required ?? []) args[name] ??= emptyValue(properties[name]?.type);
  return args;
}

function emptyValue(type: unknown): unknown {
  if (type === 'array') return [];
  if (type === 'boolean') return false;
  return type === 'number' || type === 'integer' ? 10_000 : 'none';
}

function callPatch(tool: Tool, step: Extract<Operation, { op: 'write' | 'edit' }>): Call {
  const body =
    step.op === 'write'
      ? [
          `*** Add File: ${step.path}`,
          ...step.content
            .replace(/\n$/, '')
            .split('\n')
            .map((line) => `+${line}`),
        ]
      : [`*** Update File: ${step.path}`, '@@', `-${step.old}`, `+${step.new}`];
  const patch = ['*** Begin Patch', ...body, '*** End Patch'].join('\n');
  if (tool.custom === true) return { name: tool.name, custom: true, args: {}, input: patch };
  const key = ['patchText', 'patch', 'input'].find((name) => name in (tool.schema.properties ?? {})) ?? 'input';
  return { name: tool.name, args: { [key]: patch } };
}

/** What somebody said in a conversation, as far as a script looks at it. */
export type Said = { kind: 'user'; text: string } | { kind: 'call' } | { kind: 'result'; text: string };

const MARK = /\[\[script:([A-Za-z0-9_-]+)\]\]/;

/** A script as it stands in a prompt; a text that holds nothing an agent could take for markup. */
export function markScript(steps: readonly Step[]): string {
  return `[[script:${Buffer.from(JSON.stringify(steps)).toString('base64url')}]]`;
}

/** The step that comes next: the script is in the last message of the user that has one, and each call so far was a step of it. */
export function nextStep(said: readonly Said[]): Step {
  let from = -1;
  let script: string | undefined;
  for (const [index, each] of said.entries()) {
    const match = each.kind === 'user' ? MARK.exec(each.text) : null;
    if (!match) continue;
    from = index;
    script = match[1];
  }
  if (script === undefined) return { text: 'There is no script.' };
  const steps = z
    .array(Step)
    .min(1)
    .safeParse(parse(Buffer.from(script, 'base64url').toString('utf8')));
  if (!steps.success) return { text: 'The script cannot be read.' };
  const done = said.slice(from + 1).filter(({ kind }) => kind === 'call').length;
  return steps.data[Math.min(done, steps.data.length - 1)] ?? { text: 'done' };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
