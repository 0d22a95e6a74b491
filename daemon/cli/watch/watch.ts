/**
 * Watches one run until it ends, or whoever watches goes: shows it, and puts its questions to the person.
 *
 * 1. What is shown comes from the replica only.
 * 2. An answer is sent once; the question goes when the record says that it is settled, whoever settled it.
 * 3. However watching ends, the terminal is as it was before.
 */
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { Approval } from '../../../shared/state/approval.ts';
import { runEnded } from '../../../shared/state/run.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { type Evidence, loadEvidence } from '../artifacts.ts';
import type { Connection } from '../connect/connection.ts';
import type { Reach } from '../connect/reach.ts';
import { listQuestions, type Picture } from '../render/stages.ts';
import type { Terminal } from '../terminal.ts';
import { type Following, follow } from './follow.ts';
import { listenForInterrupts } from './interrupts.ts';
import { createLiveView } from './live.ts';
import { createPlainView } from './plain.ts';

/** What happens with questions: put to the person here, denied, or left to somebody else. */
export type Answering = 'ask' | 'deny' | 'leave';

export type WatchEnd =
  | { kind: 'ended'; picture: Picture }
  /** The person quit watching; the run goes on. */
  | { kind: 'left' }
  | { kind: 'interrupted'; picture: Picture }
  | { kind: 'stopped'; reason: string };

/** Shows a run and asks its questions; `live` redraws, `plain` writes lines. */
export interface View {
  update(picture: Picture): void;
  notice(sentence: string): void;
  close(picture: Picture | undefined): void;
}

export interface Answers {
  answer(approval: Approval, answer: 'grant' | 'deny', reason: string): Promise<void>;
  evidence(approval: Approval): Promise<Evidence>;
  interrupt(): void;
  leave(): void;
}

export interface WatchOptions {
  terminal: Terminal;
  reach: Reach;
  connection: Connection;
  run: string;
  answering: Answering;
  /** Plain lines go to standard error, because standard output carries a document. */
  aside: boolean;
}

const CANCEL_MS = 10_000;

/** Watches a run; resolves when it ended, was left, or was interrupted. The connection that was given is closed. */
export async function watchRun(options: WatchOptions): Promise<WatchEnd> {
  const { terminal, run } = options;
  const definition = (await options.connection.client.call('run/get', { run })).definition;
  let settle: (end: WatchEnd) => void = () => undefined;
  const done = new Promise<WatchEnd>((resolve) => (settle = resolve));
  let following: Following | undefined;
  let view: View | undefined;

  const onChange = (): void => {
    const picture = following && takePicture(following, run, definition);
    if (!picture) return;
    view?.update(picture);
    if (options.answering === 'deny') denyAll(picture);
    if (runEnded(picture.run)) settle({ kind: 'ended', picture });
  };
  const interrupts = listenForInterrupts(
    () => {
      view?.notice('Canceling the run; press Ctrl-C again to leave at once.');
      void cancelRun().then(settle);
    },
    () => view?.close(undefined),
  );
  const cancelRun = async (): Promise<WatchEnd> => {
    const bound = new Promise<void>((resolve) => setTimeout(resolve, CANCEL_MS).unref());
    const cancel = following?.callAgain((client) => client.call('run/cancel', { run, reason: 'Interrupted in the terminal.' })).catch(ignoreEnded);
    await Promise.race([cancel?.then(() => done), bound]);
    const picture = following && takePicture(following, run, definition);
    return picture ? { kind: 'interrupted', picture } : { kind: 'left' };
  };
  const denied = new Set<string>();
  const denyAll = (picture: Picture): void => {
    for (const approval of listQuestions(picture)) {
      if (denied.has(approval.id)) continue;
      denied.add(approval.id);
      answers.answer(approval, 'deny', 'Denied by --approve=deny.').catch(() => denied.delete(approval.id));
    }
  };
  const answers: Answers = {
    answer: (approval, answer, reason) => answerOnce(following, approval, answer, reason),
    evidence: (approval) => (following ? following.callAgain((client) => loadEvidence(client, approval)) : Promise.resolve({ texts: {} })),
    interrupt: interrupts.raise,
    leave: () => settle({ kind: 'left' }),
  };

  try {
    const live = terminal.live && !options.aside;
    view = live ? createLiveView(terminal, answers, options.answering === 'ask' && terminal.interactive) : createPlainView(terminal, answers, options);
    following = await follow({ ...options, scope: { kind: 'run', run }, onChange, onNotice: (sentence) => view?.notice(sentence) });
    onChange();
    const stopped = following.ended.then((reason): WatchEnd => ({ kind: 'stopped', reason }));
    const end = await Promise.race([done, stopped]);
    view.close('picture' in end ? end.picture : takePicture(following, run, definition));
    view = undefined;
    return end;
  } finally {
    view?.close(undefined);
    interrupts.close();
    following?.close();
    options.connection.close();
  }
}

function takePicture(following: Following, id: string, definition: WorkflowDefinition): Picture | undefined {
  const state = following.replica.state();
  const run = state.runs.get(id);
  return run && { state, run, definition, progress: following.replica.progress };
}

async function answerOnce(following: Following | undefined, approval: Approval, answer: 'grant' | 'deny', reason: string): Promise<void> {
  if (!following) return;
  try {
    await following.callAgain((client) => client.call('approval/answer', { approval: approval.id, answer, reason }));
  } catch (error) {
    // Somebody else was quicker: the record says who.
    if (error instanceof SignalboxError && error.code === 'approval_settled') return;
    throw error;
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof SignalboxError) || error.code !== 'run_ended') throw error;
}
