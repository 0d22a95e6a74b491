/** Makes a worktree ready for work, as its repository wants it: files that git ignores, and a command that the policy decides. */
import type { Action } from '../../shared/state/action.ts';
import type { AttemptSpec, Outcome } from '../agents/agent.ts';
import { readArgv } from '../policy/shell/read.ts';
import { settleCommands } from '../policy/shell/settle.ts';
import type { Permissions } from './permissions.ts';
import type { EffectContext } from './reactor.ts';

export interface SetupParts {
  permissions: Permissions;
  spec: AttemptSpec;
  token: number;
  cause: string;
  /** Text for whoever reads the attempt's output. */
  say(text: string): void;
  run(spec: AttemptSpec): Promise<Outcome>;
}

/** Returns why the work cannot begin, or undefined when it can. */
export async function setUpWorktree(
  { ports }: EffectContext,
  { permissions, spec, token, cause, say, run }: SetupParts,
): Promise<Outcome | undefined> {
  if (!spec.worktree || !spec.repo) return undefined;
  const { copied, command } = await ports.prepareWorktree(spec.repo.path, spec.worktree.path);
  if (copied.length > 0) say(`Copied into the worktree: ${copied.slice(0, 20).join(', ')}${copied.length > 20 ? ', …' : ''}\n`);
  if (command === undefined) return undefined;
  const action = setupAction(spec, command);
  const permission = await permissions.ask({ attempt: spec.attempt, task: spec.task, token, cause }, { key: 'setup', action });
  if (!permission.allowed) return failed('denied', `The set-up command of the worktree was not allowed: ${permission.reason}`);
  say(`Sets the worktree up: ${command.join(' ').slice(0, 500)}\n`);
  const { stdin: _, prompt: __, ...place } = spec;
  const outcome = await run({ ...place, argv: command });
  if (outcome.status === 'succeeded') return undefined;
  const why = outcome.error?.message ?? `It ended as ${outcome.status}.`;
  return outcome.status === 'failed' ? failed('setup_failed', `The worktree could not be set up. ${why}`) : outcome;
}

function failed(code: string, message: string): Outcome {
  return { status: 'failed', error: { code, message: message.slice(0, 2_000) }, values: {} };
}

function setupAction({ agent, run, stage, task, repo, commit }: AttemptSpec, argv: string[]): Action {
  const { commands, problem } = readArgv(argv, { cwd: '.' });
  const about = { agent, run, stage, task, repo: repo?.path ?? '', risk: 'medium' as const };
  const summary = `Set the worktree up: ${argv.join(' ').slice(0, 500)}`;
  const where = { line: '', problem, cwd: '.', source: 'repository' as const, base: commit ?? '' };
  return { kind: 'agent.execute', summary, ...about, argv, commands: settleCommands(commands, new Map()), ...where };
}
