/** How each agent is found, started and kept within bounds: declarative, one entry per agent. Users add theirs in YAML. */
import * as z from 'zod';

/** A path in the agent's own HOME: relative, and inside. */
const HomePath = z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\0]{1,500}$/, 'a path inside of HOME, without `..`');
const VariableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'a name of an environment variable');

// What is known of an agent. `{home}`, `{worktree}` and `{model}` are replaced in `env` and `files`.
const SHAPE = {
  /** Id of the agent. */
  agent: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'lower-case letters, digits and dashes, beginning with a letter'),
  title: z.string().max(200),
  /** Program that speaks ACP, looked for on PATH. */
  program: z.string().min(1).max(500),
  args: z.array(z.string().max(2_000)).max(50).default([]),
  /** Where npx gets it when it is not on PATH: a package with an exact version. */
  package: z
    .string()
    .regex(
      /^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*@\d+\.\d+\.\d+[-.0-9A-Za-z]*$/,
      'a package with an exact version, such as `opencode-ai@1.18.33`',
    )
    .optional(),
  /** Set for the agent, whatever the person's environment says. */
  env: z.record(VariableName, z.string().max(20_000)).default({}),
  /** The person's own variables that it gets: keys, addresses. Nothing else of the environment is passed on. */
  pass: z.array(VariableName).max(50).default([]),
  /** Files written into its HOME before it starts, by path. */
  files: z.record(HomePath, z.string().max(100_000)).default({}),
  /** Files of the person's HOME that hold a login; its HOME gets links to those that exist. */
  login: z.array(HomePath).max(20).default([]),
  /** `_meta` of session/new. */
  session: z.record(z.string(), z.json()).default({}),
  /** Mode to be set after session/new: the one that asks most. */
  mode: z.string().max(100).optional(),
  /** Says that we write files for it (`fs/write_text_file`); only where it then honours a no. */
  writes: z.boolean().default(false),
  /** Names of its tools that only read. */
  reads: z.array(z.string().max(100)).max(100).default([]),
  model: z.string().max(200).optional(),
  /** Hosts of its models, which it reaches without a question; all others are put to the policy. */
  hosts: z
    .array(z.string().regex(/^[a-z0-9.-]{1,253}$/, 'a host name in lower case'))
    .max(50)
    .default([]),
  /** Absolute paths beside its program that it reads, for the sandbox: an interpreter, a script. */
  sees: z
    .array(z.string().regex(/^\/[^\0]{1,4000}$/, 'an absolute path'))
    .max(50)
    .default([]),
  /** Files and folders of the repository that it would obey or run by itself; in the sandbox they are empty for it, and it cannot change them. */
  covers: z.array(HomePath).max(20).default([]),
  /** False for an agent that does not start in a sandbox; its attempts are advisory, and say so. */
  sandbox: z.boolean().default(true),
  /** False for an agent that cannot bear MCP servers in its session; it then has no tools to call back with. */
  mcp: z.boolean().default(true),
  /** Has what its models use counted on the way: it asks them through the daemon, at `{meter}` in these variables. Only where a person says so. */
  meter: z
    .strictObject({
      to: z.string().regex(/^(https:\/\/[^\s/@?#]+|http:\/\/127\.0\.0\.1:\d{1,5})(\/[^\s?#]*)?$/, 'the https address of its models'),
      env: z.record(VariableName, z.string().max(20_000)),
    })
    .optional(),
  /** What is known to happen without a question, for a person to read. */
  uncovered: z.array(z.string().max(500)).max(20).default([]),
  /** How it is led to the scripted model of `agents canary`, whose address replaces `{stub}`; without it that cannot be done. */
  canary: z
    .strictObject({
      env: z.record(VariableName, z.string().max(20_000)).default({}),
      files: z.record(HomePath, z.string().max(100_000)).default({}),
    })
    .optional(),
  /** How long it may take from its start to the session, in seconds. */
  startSeconds: z.number().int().min(1).max(600).default(60),
};
/** What is known of an agent. */
export const Profile = z.strictObject(SHAPE);
export type Profile = z.infer<typeof Profile>;

const READS_NOT_ASKED = 'Reads of files are not asked about.';

/** The scripted model as a provider of opencode and of Codex. */
const OPENCODE_SCRIPTED = {
  autoupdate: false,
  share: 'disabled',
  model: 'canary/scripted',
  small_model: 'canary/scripted',
  provider: {
    canary: {
      npm: '@ai-sdk/openai-compatible',
      name: 'canary',
      options: { baseURL: '{stub}/v1', apiKey: 'canary' },
      models: { scripted: { name: 'scripted' } },
    },
  },
};
const CODEX_SCRIPTED = `model = "scripted"
model_provider = "canary"
[model_providers.canary]
name = "canary"
base_url = "{stub}/v1"
wire_api = "responses"
env_key = "CANARY_KEY"
`;

const SHIPPED: z.input<typeof Profile>[] = [
  {
    agent: 'claude-code',
    title: 'Claude Code',
    program: 'claude-agent-acp',
    package: '@agentclientprotocol/claude-agent-acp@0.100.0',
    env: {
      CLAUDE_CONFIG_DIR: '{home}/.claude',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    },
    pass: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_BASE_URL', 'ANTHROPIC_MODEL', 'CLAUDE_CODE_OAUTH_TOKEN'],
    login: ['.claude/.credentials.json'],
    // Without setting sources the repository's own .claude/settings.json neither runs hooks nor allows anything.
    session: { claudeCode: { options: { settingSources: [] } } },
    mode: 'default',
    reads: ['Read', 'Glob', 'Grep', 'LS', 'NotebookRead'],
    hosts: ['api.anthropic.com', 'console.anthropic.com', 'platform.claude.com'],
    canary: { env: { ANTHROPIC_BASE_URL: '{stub}', ANTHROPIC_API_KEY: 'canary' } },
    uncovered: [READS_NOT_ASKED],
  },
  {
    agent: 'opencode',
    title: 'opencode',
    program: 'opencode',
    args: ['acp'],
    package: 'opencode-ai@1.18.33',
    env: {
      // The repository's opencode.json could loosen permissions. Its plugins run all the same, as the canary shows, unless they are covered.
      OPENCODE_DISABLE_PROJECT_CONFIG: '1',
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_PERMISSION:
        '{"edit":"ask","bash":"ask","webfetch":"ask","external_directory":"ask","doom_loop":"ask","task":"ask","skill":"ask"}',
    },
    pass: ['OPENCODE_CONFIG_CONTENT', 'OPENCODE_API_KEY', 'ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY'],
    login: ['.local/share/opencode/auth.json'],
    reads: ['read', 'grep', 'glob', 'list'],
    hosts: ['api.anthropic.com', 'api.openai.com', 'generativelanguage.googleapis.com', 'openrouter.ai', 'opencode.ai', 'models.dev'],
    canary: { env: { OPENCODE_CONFIG_CONTENT: JSON.stringify(OPENCODE_SCRIPTED) } },
    covers: ['.opencode'],
    uncovered: [
      READS_NOT_ASKED,
      'It writes an approved file itself, whatever we answer to its own write.',
      'Without our sandbox, plugins in .opencode of the repository run without a question. Inside it sees no .opencode, and cannot change it.',
    ],
  },
  {
    agent: 'gemini',
    title: 'Gemini CLI',
    program: 'gemini',
    args: ['--acp'],
    package: '@google/gemini-cli@0.61.0',
    files: {
      '.gemini/settings.json':
        '{"security":{"auth":{"selectedType":"gemini-api-key"}},"privacy":{"usageStatisticsEnabled":false},"general":{"disableAutoUpdate":true}}',
    },
    pass: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GEMINI_BASE_URL', 'GOOGLE_CLOUD_PROJECT'],
    mode: 'default',
    writes: true,
    // It has no tools of MCP servers in a workspace that it does not trust, and one that it trusts may allow itself more.
    mcp: false,
    hosts: ['generativelanguage.googleapis.com'],
    canary: { env: { GOOGLE_GEMINI_BASE_URL: '{stub}', GEMINI_API_KEY: 'canary' } },
    uncovered: [
      READS_NOT_ASKED,
      'It cannot call back: it takes no MCP servers in a workspace that it does not trust.',
      'It does not say which command a shell request is about, other than in a title; so each is asked as unknown.',
    ],
  },
  {
    agent: 'codex',
    title: 'Codex',
    program: 'codex-acp',
    package: '@agentclientprotocol/codex-acp@2.6.0',
    env: { CODEX_HOME: '{home}/.codex' },
    files: { '.codex/config.toml': 'check_for_update_on_startup = false\n' },
    pass: ['OPENAI_API_KEY', 'CODEX_API_KEY', 'OPENAI_BASE_URL'],
    login: ['.codex/auth.json'],
    mode: 'read-only',
    hosts: ['api.openai.com', 'chatgpt.com', 'auth.openai.com'],
    canary: { env: { CANARY_KEY: 'canary' }, files: { '.codex/config.toml': CODEX_SCRIPTED } },
    covers: ['.codex'],
    uncovered: [
      READS_NOT_ASKED,
      'Without our sandbox, commands that its own read-only one allows run without a question. Inside of ours its own cannot start: each command fails first, and is asked about when it wants to leave its sandbox.',
      'Without our sandbox, MCP servers that the .codex/config.toml of the repository names are started without a question. Inside it sees no .codex of the repository, and cannot change it.',
    ],
  },
  {
    agent: 'copilot',
    title: 'GitHub Copilot CLI',
    program: 'copilot',
    args: ['--acp', '--stdio'],
    package: '@github/copilot@1.0.102',
    pass: [
      'GH_TOKEN',
      'GITHUB_TOKEN',
      'COPILOT_OFFLINE',
      'COPILOT_PROVIDER_BASE_URL',
      'COPILOT_PROVIDER_API_KEY',
      'COPILOT_PROVIDER_TYPE',
      'COPILOT_MODEL',
    ],
    login: ['.copilot/config.json'],
    reads: ['view', 'grep', 'glob'],
    hosts: [
      'api.github.com',
      'api.githubcopilot.com',
      'api.individual.githubcopilot.com',
      'api.business.githubcopilot.com',
      'api.enterprise.githubcopilot.com',
    ],
    canary: {
      env: {
        COPILOT_OFFLINE: 'true',
        COPILOT_PROVIDER_BASE_URL: '{stub}/v1',
        COPILOT_PROVIDER_TYPE: 'openai',
        COPILOT_PROVIDER_API_KEY: 'canary',
        COPILOT_MODEL: 'scripted',
      },
    },
    uncovered: [
      READS_NOT_ASKED,
      'Without our sandbox, hooks in .github/hooks of the repository run without a question. Inside it sees none of them, and cannot change them.',
    ],
    covers: ['.github/hooks'],
  },
  {
    agent: 'qwen',
    title: 'Qwen Code',
    program: 'qwen',
    args: ['--acp'],
    package: '@qwen-code/qwen-code@0.15.10',
    pass: ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_MODEL', 'DASHSCOPE_API_KEY'],
    login: ['.qwen/oauth_creds.json'],
    mode: 'default',
    hosts: ['chat.qwen.ai', 'dashscope.aliyuncs.com', 'dashscope-intl.aliyuncs.com', 'portal.qwen.ai'],
    canary: { env: { OPENAI_BASE_URL: '{stub}/v1', OPENAI_API_KEY: 'canary', OPENAI_MODEL: 'scripted' } },
    covers: ['.qwen'],
    uncovered: [
      READS_NOT_ASKED,
      'It does not say which tool of an MCP server it asks about; so each is asked as unknown.',
      'Without our sandbox, MCP servers that the .qwen/settings.json of the repository names are started without a question. Inside it sees no .qwen of the repository, and cannot change it.',
    ],
  },
];

/** The profiles that come with Signalbox, by agent. */
export const PROFILES: ReadonlyMap<string, Profile> = new Map(SHIPPED.map((shape) => [shape.agent, Profile.parse(shape)]));

/** Fills the places in a profile's text; anything else in braces stays as it is. */
export function fillIn(text: string, values: { home: string; worktree: string; model: string }): string {
  return text.replace(/\{(home|worktree|model)\}/g, (_whole, name: 'home' | 'worktree' | 'model') => values[name]);
}
