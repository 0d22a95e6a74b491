import type { Command } from 'commander';
import type { RuleProposal } from '../../../shared/protocol/views.ts';
import { type AnswerOptions, answerAll, type Remember } from '../answer.ts';
import { type Context, perform } from '../context.ts';
import { usageFailure } from '../failure.ts';
import { shortId } from '../ids.ts';
import type { Look } from '../render/paint.ts';
import { renderDiff } from '../render/question.ts';
import { cleanLine } from '../render/text.ts';

interface ApproveOptions extends AnswerOptions {
  forRun?: boolean;
  always?: boolean;
  yes?: boolean;
  choose?: string;
}

const EXAMPLES = `
Examples:
  signalbox approve 7c01d5aa
  signalbox approve 3f9a1c2e --reason "read the diff"
  signalbox approve 7c01d5aa --choose skip       leaves out a stage that failed; without it the stage is tried again
  signalbox approve 7c01d5aa --for-run     the same action is not asked again in this run
  signalbox approve 7c01d5aa --always      shows the rule as a diff, and writes it when you say so

A rule is made from the exact action: the same program and arguments, the same paths, the same branch. It answers only the
rules that asked. \`signalbox revoke\` takes one for a run back; one for always stands in your policies, where you can change it.`;

/** `signalbox approve`: says yes to one question, or to all of a run, and may make the yes a rule. */
export function addApprove(program: Command, context: Context): void {
  program
    .command('approve')
    .description('say yes to one question, or to all that a run waits for')
    .argument('<id>', 'id of an approval, or of a run: all that it waits for')
    .option('-m, --reason <text>', 'why; goes into the record', '')
    .option('--choose <what>', 'what the yes means, where the question offers several (retry, skip)')
    .option('--for-run', 'and allow the same for the rest of the run')
    .option('--always', 'and write a rule that allows the same from now on, after showing it')
    .option('-y, --yes', 'write the rule without asking')
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXAMPLES)
    .action((given: string, options: ApproveOptions) =>
      perform(context, options, async () => {
        if (options.forRun && options.always) throw usageFailure('Use --for-run or --always, not both.');
        const remember = options.always ? always(context, options) : options.forRun ? forRun(context) : undefined;
        const choice = options.choose === undefined ? {} : { choice: options.choose };
        return answerAll(context, given, { answer: 'grant', options, ...choice, ...(remember ? { remember } : {}) });
      }),
    );
}

function forRun({ terminal }: Context): Remember {
  return async (client, { id }) => {
    const proposal = await client.call('approval/rule', { approval: id, for: 'run' });
    terminal.note(`For the rest of this run: ${cleanLine(proposal.rule.says)}. signalbox revoke ${shortId(id)} takes it back.`);
    terminal.note(...warnOfDenied(proposal, { ...terminal.textLook(), paint: terminal.errorPaint }));
    return { remember: { for: 'run' } };
  };
}

function always({ terminal }: Context, { yes }: ApproveOptions): Remember {
  return async (client, { id }) => {
    const proposal = await client.call('approval/rule', { approval: id, for: 'always' });
    const look = { ...terminal.textLook(), paint: terminal.errorPaint };
    terminal.note(...renderDiff(diffOf(proposal), look.paint), ...warnOfDenied(proposal, look));
    if (!yes && !terminal.interactive)
      throw usageFailure('Nobody is at a terminal to look at the rule.', 'With --yes it is written as shown.');
    if (!yes && !(await terminal.confirm(`Write this rule, which allows ${cleanLine(proposal.rule.says)}, and approve?`))) {
      terminal.note('Nothing was written, and nothing was answered.');
      return undefined;
    }
    return { remember: { for: 'always', after: proposal.digest } };
  };
}

/** The added lines, behind the last ones of the file as it is. */
function diffOf({ rule, before, after }: RuleProposal): string {
  const old = before === '' ? [] : before.trimEnd().split('\n');
  const added = after.slice(before.length).trimEnd().split('\n');
  const around = old.slice(-3);
  const file = cleanLine(rule.file ?? '');
  return [
    `--- ${before === '' ? '/dev/null' : file}`,
    `+++ ${file}`,
    `@@ -${old.length - around.length + (old.length > 0 ? 1 : 0)},${around.length} +${old.length - around.length + 1},${around.length + added.length} @@`,
    ...around.map((line) => ` ${line}`),
    ...added.map((line) => `+${line}`),
  ].join('\n');
}

function warnOfDenied({ denied }: RuleProposal, { paint }: Look): string[] {
  if (denied.length === 0) return [];
  return [
    paint.yellow('It would also allow what was denied before:'),
    ...denied.map(
      ({ approval, summary, by }) => `  ${shortId(approval)}  ${cleanLine(summary)}${by === '' ? '' : `, by ${cleanLine(by)}`}`,
    ),
  ];
}
