import type { Command } from 'commander';
import { LEVELS, type Approval } from '../../../shared/state/approval.ts';
import { loadEvidence, readAction } from '../artifacts.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findApproval, findRun } from '../lookup.ts';
import type { Paint } from '../render/paint.ts';
import { renderAction, renderEvidence, renderQuestion } from '../render/question.ts';
import { renderStatus } from '../render/run.ts';
import { whoAsks } from '../render/stages.ts';
import { type Column, renderTable } from '../render/table.ts';
import { cleanLine } from '../render/text.ts';
import { formatAgo, formatUntil } from '../render/time.ts';

/** `signalbox approvals`: lists what waits for an answer, and shows one with all there is to know. */
export function addApprovals(program: Command, context: Context): void {
  const approvals = program
    .command('approvals')
    .description('list what waits for an answer; `approvals show ID` shows one in full')
    .option('--run <id>', 'only of this run')
    .option('--all', 'those that were answered, too')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox approvals\n  signalbox approvals show 7c01d5aa\n  signalbox approve 7c01d5aa')
    .action((options: CommonOptions & { run?: string; all?: boolean }) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const { approvals } = await withDaemon(context, async (client) => {
          const run = options.run === undefined ? undefined : await findRun(client, options.run, terminal.now());
          return client.call('approval/list', { pending: !options.all, ...(run ? { run: run.id } : {}) });
        });
        const look = terminal.tableLook();
        if (options.json) printJson(terminal, { approvals });
        else if (approvals.length === 0) terminal.print(options.all ? 'There are no approvals.' : 'Nothing waits for an answer.');
        else terminal.print(...renderTable(columns(terminal.now(), look.paint), approvals, look));
        return EXIT.ok;
      }),
    );
  approvals
    .command('show')
    .description('show one: what, why, who, the risk, and the diff')
    .argument('<approval>', 'id of an approval, or its beginning')
    .option('--json', 'print one JSON document')
    .action((given: string, _options: CommonOptions, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>();
      return perform(context, options, () => showApproval(context, given, options));
    });
}

function columns(now: number, paint: Paint): Column<Approval>[] {
  return [
    { title: 'APPROVAL', text: (a) => shortId(a.id), style: (text) => paint.cyan(text) },
    { title: 'RUN', text: (a) => shortId(a.run ?? '-') },
    { title: 'STAGE', text: (a) => a.stage ?? '-', flex: 'end', min: 5 },
    { title: 'RISK', text: (a) => a.risk },
    { title: 'STATUS', text: describeStatus, style: (text, a) => renderStatus(a.status, paint).replace(a.status, text) },
    { title: 'WITH', text: (a) => (a.status === 'pending' ? LEVELS[a.level ?? 3] : (a.by ?? '-')) },
    { title: 'ENDS', text: (a) => (a.status === 'pending' ? formatUntil(a.expiresAt, now) : '-') },
    { title: 'WHAT', text: (a) => a.summary, flex: 'end', min: 12 },
  ];
}

/** The status, with the yeses so far where several are needed. */
function describeStatus({ status, quorum, grants = [] }: Approval): string {
  return quorum === undefined ? status : `${status} ${grants.length}/${quorum}`;
}

async function showApproval(context: Context, given: string, options: CommonOptions) {
  const { terminal } = context;
  await withDaemon(context, async (client) => {
    const approval = await findApproval(client, given, terminal.now());
    const evidence = await loadEvidence(client, approval);
    const action = approval.artifact === undefined ? undefined : await readAction(client, approval.artifact);
    if (options.json) return printJson(terminal, { approval, action, evidence: evidence.texts });
    const who = approval.run === undefined ? 'somebody' : whoAsks(await client.call('run/get', { run: approval.run }), approval);
    const look = terminal.textLook();
    const id = shortId(approval.id);
    terminal.print(...renderQuestion({ approval, who, evidence }, terminal.now(), look));
    // The whole command is shown below, key by key.
    const { command: _, ...texts } = evidence.texts;
    const shown = renderEvidence({ approval, evidence: action ? { ...evidence, texts } : evidence }, look);
    if (shown.length > 0) terminal.print('', ...shown);
    if (action) terminal.print('', ...renderAction(action, look));
    terminal.print(
      '',
      approval.status === 'pending'
        ? `To answer: signalbox approve ${id}   or: signalbox deny ${id}`
        : describeAnswer(approval, terminal.now()),
    );
  });
  return EXIT.ok;
}

function describeAnswer(approval: Approval, now: number): string {
  const by = approval.by === undefined ? '' : ` by ${cleanLine(approval.by)}`;
  const when = approval.answeredAt === undefined ? '' : `, ${formatAgo(approval.answeredAt, now)}`;
  return `It is ${approval.status}${by}${when}${approval.reason ? `: ${cleanLine(approval.reason)}` : '.'}`;
}
