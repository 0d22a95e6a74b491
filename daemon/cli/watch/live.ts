// The live view: the run's stages, redrawn in place, and below them the question that is asked.
import type { Approval } from '../../../shared/state/approval.ts';
import type { Evidence } from '../artifacts.ts';
import { shortId } from '../ids.ts';
import { type Question, renderEvidence, renderKeys, renderQuestion } from '../render/question.ts';
import { fitRun, renderRun } from '../render/run.ts';
import { describeStages, listQuestions, type Picture, whoAsks } from '../render/stages.ts';
import { cutText } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import { type Asking, NOTHING_ASKED, passQuestion, readKey, reopenQuestion, updateAsking } from './asking.ts';
import { openScreen } from './screen.ts';
import type { Answers, View } from './watch.ts';

const FRAME_MS = 100;
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
    screen.draw(compose(picture, questionOf(picture, asking, open, evidence), terminal, now));
  };
  const act = (key: string): void => {
    const intent = readKey(asking, key, terminal.now());
    if (!intent || !picture) return;
    if (intent.do === 'interrupt') return answers.interrupt();
    if (intent.do === 'quit') return answers.leave();
    const approval = picture.state.approvals.get(intent.approval);
    if (!approval) return;
    const loaded = evidence.get(approval.id);
    if (intent.do === 'view') return screen.printAbove(typeof loaded === 'object' ? ['', ...renderEvidence({ approval, evidence: loaded }, lookOf(terminal)), ''] : []);
    asking = passQuestion(asking, approval.id);
    if (intent.do === 'later') {
      screen.printAbove([terminal.paint.dim(`Left pending: signalbox approve ${shortId(approval.id)}, or deny.`)]);
    } else {
      const word = intent.do === 'grant' ? terminal.paint.green('approved') : terminal.paint.red('denied');
      answers.answer(approval, intent.do, '').then(
        () => screen.printAbove([`${word}  ${cutText(approval.summary, terminal.width() - 12)}`]),
        (error: unknown) => {
          asking = reopenQuestion(asking, approval.id);
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

function questionOf(picture: Picture, asking: Asking, open: readonly Approval[], evidence: ReadonlyMap<string, Evidence | 'loading'>): Question | undefined {
  const approval = open.find((candidate) => candidate.id === asking.current);
  if (!approval) return undefined;
  const waiting = open.filter((candidate) => !asking.passed.has(candidate.id));
  const loaded = evidence.get(approval.id);
  return {
    approval,
    who: whoAsks(picture, approval),
    ...(typeof loaded === 'object' ? { evidence: loaded } : {}),
    position: { index: waiting.findIndex((candidate) => candidate.id === approval.id) + 1, total: waiting.length },
  };
}

function compose(picture: Picture, question: Question | undefined, terminal: Terminal, now: number): string[] {
  const look = lookOf(terminal);
  const height = terminal.rows() - 1;
  const run = renderRun(picture, now, look);
  const rows = describeStages(picture);
  if (!question) return [...fitRun(run, rows, height - 1), look.paint.dim(cutText('q leaves it running, Ctrl-C cancels it', look.width))];
  const keys = renderKeys(question.evidence, look);
  const body = renderQuestion(question, now, look);
  const room = height - keys.length - 2;
  const stages = fitRun(run, rows, Math.max(STAGE_LINES, room - body.length));
  const left = Math.max(2, room - stages.length);
  const shown = body.length <= left ? body : [...body.slice(0, left - 1), look.paint.dim('  … [v] shows the rest')];
  return [...stages, '', ...shown, ...keys];
}
