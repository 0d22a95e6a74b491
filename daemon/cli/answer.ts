import type { Command } from 'commander';
import type { Approval } from '../../shared/state/approval.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from './context.ts';
import { CliFailure, EXIT, type ExitCode } from './failure.ts';
import { shortId } from './ids.ts';
import { findPending } from './lookup.ts';
import type { Paint } from './render/paint.ts';
import { renderQuorum } from './render/question.ts';
import { cleanLine } from './render/text.ts';

/** Adds the command that gives one answer, `approve` or `deny`. */
export function addAnswer(
  program: Command,
  context: Context,
  { name, answer, description }: { name: string; answer: 'grant' | 'deny'; description: string },
): void {
  program
    .command(name)
    .description(description)
    .argument('<id>', 'id of an approval, or of a run: all that it waits for')
    .option('-m, --reason <text>', 'why; goes into the record', '')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\nExamples:\n  signalbox ${name} 7c01d5aa\n  signalbox ${name} 3f9a1c2e --reason "read the diff"`)
    .action((given: string, options: CommonOptions & { reason: string }) =>
      perform(context, options, () => answerAll(context, given, answer, options)),
    );
}

async function answerAll(
  context: Context,
  given: string,
  answer: 'grant' | 'deny',
  options: CommonOptions & { reason: string },
): Promise<ExitCode> {
  const { terminal } = context;
  const answered = await withDaemon(context, async (client) => {
    const approvals = await findPending(client, given, terminal.now());
    const results = [];
    for (const { id } of approvals)
      results.push((await client.call('approval/answer', { approval: id, answer, reason: options.reason })).approval);
    return results;
  });
  if (answered.length === 0) throw new CliFailure(`Nothing of ${given} waits for an answer.`, { code: 'not_found' });
  if (options.json) printJson(terminal, { approvals: answered });
  else terminal.print(...answered.map((approval) => describe(approval, answer, terminal.paint)));
  return EXIT.ok;
}

function describe(approval: Approval, answer: 'grant' | 'deny', paint: Paint): string {
  const what = `${shortId(approval.id)}  ${cleanLine(approval.summary)}`;
  if (answer === 'deny') return `${paint.red('denied')} ${what}`;
  if (approval.status !== 'pending') return `${paint.green('approved')} ${what}`;
  return `${paint.yellow('your yes is recorded')} ${what}: ${renderQuorum(approval)}`;
}
