// The live view: the run's stages, redrawn in place, and below them the question that is asked.
import type { Approval } from '../../../shared/state/approval.ts';
import { approvalsOf } from '../../../shared/state/select.ts';
import type { Evidence } from '../artifacts.ts';
import { shortId } from '../ids.ts';
import { type Question, renderEvidence, renderKeys, renderQuestion } from '../render/question.ts';
import { fitRun, renderRun } from '../render/run.ts';
import { describeStages, listQuestions, type Picture, whoAsks } from '../render/stages.ts';
import { cleanLine, cutText } from '../render/text.ts';
import type { Terminal } from '../terminal.ts';
import { type Asking, NOTHING_ASKED, passQuestion, placeOf, readKey, reopenQuestions, updateAsking } from './asking.ts';
import { openScreen, type Screen } from './screen.ts';
import type { Answers, View } from './watch.ts';

const FRAME_MS = 100;
/** Lines of a question that are put into the scrollback at once. */
const MAX_VIEW = 1_000;
/** Lines that a question leaves to the stages at least. */
const STAGE_LINES = 4;

interface Live {
  terminal: Terminal;
  answers: Answers;
  asks: boolean;
  screen: Screen;
  /** What the questions show, as far as it has been loaded. */
  evidence: Map<string, Evidence | 'loading'>;
  asking: Asking;
  picture?: Picture;
}

/** A view that redraws itself ten times a second at most; with `asks` it puts questions and reads keys. */
export function createLiveView(terminal: Terminal, answers: Answers, asks: boolean): View {
  const live: Live = { terminal, answers, asks, screen: openScreen(terminal), evidence: new Map(), asking: NOTHING_ASKED };
  const onKeys = (keys: string): void => {
    for (const key of keys) act(live, key);
  };
  const stopKeys = terminal.interactive ? terminal.readKeys(onKeys) : () => undefined;
  const timer = setInterval(() => draw(live), FRAME_MS);
  let closed = false;
  return {
    update: (next) => void (live.picture = next),
    notice: (sentence) => live.screen.printAbove([terminal.paint.yellow(sentence)]),
    async close(last) {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      stopKeys();
      if (last) live.screen.draw(renderRun(last, terminal.now(), lookOf(terminal)));
      live.screen.leave();
    },
  };
}

function draw(live: Live): void {
  const { picture, terminal } = live;
  if (!picture) return;
  const now = terminal.now();
  const open = live.asks ? listQuestions(picture) : [];
  for (const approval of open) load(live, approval);
  live.asking = updateAsking(live.asking, open, now, (id) => typeof live.evidence.get(id) === 'object');
  const question = questionOf(picture, live.asking, live.evidence);
  const postponed = open.length > 0 && open.every((approval) => live.asking.passed.has(approval.id));
  live.screen.draw(compose(picture, question ?? (postponed ? 'postponed' : undefined), terminal, now));
}

function load({ evidence, answers }: Live, approval: Approval): void {
  if (evidence.has(approval.id)) return;
  evidence.set(approval.id, 'loading');
  answers.evidence(approval).then(
    (loaded) => evidence.set(approval.id, loaded),
    () => evidence.delete(approval.id),
  );
}

function act(live: Live, key: string): void {
  const { picture, terminal } = live;
  const intent = readKey(live.asking, key, terminal.now());
  if (!intent) return;
  if (intent.do === 'interrupt') return live.answers.interrupt();
  if (intent.do === 'quit') return live.answers.leave();
  if (intent.do === 'again') {
    live.asking = reopenQuestions(live.asking);
    return draw(live);
  }
  const approval = picture?.state.approvals.get(intent.approval);
  if (!picture || !approval) return;
  if (intent.do === 'view') return live.screen.printAbove(describe(live, picture, approval));
  if (intent.do === 'skip' && !approval.choices?.includes('skip')) return;
  live.asking = passQuestion(live.asking, approval.id);
  if (intent.do === 'later')
    live.screen.printAbove([terminal.paint.dim(`Left pending: ${cutText(cleanLine(approval.summary), terminal.width() - 14)}`)]);
  else answer(live, approval, intent.do);
  draw(live);
}

function answer(live: Live, approval: Approval, answered: 'grant' | 'deny' | 'skip'): void {
  const { terminal, screen } = live;
  const word = answered === 'deny' ? terminal.paint.red('denied') : terminal.paint.green(answered === 'skip' ? 'skipped' : 'approved');
  const choice = answered === 'skip' ? 'skip' : undefined;
  live.answers.answer(approval, answered === 'deny' ? 'deny' : 'grant', '', choice).then(
    () => screen.printAbove([`${word}  ${cutText(cleanLine(approval.summary), terminal.width() - 12)}`]),
    (error: unknown) => {
      live.asking = reopenQuestions(live.asking, approval.id);
      screen.printAbove([terminal.paint.red(`The answer was not taken: ${error instanceof Error ? error.message : String(error)}`)]);
    },
  );
}

/** The whole question, for the scrollback. */
function describe({ terminal, evidence }: Live, picture: Picture, approval: Approval): string[] {
  const look = lookOf(terminal);
  const loaded = evidence.get(approval.id);
  const question = { approval, who: whoAsks(picture, approval), ...(typeof loaded === 'object' ? { evidence: loaded } : {}) };
  const lines = [...renderQuestion(question, terminal.now(), look), '', ...renderEvidence(question, look)];
  const more =
    lines.length > MAX_VIEW
      ? [look.paint.yellow(`${lines.length - MAX_VIEW} more lines: signalbox approvals show ${shortId(approval.id)}`)]
      : [];
  return ['', ...lines.slice(0, MAX_VIEW), ...more, ''];
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
  const keys = renderKeys(question, look);
  const body = renderQuestion(question, now, look);
  const room = height - keys.length - 1;
  const stages = fitRun(run, rows, Math.max(STAGE_LINES, room - body.length));
  const left = Math.max(2, room - stages.length);
  const shown = body.length <= left ? body : [...body.slice(0, left - 1), look.paint.dim('  … [v] shows the rest')];
  return [...stages, '', ...shown, ...keys];
}
