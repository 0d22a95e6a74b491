// The plain view: one line for each change, for pipes, logs and dumb terminals.
import { shortId } from '../ids.ts';
import { renderQuestion } from '../render/question.ts';
import { renderChanges } from '../render/run.ts';
import { describeStages, listQuestions, type Picture, type StageRow, whoAsks } from '../render/stages.ts';
import { cleanLine } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import type { Answering, Answers, View } from './watch.ts';

/** A view that writes lines to standard output, or to standard error when `aside` is set. */
export function createPlainView(terminal: Terminal, answers: Answers, { answering, aside }: { answering: Answering; aside: boolean }): View {
  const write = aside ? terminal.note : terminal.print;
  const paint = aside ? terminal.errorPaint : terminal.paint;
  const look = { ...terminal.textLook(), paint };
  const asked = new Set<string>();
  const settled = new Set<string>();
  let rows: readonly StageRow[] = [];
  let queue = Promise.resolve();

  const update = (picture: Picture): void => {
    const next = describeStages(picture);
    const lines = renderChanges(rows, next, look);
    rows = next;
    if (lines.length > 0) queue = queue.then(() => write(...lines));
    for (const approval of listQuestions(picture)) {
      if (asked.has(approval.id)) continue;
      asked.add(approval.id);
      if (answering === 'leave') continue;
      // The evidence takes a moment; what comes after it waits, so that lines stay in their order.
      queue = queue.then(async () => {
        const evidence = await answers.evidence(approval).catch(() => ({ texts: {} }));
        const id = shortId(approval.id);
        const how = answering === 'deny' ? [] : [`  Answer with: signalbox approve ${id}   or: signalbox deny ${id}   (signalbox approvals show ${id} shows all)`];
        write(...renderQuestion({ approval, who: whoAsks(picture, approval), evidence }, terminal.now(), look), ...how);
      });
    }
    for (const id of asked) {
      const approval = picture.state.approvals.get(id);
      if (!approval || approval.status === 'pending' || settled.has(id)) continue;
      settled.add(id);
      const status = approval.status === 'used' || approval.status === 'lapsed' ? 'granted' : approval.status;
      const line = `${approval.by === undefined ? '' : `${cleanLine(approval.by)} `}${status}: ${cleanLine(approval.summary)}`;
      if (answering !== 'leave') queue = queue.then(() => write(status === 'granted' ? paint.green(line) : paint.red(line)));
    }
  };
  return {
    update,
    notice: (sentence) => terminal.note(terminal.errorPaint.yellow(sentence)),
    async close(last) {
      if (last) update(last);
      await queue;
    },
  };
}
