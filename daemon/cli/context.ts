import type { Client } from '../../shared/client/client.ts';
import type { Connection } from '../../shared/client/connect.ts';
import { findHome } from './connect/endpoint.ts';
import { type Reach, reachDaemon } from './connect/reach.ts';
import { EXIT, type ExitCode, renderFailure, toFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

/** What every command gets. */
export interface Context {
  terminal: Terminal;
  /** Path of the running script. */
  script: string | undefined;
  env: NodeJS.ProcessEnv;
}

/** Options that every command takes. */
export interface CommonOptions {
  json?: boolean;
}

/** Where the daemon of this environment is found, and who may say that it is restarted. */
export function reachOf({ terminal, script, env }: Context): Reach {
  return {
    home: findHome(env),
    env,
    script,
    mayRestart: (endpoint) =>
      terminal.confirm(
        `A daemon of version ${endpoint.version} runs that speaks another protocol. Restart it with this version? What runs is taken up again.`,
      ),
  };
}

/** Does the work of a command and sets the exit code; whatever it throws becomes a sentence, and a JSON document with `--json`. */
export async function perform(context: Context, options: CommonOptions, work: () => Promise<ExitCode | undefined>): Promise<void> {
  const { terminal } = context;
  try {
    process.exitCode = (await work()) ?? EXIT.ok;
  } catch (error) {
    const failure = toFailure(error, terminal.cwd);
    if (options.json)
      printJson(terminal, {
        error: { code: failure.code, message: failure.message, ...(failure.hint ? { hint: failure.hint } : {}), facts: failure.facts },
      });
    terminal.note(...renderFailure(failure, terminal.errorPaint));
    process.exitCode = failure.exit;
  }
}

/** Writes one JSON document to standard output. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.print(JSON.stringify(value, null, 2));
}

/** Does something with a connection to the daemon, which is started when needed, and closes it. */
export async function withDaemon<Result>(
  context: Context,
  work: (client: Client, connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { connection } = await reachDaemon(reachOf(context));
  try {
    return await work(connection.client, connection);
  } finally {
    connection.close();
  }
}
