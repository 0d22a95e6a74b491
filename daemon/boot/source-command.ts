/**
 * Runs the command of a source: decided by the policy each time, in the sandbox where there is one, bounded in time and output.
 * Nobody is there to be asked, so what is not allowed is not run, and the trigger says which rule it takes.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Action, Decision } from '../../shared/state/action.ts';
import { contextOf } from '../../shared/state/decision-context.ts';
import type { State } from '../../shared/state/evolve.ts';
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { SecretReference } from '../../shared/state/trigger-definition.ts';
import { runProcess, type ProcessEnd } from '../agents/command/attempt-process.ts';
import { scrubEnvironment } from '../agents/scrub.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Rulebook } from '../coordinator/rulebook.ts';
import type { Sandbox } from '../platform/sandbox/sandbox.ts';
import { completeAction, resolveLexically } from '../policy/action-input.ts';
import type { RunCommand } from '../triggers/command.ts';
import { readSecret, type SecretSources } from '../triggers/secrets.ts';

const MAX_OUTPUT_BYTES = 1024 * 1024;
const GRACE_MS = 2_000;

export interface CommandParts {
  home: string;
  state: State;
  rulebook: Pick<Rulebook, 'judge'>;
  sandbox: Sandbox;
  secrets: SecretSources;
  submit: Coordinator['submit'];
  keepText(text: string): Promise<string>;
  newId(): string;
}

/** Makes what runs commands for one trigger, in `root` where its repository has files. */
export function createCommandRuns(parts: CommandParts, trigger: RegisteredTrigger, root: string | undefined): RunCommand {
  const { definition } = trigger;
  if (definition.kind !== 'command') throw new Error('It runs no command.');
  const said = new Map<string, string>();
  return async (argv) => {
    await decide(parts, { action: describeCommand(trigger, argv), said });
    const folder = join(parts.home, 'homes', trigger.id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const env = { ...scrubEnvironment(folder), ...(await readEnvironment(definition.env, parts.secrets)) };
    const [program = '', ...args] = argv;
    const wrapped = await parts.sandbox.wrap({
      argv: [program, ...args],
      ...{ env, cwd: root ?? folder, home: folder, programs: root === undefined ? [] : [root] },
      decideFetch: ({ host, port }) => decideFetch(parts, trigger, `${host}:${port}`),
    });
    try {
      const output = { text: [] as Buffer[], bytes: 0 };
      const running = runProcess({
        ...{
          attempt: parts.newId(),
          argv: wrapped.argv,
          cwd: root ?? folder,
          env: wrapped.env,
          timeoutMs: definition.timeoutMs,
          graceMs: GRACE_MS,
        },
        sandboxed: wrapped.enforcement.level === 'enforced',
        onStarted: () => undefined,
        onOutput(stream, chunk) {
          if (stream !== 'stdout') return;
          output.bytes += chunk.length;
          if (output.bytes <= MAX_OUTPUT_BYTES) output.text.push(chunk);
        },
      });
      const problem = explainEnd(await running.ended, { program, reason: wrapped.notStarted(), timeoutMs: definition.timeoutMs });
      if (problem !== undefined) throw new Error(problem);
      if (output.bytes > MAX_OUTPUT_BYTES) throw new Error(`${program} printed more than ${MAX_OUTPUT_BYTES} bytes.`);
      return Buffer.concat(output.text).toString('utf8');
    } finally {
      await wrapped.close();
    }
  };
}

function explainEnd(
  end: ProcessEnd,
  { program, reason, timeoutMs }: { program: string; reason: string | undefined; timeoutMs: number },
): string | undefined {
  if (reason !== undefined || end.kind === 'not_started')
    return `${program} could not be started (${reason ?? (end.kind === 'not_started' ? end.reason : '')}).`;
  if (end.kind === 'timeout')
    return `${program} did not end within ${timeoutMs / 1_000} s and was ended. Give the source a longer \`timeout\`.`;
  if (end.kind === 'stopped') return `${program} was stopped.`;
  return end.exitCode === 0
    ? undefined
    : `${program} ended with ${end.exitCode === undefined ? (end.signal ?? 'a signal') : `exit code ${end.exitCode}`}.`;
}

async function readEnvironment(env: Readonly<Record<string, SecretReference>>, secrets: SecretSources): Promise<Record<string, string>> {
  const read = Object.entries(env).map(async ([name, reference]): Promise<[string, string]> => {
    const found = await readSecret(reference, secrets);
    if (!found.ok) throw new Error(found.problem);
    return [name, found.secret];
  });
  return Object.fromEntries(await Promise.all(read));
}

function describeCommand({ id, origin, repo = '' }: RegisteredTrigger, argv: readonly string[]): Action {
  const source = origin === 'repository' ? 'repository' : 'workflow';
  const about = { agent: `trigger:${id}`, risk: 'medium', summary: `Run ${argv.join(' ')}`.slice(0, 500), repo, source };
  return complete({ kind: 'agent.execute', ...about, argv: [...argv] }, repo);
}

function complete(input: Record<string, unknown>, repo: string): Action {
  const completed = completeAction(input, resolveLexically(repo === '' ? '/' : repo));
  if (!completed.ok) throw new Error(`The command cannot be described: ${completed.error.message.slice(0, 200)}`);
  return completed.action;
}

/** Puts an action to the policy and records the decision when it is another than the last time; throws when it is not allowed. */
async function decide(
  { rulebook, state, submit, keepText }: CommandParts,
  { action, said }: { action: Action; said: Map<string, string> },
): Promise<Decision> {
  const decision = rulebook.judge(action, contextOf(state, action, Date.now()));
  const { effect, reasons } = decision;
  const print = JSON.stringify([effect, reasons.map(({ policy, version, rule }) => [policy, version, rule])]);
  if (said.get(action.summary) !== print) {
    const proposal = { key: 'poll', action, artifact: await keepText(JSON.stringify(action)) };
    const result = await submit({ type: 'policy/evaluate', proposals: [proposal] }, { principal: action.agent, cause: 'trigger' });
    if (!result.ok) throw new Error(result.refusal.message);
    said.set(action.summary, print);
  }
  if (effect === 'allow' || effect === 'warn') return decision;
  const why = reasons.filter((one) => one.effect === effect).map(({ policy, rule, message }) => `${message} (${policy}/${rule})`);
  const what = effect === 'deny' ? 'The policy denies it' : 'A poll has nobody to ask, so a rule of yours has to allow it';
  throw new Error(`${action.summary}: ${what}. ${why.join(' ')}`.slice(0, 1_000));
}

async function decideFetch(parts: CommandParts, { id, repo = '' }: RegisteredTrigger, place: string) {
  const about = { agent: `trigger:${id}`, risk: 'medium', summary: `Connect to ${place}`, repo };
  try {
    await decide(parts, { action: complete({ kind: 'agent.fetch', ...about, urls: [`https://${place}/`] }, repo), said: new Map() });
    return { allow: true, reason: '' };
  } catch (error) {
    return { allow: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
