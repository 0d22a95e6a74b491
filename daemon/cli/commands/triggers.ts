import type { Command } from 'commander';
import { uuidv7 } from 'uuidv7';
import type { Client } from '../../../shared/client/client.ts';
import type { TriggerView } from '../../../shared/protocol/views.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { pickOne, shortId } from '../ids.ts';
import { explainTrigger, renderTriggers } from '../render/triggers.ts';
import { chooseRepo, chooseWorkflow, parseInputs } from '../workflow-choice.ts';

interface AddOptions extends CommonOptions {
  repo?: string;
  into?: string;
  input: string[];
  bindings?: string;
}
interface GivenOptions extends CommonOptions {
  reason?: string;
  input?: string[];
}

const EXAMPLES = `
What a trusted repository has in .signalbox/workflows/ is registered by the trust; \`add\` registers any other workflow.

Examples:
  signalbox triggers
  signalbox triggers add ./nightly.yaml --into main
  signalbox triggers fire nightly.cron
  signalbox triggers pause nightly.cron --reason "the build machine moves"`;

/** `signalbox triggers`: what starts runs by itself. */
export function addTriggers(program: Command, context: Context): void {
  const triggers = program
    .command('triggers')
    .description('list what starts runs by itself: schedules, events, changed files, webhooks, sources; add, fire, pause and resume them')
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXAMPLES)
    .action((options: CommonOptions) => perform(context, options, () => withDaemon(context, (client) => list(context, client, options))));
  addAdd(triggers, context);
  addOnes(makeOne(triggers, context), context);
}

type Work = (client: Client, found: TriggerView, options: GivenOptions) => Promise<[object, string]>;
type One = ReturnType<typeof makeOne>;

function makeOne(triggers: Command, context: Context) {
  return (name: string, text: string, work: Work): Command =>
    triggers
      .command(name)
      .description(text)
      .argument('<trigger>', 'id of a trigger, or its beginning')
      .option('--json', 'print one JSON document')
      .action((given: string, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<GivenOptions>();
        return perform(context, options, () =>
          withDaemon(context, async (client) => {
            const [document, said] = await work(client, await find(client, given), options);
            if (options.json) printJson(context.terminal, document);
            else context.terminal.print(said);
            return EXIT.ok;
          }),
        );
      });
}

/** What is done with one trigger. */
function addOnes(one: One, { terminal }: Context): void {
  const reasoned = (name: string, text: string, work: Work) => one(name, text, work).option('--reason <text>', 'why, for the record');
  one('show', 'show one trigger', (_client, found) =>
    Promise.resolve([{ trigger: found }, explainTrigger(found, terminal.now()).join('\n')]),
  );
  one('fire', 'fire a trigger by hand', async (client, { id }, { input }) => {
    const fired = await client.call('trigger/fire', { trigger: id, id: uuidv7(), inputs: parseInputs(input ?? []) });
    const run = shortId(fired.run);
    const follows = fired.waits ? 'starts when those before it have ended' : `starts (signalbox runs show ${run})`;
    return [fired, `${id} fired: run ${run} ${follows}`];
  }).option('-i, --input <name=value>', 'what would come from outside; name:=json for numbers, true, false and lists', collect, []);
  reasoned('pause', 'start nothing for a trigger until it is resumed', async (client, { id }, { reason = '' }) => [
    await client.call('trigger/pause', { trigger: id, reason }),
    `${id} is paused; signalbox triggers resume ${id} lets it fire again`,
  ]);
  one('resume', 'let a paused trigger fire again', async (client, { id }) => [
    await client.call('trigger/resume', { trigger: id }),
    `${id} fires again`,
  ]);
  reasoned('remove', 'remove a trigger; the runs that it started go on', async (client, { id }, { reason = '' }) => [
    await client.call('trigger/remove', { trigger: id, reason }),
    `${id} is removed`,
  ]);
}

const collect = (pair: string, all: string[]): string[] => [...all, pair];

function addAdd(triggers: Command, context: Context): void {
  triggers
    .command('add')
    .description('register the triggers of a workflow as it is now')
    .argument('<workflow>', 'a path to a .yaml file, or a name')
    .option('-r, --repo <path>', 'the repository that its runs work on (default: the current folder)')
    .option('--into <branch>', 'merge results into this branch, after an approval')
    .option('-i, --input <name=value>', 'an input that the triggers do not give', collect, [])
    .option('-b, --bindings <file>', 'who the roles of the workflow file are, and what its checks do')
    .option('--json', 'print one JSON document')
    .action((given: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<AddOptions>();
      return perform(context, options, () => add(context, given, options));
    });
}

async function add(context: Context, given: string, options: AddOptions): Promise<ExitCode> {
  const { terminal } = context;
  const workflow = await chooseWorkflow(given, terminal.cwd, options.bindings);
  const repo = chooseRepo(options.repo, workflow, terminal.cwd);
  const where = { ...(repo === undefined ? {} : { repo }), ...(options.into === undefined ? {} : { into: options.into }) };
  const result = await withDaemon(context, (client) =>
    client.call('trigger/add', { workflow, inputs: parseInputs(options.input), ...where }),
  );
  if (options.json) printJson(terminal, result);
  else terminal.print(...renderTriggers(result.triggers, terminal.now(), terminal.tableLook()));
  return EXIT.ok;
}

async function list({ terminal }: Context, client: Client, options: CommonOptions): Promise<ExitCode> {
  const { triggers } = await client.call('trigger/list', {});
  if (options.json) printJson(terminal, { triggers });
  else if (triggers.length === 0)
    terminal.print(
      'There are no triggers. Write `triggers:` into a workflow, then trust its repository or run `signalbox triggers add FILE`.',
    );
  else terminal.print(...renderTriggers(triggers, terminal.now(), terminal.tableLook()));
  return EXIT.ok;
}

async function find(client: Client, given: string): Promise<TriggerView> {
  const { triggers } = await client.call('trigger/list', {});
  return pickOne(given, triggers, 'trigger', ({ repo }) => repo ?? 'no repository');
}
