import type { Command } from 'commander';
import type { ResultOf } from '../../../shared/protocol/methods.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';
import { cleanLine } from '../render/text.ts';

const UNDO_MS = 90_000;
/** Lines and files that are shown; `--json` has them all. */
const MAX_SHOWN = 20;
const MAX_FILES = 5;

type Undone = ResultOf<'run/undo'>;
type UndoOptions = CommonOptions & { yes?: boolean };

/** `signalbox undo`: takes the merge of a run back by a new commit. */
export function addUndo(program: Command, context: Context): void {
  program
    .command('undo')
    .description('take back what a run merged, by a commit that reverts it')
    .argument('<run>', 'id of a run, or its beginning')
    .option('-y, --yes', 'do not ask, also when later work touches the same files')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox undo 3f9a1c2e\n  signalbox undo 3f9a1c2e --yes')
    .action((given: string, options: UndoOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const undone = await withDaemon(context, async (client) => {
          const { id } = await findRun(client, given, terminal.now());
          const before = await client.call('run/undo', { run: id, preview: true }, { timeoutMs: UNDO_MS });
          if (!(await isAgreed(context, before, options))) return undefined;
          return client.call('run/undo', { run: id }, { timeoutMs: UNDO_MS });
        });
        if (!undone) return EXIT.denied;
        const { run, commit, branch } = undone;
        if (options.json) printJson(terminal, undone);
        else terminal.print(`The merge of run ${shortId(run)} was taken back: ${commit.slice(0, 12)} on ${cleanLine(branch)}.`);
        return EXIT.ok;
      }),
    );
}

/** Shows what builds on the merge, and asks; throws CliFailure when nobody can be asked. */
async function isAgreed({ terminal }: Context, before: Undone, options: UndoOptions): Promise<boolean> {
  const lines = sayLater(before);
  if (lines.length === 0) return true;
  if (!options.json) terminal.print(...lines);
  if (options.yes) return true;
  if (terminal.interactive && !options.json) return terminal.confirm('Take the merge back all the same?');
  throw new CliFailure('Later work touches the same files, and nobody is there to ask, so nothing was taken back.', {
    code: 'not_confirmed',
    exit: EXIT.usage,
    hint: 'Look at what is named, then run it again with --yes.',
    facts: { ...before },
  });
}

/** A line for each later merge and commit that touches the same files. */
function sayLater({ dependents, others }: Undone): string[] {
  const name = (files: readonly string[]): string =>
    `${files.slice(0, MAX_FILES).map(cleanLine).join(', ')}${files.length > MAX_FILES ? ` and ${files.length - MAX_FILES} more` : ''}`;
  const lines = [
    ...dependents.map(({ run, files }) => `Run ${shortId(run)} merged later and touches the same files: ${name(files)}.`),
    ...others.map(
      ({ commit, author, subject, files }) =>
        `${commit.slice(0, 12)} "${cleanLine(subject)}" of ${cleanLine(author)} came later and touches the same files: ${name(files)}.`,
    ),
  ];
  return lines.length > MAX_SHOWN ? [...lines.slice(0, MAX_SHOWN), `And ${lines.length - MAX_SHOWN} more.`] : lines;
}
