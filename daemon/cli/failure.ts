// How a command ends when it does not end well: an exit code, a sentence, and what to do next.
import { relative } from 'node:path';
import * as z from 'zod';
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { PathError } from '../platform/paths.ts';
import type { Paint } from './render/paint.ts';
import { cleanLine, cleanText } from './render/text.ts';

/** Exit codes of every command. */
export const EXIT = { ok: 0, failure: 1, usage: 2, denied: 3, canceled: 4, expired: 5, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Thrown by a command that cannot go on; `hint` says what to do, `details` are shown as they stand. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly code: string;
  readonly exit: ExitCode;
  readonly hint: string;
  readonly details: readonly string[];
  readonly facts: Record<string, unknown>;
  constructor(
    message: string,
    more: { code?: string; exit?: ExitCode; hint?: string; details?: readonly string[]; facts?: Record<string, unknown> } = {},
  ) {
    super(message);
    this.code = more.code ?? 'failed';
    this.exit = more.exit ?? EXIT.failure;
    this.hint = more.hint ?? '';
    this.details = more.details ?? [];
    this.facts = more.facts ?? {};
  }
}

/** A wrong use of a command: exit code 2. */
export function usageFailure(message: string, hint = ''): CliFailure {
  return new CliFailure(message, { code: 'usage', exit: EXIT.usage, hint });
}

const EXIT_OF: Partial<Record<string, ExitCode>> = {
  policy_denied: EXIT.denied,
  forbidden: EXIT.denied,
  not_trusted: EXIT.denied,
  attempt_may_not_answer: EXIT.denied,
  invalid_params: EXIT.usage,
  invalid_workflow: EXIT.usage,
};

const HINT_OF: Partial<Record<string, string>> = {
  timeout: 'See `signalbox status`; the daemon may be busy or stuck.',
  disconnected: 'The connection to the daemon ended. Try again; it is started when needed.',
  not_found: '`signalbox runs`, `tasks` and `approvals` list the ids that exist.',
  policy_denied: '`signalbox events` shows which rule decided.',
  too_many: 'Wait a moment, then try again.',
  shutting_down: 'Wait until it has stopped, then try again: it is started when needed.',
};

/** What a person is told about anything that was thrown. */
export function toFailure(error: unknown, cwd: string): CliFailure {
  if (error instanceof CliFailure) return error;
  if (error instanceof PathError) return new CliFailure(error.message, { code: error.code });
  if (error instanceof SignalboxError) return fromSignalbox(error, cwd);
  const message = error instanceof Error ? error.message : String(error);
  const details = process.env.SIGNALBOX_DEBUG && error instanceof Error && error.stack ? error.stack.split('\n').slice(1) : [];
  return new CliFailure(message, {
    code: 'internal',
    details,
    hint: details.length > 0 ? '' : 'This is a fault of signalbox. SIGNALBOX_DEBUG=1 shows where it happened.',
  });
}

function fromSignalbox(error: SignalboxError, cwd: string): CliFailure {
  const details = listProblems(error.facts, cwd);
  return new CliFailure(
    details.length > 0 ? `${details.length} problem${details.length === 1 ? '' : 's'}, so nothing was started.` : error.message,
    {
      code: error.code,
      exit: EXIT_OF[error.code] ?? EXIT.failure,
      hint: 'workflow' in error.facts ? '' : (HINT_OF[error.code] ?? ''),
      details,
      facts: error.facts,
    },
  );
}

const Problems = z.array(
  z.object({ file: z.string(), line: z.number(), column: z.number(), message: z.string(), hint: z.string().optional() }),
);

/** Problems of a workflow or policy file as a compiler writes them: `file:line:column: message`. */
function listProblems(facts: Record<string, unknown>, cwd: string): string[] {
  const problems = Problems.safeParse(facts.problems);
  if (!problems.success) return [];
  return problems.data.map(
    ({ file, line, column, message, hint }) => `${shortenPath(file, cwd)}:${line}:${column}: ${message}${hint ? ` ${hint}` : ''}`,
  );
}

/** The path as seen from the current folder when that is shorter. */
export function shortenPath(path: string, cwd: string): string {
  if (!path.startsWith('/')) return path;
  const near = relative(cwd, path);
  return near !== '' && near.length < path.length && !near.startsWith('../../') ? near : path;
}

/** The lines that a failure is shown as, on standard error. */
export function renderFailure(failure: CliFailure, paint: Paint): string[] {
  return [
    ...failure.details.map((line) => cleanText(line)),
    `${paint.red(paint.bold('error:'))} ${cleanLine(failure.message)}`,
    ...(failure.hint === '' ? [] : [`${paint.dim('hint:')} ${cleanLine(failure.hint)}`]),
  ];
}
