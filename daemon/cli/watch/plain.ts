// The plain view: one line for each change, for pipes, logs and dumb terminals.
import type { Approval } from '../../../shared/state/approval.ts';
import { shortId } from '../ids.ts';
import type { Look } from '../render/paint.ts';
import { describeNews, renderEvidence, renderQuestion } from '../render/question.ts';
import { renderMove } from '../render/run.ts';
import { describeStages, listQuestions, type Picture, type StageRow, whoAsks } from '../render/stages.ts';
import { cleanLine, widthOf } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import type { Answers, View, WatchOptions } from './watch.ts';

/** States that usually last no moment are written when they last this long, in milliseconds. */
const BRIEF_MS = 1_000;

interface Plain {
  terminal: Terminal;
  answers: Answers;
  answering: WatchOptions['answering'];
  look: Look;
  write: (...lines: string[]) => void;
  moves: ReturnType<typeof createMoves>;
  asked: Set<string>;
  settled: Set<string>;
  /** What was told of each open question since it was asked. */
  told: Map<string, readonly string[]>;
  picture?: Picture;
  /** What takes a moment to load holds back what comes after it, so that lines stay in their order. */
  queue: Promise<void>;
}

/** A view that writes lines to standard output, or to standard error when `aside` is set. */
export function createPlainView(
  terminal: Terminal,
  answers: Answers,
  { answering, aside }: Pick<WatchOptions, 'answering' | 'aside'>,
): View {
  const plain: Plain = {
    ...{
      terminal,
      answers,
      answering,
      moves: createMoves(),
      asked: new Set(),
      settled: new Set(),
      told: new Map(),
      queue: Promise.resolve(),
    },
    look: { ...terminal.textLook(), paint: aside ? terminal.errorPaint : terminal.paint },
    write: aside ? terminal.note : terminal.print,
  };
  const timer = setInterval(() => showMoves(plain), BRIEF_MS / 2);
  return {
    update(next) {
      plain.picture = next;
      showMoves(plain);
      for (const approval of listQuestions(next)) {
        showQuestion(plain, next, approval);
        showNews(plain, approval);
      }
      for (const id of plain.asked) showAnswer(plain, next.state.approvals.get(id));
    },
    notice: (sentence) => terminal.note(terminal.errorPaint.yellow(sentence)),
    async close() {
      clearInterval(timer);
      await plain.queue;
    },
  };
}

function later(plain: Plain, work: () => void | Promise<void>): void {
  plain.queue = plain.queue.then(work);
}

function showMoves(plain: Plain): void {
  const { picture, look } = plain;
  if (!picture) return;
  const ids = Math.min(24, Math.max(0, ...picture.definition.stages.map((stage) => widthOf(stage.id))));
  const lines = plain.moves(describeStages(picture), plain.terminal.now()).map((row) => renderMove(row, ids, look));
  if (lines.length > 0) later(plain, () => plain.write(...lines));
}

function showQuestion(plain: Plain, picture: Picture, approval: Approval): void {
  const { answering, answers, look, terminal } = plain;
  if (plain.asked.has(approval.id)) return;
  plain.asked.add(approval.id);
  later(plain, async () => {
    const evidence = await answers.evidence(approval).catch(() => ({ texts: {} }));
    const question = { approval, evidence, who: whoAsks(picture, approval) };
    const id = shortId(approval.id);
    const how = `  To answer: signalbox approve ${id}   or: signalbox deny ${id}   (signalbox approvals show ${id} shows all of it)`;
    const full = answering === 'delegate' ? renderEvidence(question, look, { plan: false }).map((line) => `    ${line}`) : [];
    plain.write('', ...renderQuestion(question, terminal.now(), look), ...full, ...(answering === 'ask' ? [how] : []));
    if (answering !== 'delegate') return;
    plain.settled.add(approval.id);
    plain.write(look.paint.green(await answers.delegate(approval)));
  });
}

/** Each thing that happened to an open question is told once, on a line of its own. */
function showNews(plain: Plain, approval: Approval): void {
  const { told, look } = plain;
  const news = describeNews(approval);
  const before = told.get(approval.id);
  told.set(approval.id, news);
  // What had happened before it was shown stands in the question itself.
  if (before === undefined) return;
  for (const line of news.filter((each) => !before.includes(each)))
    later(plain, () => plain.write(look.paint.dim(`${shortId(approval.id)}  ${line}`)));
}

function showAnswer(plain: Plain, approval: Approval | undefined): void {
  const { look, settled } = plain;
  if (!approval || approval.status === 'pending' || settled.has(approval.id)) return;
  settled.add(approval.id);
  const status = approval.status === 'used' || approval.status === 'lapsed' ? 'granted' : approval.status;
  const words = approval.reason ? ` (${cleanLine(approval.reason)})` : '';
  const line = `${status}${approval.by === undefined ? '' : ` by ${cleanLine(approval.by)}`}: ${cleanLine(approval.summary)}${words}`;
  later(plain, () => plain.write(status === 'granted' ? look.paint.green(line) : look.paint.red(line), ''));
}

/** Tells, for each set of rows, which have moved since they were last told of. */
function createMoves(): (rows: readonly StageRow[], now: number) => StageRow[] {
  const told = new Map<string, string>();
  const briefs = new Map<string, { key: string; since: number }>();
  return (rows, now) =>
    rows.filter((row) => {
      // How many questions are left is no news: each answer is told of anyway.
      const key = `${row.mark} ${row.mark === 'waiting' ? row.text.replace(/\d+ approvals$/, 'an approval') : row.text}`;
      if (row.mark === 'notBegun' || told.get(row.id) === key) return false;
      if (row.brief) {
        const brief = briefs.get(row.id);
        if (brief?.key !== key) briefs.set(row.id, { key, since: now });
        if (brief?.key !== key || now - brief.since < BRIEF_MS) return false;
      } else briefs.delete(row.id);
      told.set(row.id, key);
      return true;
    });
}
