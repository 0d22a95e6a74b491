import { type Command, InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import type { Client } from '../../../shared/client/client.ts';
import type { RunDetail } from '../../../shared/protocol/views.ts';
import { emptyState, type State } from '../../../shared/state/evolve.ts';
import { type Run, runEnded } from '../../../shared/state/run.ts';
import { readText } from '../artifacts.ts';
import { type CommonOptions, type Context, perform, printJson, withDaemon } from '../context.ts';
import { EXIT } from '../failure.ts';
import { shortId } from '../ids.ts';
import { findRun } from '../lookup.ts';
import { renderDeliberations } from '../render/deliberation.ts';
import { renderEnforcement, renderFindings } from '../render/enforcement.ts';
import { renderMarkdown } from '../render/markdown.ts';
import { renderOutcome } from '../render/outcome.ts';
import { describeRule } from '../render/question.ts';
import { renderRun, renderStatus } from '../render/run.ts';
import { renderSessions } from '../render/sessions.ts';
import { listQuestions, type Picture } from '../render/stages.ts';
import { type Column, renderTable } from '../render/table.ts';
import { cleanLine } from '../render/text.ts';
import { renderTimeline } from '../render/timeline.ts';
import { renderToolCalls } from '../render/tool-calls.ts';
import { formatAgo, formatBytes } from '../render/time.ts';
import { addRunsDiff } from './runs-diff.ts';

/** `signalbox runs`: lists runs, and shows one. */
export function addRuns(program: Command, context: Context): void {
  const runs = program
    .command('runs')
    .description('list the runs, newest first; `runs show ID` shows one, `runs diff A B` compares two')
    .option('-r, --repo <path>', 'only of this repository')
    .option('--active', 'only those that have not ended')
    .option('-n, --limit <count>', 'how many', readCount, 20)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox runs --active\n  signalbox runs show 3f9a1c2e')
    .action((options: CommonOptions & { repo?: string; active?: boolean; limit: number }) =>
      perform(context, options, async () => {
        const { terminal } = context;
        const filter = {
          limit: options.limit,
          active: options.active ?? false,
          ...(options.repo === undefined ? {} : { repo: resolve(terminal.cwd, options.repo) }),
        };
        const { runs } = await withDaemon(context, (client) => client.call('run/list', filter));
        if (options.json) printJson(terminal, { runs });
        else if (runs.length === 0) terminal.print('There are no runs. `signalbox run checkup` starts one.');
        else terminal.print(...renderTable(columns(terminal.now(), terminal.tableLook().paint), runs, terminal.tableLook()));
        return EXIT.ok;
      }),
    );
  runs
    .command('show')
    .description('show a run: its stages, its report and what came of it')
    .argument('<run>', 'id of a run, or its beginning')
    .option('--json', 'print one JSON document')
    .action((given: string, _options: CommonOptions, command: Command) => {
      // `--json` belongs to both, and commander gives it to the parent.
      const options = command.optsWithGlobals<CommonOptions>();
      return perform(context, options, () => showRun(context, given, options));
    });
  addRunsDiff(runs, context);
}

/** A whole number from 1 to 1000; commander reports anything else as wrong use. */
export function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000) throw new InvalidArgumentError('It takes a whole number from 1 to 1000.');
  return count;
}

function columns(now: number, paint: Parameters<typeof renderStatus>[1]): Column<Run>[] {
  return [
    { title: 'RUN', text: (run) => shortId(run.id), style: (text) => paint.cyan(text) },
    { title: 'WORKFLOW', text: (run) => run.workflow.name, flex: 'end', min: 7 },
    { title: 'STATUS', text: (run) => run.status, style: (text, run) => renderStatus(run.status, paint).replace(run.status, text) },
    { title: 'STARTED', text: (run) => formatAgo(run.submittedAt, now) },
    { title: 'MERGE', text: (run) => (run.merge ? `${run.merge.state} ${run.merge.into}` : '-'), flex: 'end', min: 6 },
    { title: 'REPOSITORY', text: (run) => run.repo ?? '-', flex: 'start', min: 10 },
  ];
}

async function showRun(context: Context, given: string, options: CommonOptions) {
  const { terminal } = context;
  await withDaemon(context, async (client) => {
    const found = await findRun(client, given, terminal.now());
    const detail = await client.call('run/get', { run: found.id });
    const digest = detail.artifacts.find((artifact) => artifact.name === 'report.md')?.digest;
    const report = digest === undefined ? undefined : await readText(client, digest);
    if (options.json) return printJson(terminal, { ...detail, ...(report === undefined ? {} : { report }) });
    const picture = toPicture(detail);
    const look = terminal.textLook();
    terminal.print(...renderRun(picture, terminal.now(), look));
    for (const child of await listChildren(client, detail)) terminal.print('', ...renderRun(toPicture(child), terminal.now(), look));
    if (detail.run.startedBy)
      terminal.print(look.paint.dim(`started by ${cleanLine(`${detail.run.startedBy.trigger}: ${detail.run.startedBy.summary}`)}`));
    const { origin, handoffs } = detail.run;
    if (handoffs) terminal.print(look.paint.dim(`handoffs: ${handoffs.accepted} accepted, ${handoffs.returned} sent back as incomplete`));
    if (origin) terminal.print(look.paint.dim(`It goes on from run ${shortId(origin.run)} as it was before ${origin.event}.`));
    const timeline = renderTimeline(picture, terminal.now(), look);
    if (timeline.length > 0) terminal.print('', ...timeline);
    if (report !== undefined) terminal.print('', ...renderMarkdown(report, look));
    // What members of a deliberation answered stands in its transcript.
    const artifacts = detail.artifacts.filter(({ name }) => !/\.round-\d+\./.test(name));
    if (artifacts.length > 0)
      terminal.print('', look.paint.dim(`artifacts: ${artifacts.map((a) => `${cleanLine(a.name)} (${formatBytes(a.size)})`).join(', ')}`));
    const talks = renderDeliberations(picture, look);
    if (talks.length > 0) terminal.print('', ...talks);
    const tools = renderToolCalls(picture, look);
    if (tools.length > 0) terminal.print('', ...tools);
    const about = [renderSessions, renderEnforcement, renderFindings].flatMap((render) => render(picture, look.paint));
    if (about.length > 0) terminal.print('', ...about);
    for (const approval of detail.approvals.filter((each) => each.remembered)) terminal.print(describeRule(approval));
    for (const approval of listQuestions(picture))
      terminal.print(look.paint.yellow(`${shortId(approval.id)} waits for an answer: ${cleanLine(approval.summary)}`));
    if (runEnded(detail.run)) terminal.print('', ...renderOutcome(picture, look));
  });
  return EXIT.ok;
}

/** The runs that do the work of a run's stages, each before those of its own. */
async function listChildren(client: Client, { stages }: Pick<RunDetail, 'stages'>): Promise<RunDetail[]> {
  const found: RunDetail[] = [];
  for (const { child } of stages) {
    if (child === undefined) continue;
    const detail = await client.call('run/get', { run: child });
    found.push(detail, ...(await listChildren(client, detail)));
  }
  return found;
}

/** A run as the daemon tells it, in the form that the views draw. */
export function toPicture(detail: RunDetail): Picture {
  const byId = <Entry extends { id: string }>(entries: readonly Entry[]): Map<string, Entry> =>
    new Map(entries.map((entry) => [entry.id, entry]));
  const state: State = {
    ...emptyState(),
    runs: byId([detail.run]),
    stages: new Map([[detail.run.id, byId(detail.stages)]]),
    tasks: byId(detail.tasks),
    attempts: byId(detail.attempts),
    approvals: byId(detail.approvals),
    artifacts: new Map([[detail.run.id, new Map(detail.artifacts.map((artifact) => [artifact.name, artifact]))]]),
  };
  return { state, run: detail.run, definition: detail.definition, progress: new Map() };
}
