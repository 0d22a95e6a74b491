import type { Client } from '../../shared/client/client.ts';
import type { Approval } from '../../shared/state/approval.ts';
import { type CommonOptions, type Context, printJson, withDaemon } from './context.ts';
import { CliFailure, EXIT, type ExitCode } from './failure.ts';
import { shortId } from './ids.ts';
import { findPending } from './lookup.ts';
import type { Paint } from './render/paint.ts';
import { renderQuorum } from './render/question.ts';
import { cleanLine } from './render/text.ts';

export interface AnswerOptions extends CommonOptions {
  reason: string;
}

/** What goes with the answer to one question; undefined when the person changed their mind. */
export type Remember = (
  client: Client,
  approval: Approval,
) => Promise<{ remember?: { for: 'run' } | { for: 'always'; after: string } } | undefined>;

/** Gives one answer to a question, or to all that a run waits for; `remember` says what it is made into. */
export async function answerAll(
  context: Context,
  given: string,
  { answer, options, remember, choice }: { answer: 'grant' | 'deny'; options: AnswerOptions; remember?: Remember; choice?: string },
): Promise<ExitCode> {
  const { terminal } = context;
  const answered = await withDaemon(context, async (client) => {
    const approvals = await findPending(client, given, terminal.now());
    const results = [];
    for (const approval of approvals) {
      const more = remember ? await remember(client, approval) : {};
      if (more === undefined) continue;
      const params = { approval: approval.id, answer, reason: options.reason, ...(choice === undefined ? {} : { choice }), ...more };
      results.push((await client.call('approval/answer', params)).approval);
    }
    return results;
  });
  if (answered.length === 0) throw new CliFailure(`Nothing of ${given} was answered.`, { code: 'not_found' });
  if (options.json) printJson(terminal, { approvals: answered });
  else terminal.print(...answered.map((approval) => describe(approval, answer, terminal.paint)));
  return EXIT.ok;
}

function describe(approval: Approval, answer: 'grant' | 'deny', paint: Paint): string {
  const what = `${shortId(approval.id)}  ${cleanLine(approval.summary)}`;
  if (answer === 'deny') return `${paint.red('denied')} ${what}`;
  if (approval.status === 'pending') return `${paint.yellow('your yes is recorded')} ${what}: ${renderQuorum(approval)}`;
  return `${paint.green('approved')}${approval.choice === undefined ? '' : ` (${cleanLine(approval.choice)})`} ${what}`;
}
