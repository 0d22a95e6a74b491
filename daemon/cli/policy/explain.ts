import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Action, ActionPath, Decision } from '../../../shared/state/action.ts';
import { listShapeProblems, readSource } from '../../../shared/yaml/source.ts';
import { type CompletedAction, completeAction, IDLE, resolveLexically, type ResolvePath } from '../../policy/action-input.ts';
import { type Explanation, explainAction } from '../../policy/explain.ts';
import { findHome } from '../connect/endpoint.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, usageFailure } from '../failure.ts';
import { describeProblem } from './check.ts';
import { findDecisions, readRecordedAction } from './record.ts';
import { renderExplanation } from './render-explanation.ts';
import { type InForce, loadOrFail, readInForce } from './sources.ts';

interface ExplainOptions extends CommonOptions {
  action?: string;
  event?: string;
}

const HELP = `
A line in quotes is read as a shell would read it; several words are one command with its arguments.
FILE holds an action as JSON or YAML, such as { "kind": "agent.fetch", "urls": ["https://example.org"] }; what it leaves
out gets a neutral value. ID is the number of a policy.decided event.

Examples:
  signalbox policy explain "cd x && git push | tee log"
  signalbox policy explain -- git -C x push
  signalbox policy explain --action merge.json
  signalbox policy explain --event 4711

Exit codes: 0 explained, 1 failed, 2 wrong use.`;

/** `signalbox policy explain`: what is decided about an action, and why. */
export function addExplain(policy: Command, context: Context): void {
  policy
    .command('explain')
    .description('say what is decided about a command line or an action, and why')
    .argument('[line...]', 'a command line, in quotes or after --')
    .option('--action <file>', 'an action as JSON or YAML instead; - reads standard input')
    .option('--event <id>', 'an action that was decided already: as it was, and as it would be now')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((words: string[], options: ExplainOptions) => perform(context, options, () => explain(context, words, options)));
}

async function explain(context: Context, words: readonly string[], options: ExplainOptions): Promise<ExitCode> {
  const given = [words.length > 0, options.action !== undefined, options.event !== undefined].filter(Boolean).length;
  if (given !== 1) throw usageFailure('Give one thing to explain: a command line, --action or --event.', 'signalbox policy explain --help');
  if (options.event !== undefined) return explainEvent(context, options.event, options);
  const inForce = await readInForce(context, context.terminal.cwd);
  const action = options.action === undefined ? readWords(context, words, inForce) : await readActionFile(context, options.action, inForce);
  const explanation = explainAction(loadOrFail(inForce.inputs).policies, action, IDLE);
  print(context, options, { action, explanation });
  return EXIT.ok;
}

function print(context: Context, options: CommonOptions, facts: { action: Action; explanation: Explanation; recorded?: Recorded[] }): void {
  const { terminal } = context;
  if (options.json)
    printJson(terminal, { action: facts.action, ...facts.explanation, ...(facts.recorded ? { recorded: facts.recorded } : {}) });
  else terminal.print(...renderExplanation(facts.action, facts.explanation, terminal.textLook()));
}

interface Recorded {
  event: string;
  at: string;
  decision: Decision;
}

async function explainEvent(context: Context, id: string, options: CommonOptions): Promise<ExitCode> {
  const { terminal } = context;
  const home = findHome(context.env);
  const decisions = await findDecisions(home, id);
  const documents: unknown[] = [];
  for (const { at, event } of decisions) {
    const { decision, summary } = event.data;
    const action = readRecordedAction(home, event.artifact);
    const recorded: Recorded = { event: event.id, at, decision };
    if (!options.json)
      terminal.print(
        `${terminal.paint.bold('Recorded')} ${at}: ${decision.effect}, by ${decision.reasons
          .filter(({ effect }) => effect === decision.effect)
          .map(({ policy, rule, version }) => `${policy}/${rule} (${version})`)
          .join(', ')}`,
      );
    if (action === undefined) {
      documents.push({ recorded, summary, action: null });
      if (!options.json) terminal.print('The action itself is not there any more, so nothing can be said about now.', '');
      continue;
    }
    const inForce = await readInForce(context, action.repo === '' ? terminal.cwd : action.repo);
    const explanation = explainAction(loadOrFail(inForce.inputs).policies, action, event.data.context ?? IDLE);
    documents.push({ recorded, action, now: explanation });
    if (!options.json) {
      const same = explanation.decision.effect === decision.effect;
      terminal.print(`${terminal.paint.bold('Now')} ${same ? 'it is the same' : 'it is another'}:`, '');
      terminal.print(...renderExplanation(action, explanation, terminal.textLook()), '');
    }
  }
  if (options.json) printJson(terminal, { decisions: documents });
  return EXIT.ok;
}

function readWords(context: Context, words: readonly string[], { repo }: InForce): Action {
  const { cwd } = context.terminal;
  const root = repo?.path ?? cwd;
  const what = words.length === 1 ? { line: words[0] } : { argv: words };
  const completed = completeAction({ kind: 'agent.execute', ...what, ...around(repo, cwd) }, resolveReal(root, cwd));
  if (completed.ok) return completed.action;
  throw usageFailure(`That is no command: ${completed.error.issues[0]?.message ?? 'it cannot be read'}.`);
}

function around(repo: InForce['repo'], cwd: string): { repo: string; cwd: string } {
  return { repo: repo?.path ?? '', cwd: repo === undefined ? '.' : relative(repo.path, realpathSync(cwd)) || '.' };
}

async function readActionFile(context: Context, name: string, { repo }: InForce): Promise<Action> {
  const { cwd } = context.terminal;
  const file = name === '-' ? '(standard input)' : resolve(cwd, name);
  const text = name === '-' ? await readStandardInput() : await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) throw new CliFailure(`There is no file ${name}.`, { code: 'not_found' });
  const { source, problems } = readSource({ file, text });
  const completed: CompletedAction | undefined =
    source && completeAction(withRepository(source.data, repo), resolveReal(repo?.path ?? cwd, cwd));
  if (completed?.ok && problems.length === 0) return completed.action;
  const all = [...problems, ...(source && completed && !completed.ok ? listShapeProblems(source, completed.error) : [])];
  throw new CliFailure('The action cannot be decided as it is written.', {
    code: 'invalid_action',
    exit: EXIT.usage,
    details: all.map((problem) => describeProblem(problem, cwd)),
    facts: { problems: all },
  });
}

function withRepository(data: unknown, repo: InForce['repo']): unknown {
  if (typeof data !== 'object' || data === null || repo === undefined || Object.hasOwn(data, 'repo')) return data;
  return { ...data, repo: repo.path };
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Paths are read from where the person stands, and links are followed as far as the path exists. */
function resolveReal(root: string, cwd: string): ResolvePath {
  const judge = resolveLexically(root);
  return (path): ActionPath => judge(followLinks(resolve(cwd, path)));
}

function followLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(followLinks(parent), basename(path));
  }
}
