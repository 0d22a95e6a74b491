// The plain view: one line for each change, for pipes, logs and dumb terminals.
import { shortId } from '../ids.ts';
import { renderEvidence, renderQuestion } from '../render/question.ts';
import { renderMove } from '../render/run.ts';
import { describeStages, listQuestions, type Picture, type StageRow, whoAsks } from '../render/stages.ts';
import { cleanLine, widthOf } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import type { Answers, View, WatchOptions } from './watch.ts';

/** States that usually last no moment are written when they last this long, in milliseconds. */
const BRIEF_MS = 1_000;

/** A view that writes lines to standard output, or to standard error when `aside` is set. */
export function createPlainView(terminal: Terminal, answers: Answers, options: Pick<WatchOptions, 'answering' | 'aside'>): View {
  const write = options.aside ? terminal.note : terminal.print;
  const paint = options.aside ? terminal.errorPaint : terminal.paint;
  const look = { ...terminal.textLook(), paint };
  const moves = createMoves();
  const asked = new Set<string>();
  const settled = new Set<string>();
  let picture: Picture | undefined;
  // What takes a moment to load holds back what comes after it, so that lines stay in their order.
  let queue = Promise.resolve();

  const showMoves = (): void => {
    if (!picture) return;
    const ids = Math.min(24, Math.max(0, ...picture.definition.stages.map((stage) => widthOf(stage.id))));
    const lines = moves(describeStages(picture), terminal.now()).map((row) => renderMove(row, ids, look));
    if (lines.length > 0) queue = queue.then(() => write(...lines));
  };
  const showQuestions = (current: Picture): void => {
    for (const approval of listQuestions(current)) {
      if (asked.has(approval.id)) continue;
      asked.add(approval.id);
      queue = queue.then(async () => {
        const evidence = await answers.evidence(approval).catch(() => ({ texts: {} }));
        const question = { approval, evidence, who: whoAsks(current, approval) };
        const id = shortId(approval.id);
        const ask =
          options.answering === 'ask'
            ? [`  To answer: signalbox approve ${id}   or: signalbox deny ${id}   (signalbox approvals show ${id} shows all of it)`]
            : [];
        const full = options.answering === 'delegate' ? renderEvidence(question, look, { plan: false }).map((line) => `    ${line}`) : [];
        write('', ...renderQuestion(question, terminal.now(), look), ...full, ...ask);
        if (options.answering !== 'delegate') return;
        settled.add(approval.id);
        write(paint.green(await answers.delegate(approval)));
      });
    }
  };
  const showAnswers = (current: Picture): void => {
    for (const id of asked) {
      const approval = current.state.approvals.get(id);
      if (!approval || approval.status === 'pending' || settled.has(id)) continue;
      settled.add(id);
      const status = approval.status === 'used' || approval.status === 'lapsed' ? 'granted' : approval.status;
      const words = approval.reason ? ` (${cleanLine(approval.reason)})` : '';
      const line = `${status}${approval.by === undefined ? '' : ` by ${cleanLine(approval.by)}`}: ${cleanLine(approval.summary)}${words}`;
      queue = queue.then(() => write(status === 'granted' ? paint.green(line) : paint.red(line), ''));
    }
  };
  const timer = setInterval(showMoves, BRIEF_MS / 2);
  return {
    update(next) {
      picture = next;
      showMoves();
      showQuestions(next);
      showAnswers(next);
    },
    notice: (sentence) => terminal.note(terminal.errorPaint.yellow(sentence)),
    async close() {
      clearInterval(timer);
      await queue;
    },
  };
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
      }
      told.set(row.id, key);
      return true;
    });
}
