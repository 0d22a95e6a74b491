// The live view: the run's stages, redrawn in place, and below them the question that is asked.
import type { Approval } from '../../../shared/state/approval.ts';
import { approvalsOf } from '../../../shared/state/select.ts';
import type { Evidence } from '../artifacts.ts';
import { shortId } from '../ids.ts';
import { type Question, renderEvidence, renderKeys, renderQuestion } from '../render/question.ts';
import { fitRun, renderRun } from '../render/run.ts';
import { describeStages, listQuestions, type Picture, whoAsks } from '../render/stages.ts';
import { cutText } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import { type Asking, NOTHING_ASKED, passQuestion, placeOf, readKey, reopenQuestions, updateAsking } from './asking.ts';
import { openScreen } from './screen.ts';
import type { Answers, View } from './watch.ts';

const FRAME_MS = 100;
/** Lines of a question that are put into the scrollback at once. */
const MAX_VIEW = 1_000;
/** Lines that a question leaves to the stages at least. */
const STAGE_LINES = 4;

/** A view that redraws itself ten times a second at most; with `asks` it puts questions and reads keys. */
export function createLiveView(terminal: Terminal, answers: Answers, asks: boolean): View {
  const screen = openScreen(terminal);
  const evidence = new Map<string, Evidence | 'loading'>();
  let picture: Picture | undefined;
  let asking: Asking = NOTHING_ASKED;

  const load = (approval: Approval): void => {
    if (evidence.has(approval.id)) return;
    evidence.set(approval.id, 'loading');
    answers.evidence(approval).then(
      (loaded) => evidence.set(approval.id, loaded),
      () => evidence.delete(approval.id),
    );
  };
  const readable = (id: string): boolean => typeof evidence.get(id) === 'object';
  const draw = (): void => {
    if (!picture) return;
    const now = terminal.now();
    const open = asks ? listQuestions(picture) : [];
    for (const approval of open) load(approval);
    asking = updateAsking(asking, open, now, readable);
    const question = questionOf(picture, asking, evidence);
    const postponed = open.length > 0 && open.every((approval) => asking.passed.has(approval.id));
    screen.draw(compose(picture, question ?? (postponed ? 'postponed' : undefined), terminal, now));
  };
  const describe = (approval: Approval, loaded: Evidence): string[] => {
    const look = lookOf(terminal);
    const question = { approval, evidence: loaded, who: picture ? whoAsks(picture, approval) : '' };
    const lines = [...renderQuestion(question, terminal.now(), look), '', ...renderEvidence(question, look)];
    const more =
      lines.length > MAX_VIEW
        ? [look.paint.yellow(`${lines.length - MAX_VIEW} more lines: signalbox approvals show ${shortId(approval.id)}`)]
        : [];
    return ['', ...lines.slice(0, MAX_VIEW), ...more, ''];
  };
  const act = (key: string): void => {
    const intent = readKey(asking, key, terminal.now());
    if (!intent || !picture) return;
    if (intent.do === 'interrupt') return answers.interrupt();
    if (intent.do === 'quit') return answers.leave();
    if (intent.do === 'again') {
      asking = reopenQuestions(asking);
      return draw();
    }
    const approval = picture.state.approvals.get(intent.approval);
    if (!approval) return;
    const loaded = evidence.get(approval.id);
    if (intent.do === 'view') return screen.printAbove(describe(approval, typeof loaded === 'object' ? loaded : { texts: {} }));
    asking = passQuestion(asking, approval.id);
    if (intent.do === 'later') {
      screen.printAbove([terminal.paint.dim(`Left pending: signalbox approve ${shortId(approval.id)}, or deny.`)]);
    } else {
      const word = intent.do === 'grant' ? terminal.paint.green('approved') : terminal.paint.red('denied');
      answers.answer(approval, intent.do, '').then(
        () => screen.printAbove([`${word}  ${cutText(approval.summary, terminal.width() - 12)}`]),
        (error: unknown) => {
          asking = reopenQuestions(asking, approval.id);
          screen.printAbove([terminal.paint.red(`The answer was not taken: ${error instanceof Error ? error.message : String(error)}`)]);
        },
      );
    }
    draw();
  };
  const stopKeys = terminal.interactive ? terminal.readKeys((keys) => [...keys].forEach(act)) : () => undefined;
  const timer = setInterval(draw, FRAME_MS);
  let closed = false;
  return {
    update: (next) => void (picture = next),
    notice: (sentence) => screen.printAbove([terminal.paint.yellow(sentence)]),
    async close(last) {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      stopKeys();
      if (last) screen.draw(renderRun(last, terminal.now(), lookOf(terminal)));
      screen.leave();
    },
  };
}

function lookOf(terminal: Terminal) {
  return { width: terminal.width(), paint: terminal.paint, glyphs: terminal.glyphs };
}

function questionOf(picture: Picture, asking: Asking, evidence: ReadonlyMap<string, Evidence | 'loading'>): Question | undefined {
  const approval = picture.state.approvals.get(asking.current ?? '');
  if (approval?.status !== 'pending') return undefined;
  const loaded = evidence.get(approval.id);
  const position = placeOf(asking, approvalsOf(picture.state, picture.run.id));
  return { approval, who: whoAsks(picture, approval), position, ...(typeof loaded === 'object' ? { evidence: loaded } : {}) };
}

function compose(picture: Picture, question: Question | 'postponed' | undefined, terminal: Terminal, now: number): string[] {
  const look = lookOf(terminal);
  const height = terminal.rows() - 1;
  const run = renderRun(picture, now, look);
  const rows = describeStages(picture);
  if (typeof question !== 'object') {
    const keys = `${question === 'postponed' ? 'r asks again, ' : ''}q leaves it running, Ctrl-C cancels it`;
    return [...fitRun(run, rows, height - 1), ...(terminal.interactive ? [look.paint.dim(cutText(keys, look.width))] : [])];
  }
  const keys = renderKeys(question.evidence, look);
  const body = renderQuestion(question, now, look);
  const room = height - keys.length - 1;
  const stages = fitRun(run, rows, Math.max(STAGE_LINES, room - body.length));
  const left = Math.max(2, room - stages.length);
  const shown = body.length <= left ? body : [...body.slice(0, left - 1), look.paint.dim('  … [v] shows the rest')];
  return [...stages, '', ...shown, ...keys];
}
