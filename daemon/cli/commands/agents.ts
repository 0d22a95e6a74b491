import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Client } from '../../../shared/client/client.ts';
import type { AgentCheck, AgentFound } from '../../../shared/protocol/views.ts';
import type { Agent } from '../../../shared/state/agent.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { CliFailure, EXIT, type ExitCode } from '../failure.ts';
import { listOpenBreakers, sayBreaker } from '../render/breaker.ts';
import type { Paint } from '../render/paint.ts';
import { renderStatus } from '../render/run.ts';
import { type Column, renderTable } from '../render/table.ts';
import { cleanLine, wrapText } from '../render/text.ts';
import { formatAgo } from '../render/time.ts';
import { tryCanary } from '../canary.ts';

/** How long the daemon may take to start an agent. */
const EXAMINE_MS = 180_000;

interface AddOptions extends CommonOptions {
  yes?: boolean;
  install?: boolean;
}

const EXAMPLES = `
Examples:
  signalbox agents                          those that work can be given to
  signalbox agents detect                   the coding agents that Signalbox knows, and where they are
  signalbox agents add claude-code          registers one; --install fetches the version that was tried
  signalbox agents doctor claude-code       starts it, and says what is covered
  signalbox agents canary claude-code       leads it through decoys, and says what it asked about`;

/** `signalbox agents`: lists the registered agents; finds, adds and examines coding agents. */
export function addAgents(program: Command, context: Context): void {
  const agents = program
    .command('agents')
    .description('list the agents that work can be given to; find, add and examine coding agents')
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXAMPLES)
    .action((options: CommonOptions) => perform(context, options, () => withDaemon(context, (client) => list(context, client, options))));
  const sub = (name: string, text: string) => agents.command(name).description(text).option('--json', 'print one JSON document');
  const act = (work: (client: Client, name: string, options: AddOptions) => Promise<ExitCode>) => {
    return (given: string, _options: AddOptions, command: Command) => {
      const options = command.optsWithGlobals<AddOptions>();
      return perform(context, options, () => withDaemon(context, (client) => work(client, given, options)));
    };
  };
  sub('detect', 'show the coding agents that Signalbox knows, and where they are on this machine').action((_options, command: Command) => {
    const options = command.optsWithGlobals<CommonOptions>();
    return perform(context, options, () => withDaemon(context, (client) => detect(context, client, options)));
  });
  sub('add', 'register a coding agent, so that tasks and workflows can name it')
    .argument('<agent>', 'one of those that `agents detect` shows')
    .option('-y, --yes', 'do not ask')
    .option('--install', 'install its package, at the version that was tried, for Signalbox only')
    .action(act((client, name, options) => add(context, client, { name, options })));
  sub('remove', 'give no more work to a coding agent')
    .argument('<agent>', 'a registered coding agent')
    .action(act((client, name, options) => remove(context, client, { name, options })));
  sub('reset', 'give work again to an agent that rests because it failed too often')
    .argument('<agent>', 'a registered agent')
    .action(act((client, name, options) => reset(context, client, { name, options })));
  sub('doctor', 'start a coding agent in an empty folder, and say what is covered')
    .argument('<agent>', 'one of those that `agents detect` shows')
    .action(act((client, name, options) => examine(context, client, { name, options })));
  sub('canary', 'lead a coding agent through decoys with a scripted model, and say what it asked about')
    .argument('<agent>', 'one of those that `agents detect` shows')
    .action(act(async (client, name, options) => tryCanary(context, client, await findAgent(client, name), options)));
}

interface Named {
  name: string;
  options: AddOptions;
}

async function reset({ terminal }: Context, client: Client, { name, options }: Named): Promise<ExitCode> {
  const result = await client.call('agent/reset', { agent: name });
  if (options.json) printJson(terminal, result);
  else
    terminal.print(result.existing ? `The breaker of ${name} is closed already.` : `The breaker of ${name} is closed; it gets work again.`);
  return EXIT.ok;
}

async function list({ terminal }: Context, client: Client, options: CommonOptions): Promise<ExitCode> {
  const { agents } = await client.call('agent/list', {});
  const look = terminal.tableLook();
  if (options.json) printJson(terminal, { agents });
  else
    terminal.print(
      ...renderTable(columns(terminal.now(), look.paint), agents, look),
      ...explainAdvisory(agents, look.paint),
      ...listOpenBreakers(agents, terminal.now()).map((line) => look.paint.yellow(line)),
    );
  return EXIT.ok;
}

/** Why some agents' programs run without a sandbox, each reason once. */
function explainAdvisory(agents: readonly Agent[], paint: Paint): string[] {
  const advisory = agents.flatMap(({ enforcement }) => (enforcement?.level === 'advisory' ? [enforcement.why] : []));
  return [...new Set(advisory)].map((why) => paint.yellow(`advisory: their programs run with all rights of your account. ${why}`));
}

function columns(now: number, paint: Paint): Column<Agent>[] {
  return [
    { title: 'AGENT', text: (agent) => agent.id, style: (text) => paint.cyan(text), flex: 'end', min: 8 },
    { title: 'ROLE', text: (agent) => agent.role || '-', flex: 'end', min: 6 },
    { title: 'ADAPTER', text: (agent) => agent.adapter },
    {
      title: 'STATUS',
      text: (agent) => agent.status,
      style: (text, agent) => renderStatus(agent.status, paint).replace(agent.status, text),
    },
    { title: 'SLOTS', text: (agent) => `${agent.used}/${agent.slots}`, align: 'right' },
    {
      title: 'SANDBOX',
      text: (agent) => agent.enforcement?.level ?? '-',
      style: (text, agent) => (agent.enforcement?.level === 'advisory' ? paint.yellow(text) : text),
    },
    {
      title: 'BREAKER',
      text: (agent) => sayBreaker(agent, now),
      style: (text, agent) => (agent.breaker && agent.breaker.state !== 'closed' ? paint.yellow(text) : text),
    },
    { title: 'SINCE', text: (agent) => formatAgo(agent.since, now) },
    { title: 'REASON', text: (agent) => agent.reason, flex: 'end', min: 6 },
  ];
}

const PLACES: Record<AgentFound['from'], string> = {
  path: 'on PATH',
  installed: 'installed for Signalbox',
  npx: 'fetched when needed',
  missing: 'not found',
};

async function detect({ terminal }: Context, client: Client, options: CommonOptions): Promise<ExitCode> {
  const { agents } = await client.call('agent/detect', {});
  if (options.json) {
    printJson(terminal, { agents });
    return EXIT.ok;
  }
  const look = terminal.tableLook();
  const { paint } = look;
  const found: Column<AgentFound>[] = [
    { title: 'AGENT', text: (agent) => agent.agent, style: (text) => paint.cyan(text) },
    { title: 'NAME', text: (agent) => agent.title, flex: 'end', min: 8 },
    {
      title: 'PROGRAM',
      text: (agent) => PLACES[agent.from],
      style: (text, agent) => (agent.from === 'missing' ? paint.dim(text) : agent.from === 'npx' ? paint.yellow(text) : paint.green(text)),
    },
    { title: 'CANARY', text: (agent) => (agent.canary ? describeProof(agent) : 'unproven'), flex: 'end', min: 8 },
    { title: 'REGISTERED', text: (agent) => (agent.registered ? 'yes' : 'no') },
    { title: 'PACKAGE', text: (agent) => agent.package ?? '-', flex: 'end', min: 10 },
  ];
  terminal.print(
    ...renderTable(found, agents, look),
    '',
    'To use one: signalbox agents add NAME   To try it: signalbox agents doctor NAME',
  );
  return EXIT.ok;
}

/** What is known of an agent; throws a failure that names those there are. */
export async function findAgent(client: Client, name: string): Promise<AgentFound> {
  const { agents } = await client.call('agent/detect', {});
  const known = agents.find(({ agent }) => agent === name);
  if (known) return known;
  throw new CliFailure(`Signalbox knows no coding agent ${name}.`, {
    code: 'not_found',
    hint: `It knows ${agents.map(({ agent }) => agent).join(', ')}. Others are added with a profile in the configuration folder's agents/.`,
  });
}

async function add(context: Context, client: Client, { name, options }: Named): Promise<ExitCode> {
  const { terminal } = context;
  let agent = await findAgent(client, name);
  if (options.install) {
    await install(context, agent);
    agent = await findAgent(client, name);
  }
  if (agent.from === 'missing')
    throw new CliFailure(`${agent.title} (${agent.program}) is not on this machine.`, {
      code: 'agent_missing',
      hint:
        agent.package === undefined
          ? 'Install it, then try again.'
          : `Install it, or let Signalbox do it: signalbox agents add ${name} --install`,
    });
  terminal.note(`${agent.title} is started as: ${cleanLine(agent.argv.join(' '))}`, ...describeUncovered(agent, terminal.width()));
  const agreed = agent.registered || options.yes || (!options.json && (await terminal.confirm(`Register ${agent.title}?`)));
  if (!agreed) {
    if (terminal.interactive && !options.json) return EXIT.denied;
    throw new CliFailure('Nobody is there to ask, so nothing was registered.', {
      code: 'not_confirmed',
      exit: EXIT.usage,
      hint: 'Run it again with --yes.',
    });
  }
  const result = await client.call('agent/add', { agent: name });
  if (options.json) printJson(terminal, result);
  else
    terminal.print(
      result.existing
        ? `${agent.title} is registered already.`
        : `${agent.title} is registered. To use it: signalbox task "..." --agent ${name}`,
    );
  return EXIT.ok;
}

async function install({ terminal }: Context, agent: AgentFound): Promise<void> {
  const { folder, package: name } = agent;
  if (folder === undefined || name === undefined)
    throw new CliFailure(`The profile of ${agent.title} names no package.`, { code: 'agent_missing', hint: 'Install it yourself.' });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  terminal.note(`Installing ${name} into ${folder} ...`);
  const argv = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', name];
  const child = spawn(process.platform === 'win32' ? 'npm.cmd' : 'npm', argv, { stdio: ['ignore', 2, 2] });
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    child.once('exit', (status, signal) => resolve(status ?? signal ?? 1));
  });
  if (code !== 0)
    throw new CliFailure(`npm could not install ${name} (${code}).`, { code: 'install_failed', hint: 'What npm said above says why.' });
}

async function remove({ terminal }: Context, client: Client, { name, options }: Named): Promise<ExitCode> {
  const result = await client.call('agent/remove', { agent: name });
  if (options.json) printJson(terminal, result);
  else terminal.print(result.existing ? `${name} was removed before.` : `${name} gets no more work.`);
  return EXIT.ok;
}

async function examine({ terminal }: Context, client: Client, { name, options }: Named): Promise<ExitCode> {
  const known = await findAgent(client, name);
  if (known.from === 'npx') terminal.note(`${known.title} is fetched by npx, which may take a while.`);
  const { check } = await client.call('agent/examine', { agent: name }, { timeoutMs: EXAMINE_MS });
  if (options.json) printJson(terminal, { check });
  else terminal.print(...describeCheck(check, terminal.width(), terminal.paint));
  return check.starts ? EXIT.ok : EXIT.failure;
}

function describeCheck(check: AgentCheck, width: number, paint: Paint): string[] {
  const row = (name: string, text: string): string[] => (text === '' ? [] : [`  ${paint.dim(name.padEnd(10))} ${cleanLine(text)}`]);
  return [
    `${paint.bold(check.title)} ${check.starts ? paint.green('starts') : paint.red('does not start')}`,
    ...row('problem', check.problem),
    ...row('program', check.from === 'missing' ? `${check.program} was not found` : `${check.argv.join(' ')} (${PLACES[check.from]})`),
    ...row('version', check.version),
    ...row('login', check.starts ? check.login || 'it does not say' : check.login),
    ...row('sessions', check.starts ? (check.resumes ? 'can be taken up again' : 'cannot be taken up again') : ''),
    ...row('sandbox', check.enforcement.level === 'enforced' ? 'yes' : `no: ${check.enforcement.why}`),
    ...row('canary', describeProof(check)),
    ...row('registered', check.registered ? 'yes' : `no: signalbox agents add ${check.agent}`),
    ...describeUncovered(check, width),
  ];
}

/** What the canary saw, and of which version; a version that it did not run is unproven. */
function describeProof({ canary, agent, version }: AgentFound & { version?: string }): string {
  if (!canary || (version !== undefined && version !== '' && version !== canary.version))
    return `unproven: signalbox agents canary ${agent}`;
  const unseen = canary.rows.filter(({ result }) => result === 'unseen').length;
  return `${canary.version}: ${unseen === 0 ? 'nothing unseen' : `${unseen} unseen`}`;
}

/** What the policy is not asked about, as far as it is known. */
function describeUncovered({ uncovered }: AgentFound, width: number): string[] {
  if (uncovered.length === 0) return [];
  return ['Not covered by questions:', ...uncovered.flatMap((text) => wrapText(`- ${cleanLine(text)}`, width).map((line) => `  ${line}`))];
}
