/**
 * Watches one run until it ends, or whoever watches goes: shows it, and puts its questions to the person.
 *
 * 1. What is shown comes from the replica only.
 * 2. An answer is sent once; the question goes when the record says that it is settled, whoever settled it.
 * 3. However watching ends, the terminal is as it was before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../../shared/client/client.ts';
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

/** What happens with questions: put to the person here, denied, or shown in full and given to a delegate. */
export type Answering = 'ask' | 'deny' | 'delegate';

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
  /** Shows the last picture and gives the terminal back; resolves when all is written. */
  close(picture: Picture | undefined): Promise<void>;
}

export interface Answers {
  answer(approval: Approval, answer: 'grant' | 'deny', reason: string): Promise<void>;
  evidence(approval: Approval): Promise<Evidence>;
  /** Has the delegate answer, and gives the sentence that says so; a failure ends the watching. */
  delegate(approval: Approval): Promise<string>;
  interrupt(): void;
  leave(): void;
}

export interface WatchOptions {
  terminal: Terminal;
  reach: Reach;
  connection: Connection;
  run: string;
  answering: Answering;
  /** Answers in the person's place, once the question was shown; gives the sentence that says so. */
  delegate?: (approval: Approval) => Promise<string>;
  /** Plain lines go to standard error, because standard output carries a document. */
  aside: boolean;
}

const CANCEL_MS = 10_000;

/** Watches a run; resolves when it ended, was left, or was interrupted. The connection that was given is closed. */
export async function watchRun(options: WatchOptions): Promise<WatchEnd> {
  const { terminal, run } = options;
  const definition = (await options.connection.client.call('run/get', { run })).definition;
  let interrupted = false;
  let settle: (end: WatchEnd) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const done = new Promise<WatchEnd>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  let following: Following | undefined;
  let view: View | undefined;

  const onChange = (): void => {
    const picture = following && takePicture(following, run, definition);
    if (!picture) return;
    view?.update(picture);
    if (options.answering === 'deny') denyAll(picture);
    if (runEnded(picture.run)) settle({ kind: interrupted ? 'interrupted' : 'ended', picture });
  };
  const call = <Result>(work: (client: Client) => Promise<Result>): Promise<Result> =>
    following ? following.callAgain(work) : work(options.connection.client);
  const cancel = async (): Promise<void> => {
    const bound = sleep(CANCEL_MS, undefined, { ref: false });
    await Promise.race([
      bound,
      call((client) => client.call('run/cancel', { run, reason: 'Interrupted in the terminal.' })).catch(ignoreEnded),
    ]);
    await Promise.race([bound, done]);
    const picture = following && takePicture(following, run, definition);
    settle(picture ? { kind: 'interrupted', picture } : { kind: 'left' });
  };
  const interrupts = listenForInterrupts(
    () => {
      interrupted = true;
      view?.notice('Canceling the run; press Ctrl-C again to leave at once.');
      cancel().catch(fail);
    },
    () => void view?.close(undefined),
  );
  const denied = new Set<string>();
  const denyAll = (picture: Picture): void => {
    for (const approval of listQuestions(picture)) {
      if (denied.has(approval.id)) continue;
      denied.add(approval.id);
      answers.answer(approval, 'deny', 'Denied by --approve=deny.').catch(() => denied.delete(approval.id));
    }
  };
  const answers: Answers = {
    answer: (approval, answer, reason) => call((client) => answerOnce(client, approval, answer, reason)),
    evidence: (approval) => call((client) => loadEvidence(client, approval)),
    delegate: async (approval) => {
      try {
        return (await options.delegate?.(approval)) ?? '';
      } catch (error) {
        fail(error);
        return '';
      }
    },
    interrupt: interrupts.raise,
    leave: () => settle({ kind: 'left' }),
  };

  try {
    const live = terminal.live && !options.aside;
    view = live
      ? createLiveView(terminal, answers, options.answering === 'ask' && terminal.interactive)
      : createPlainView(terminal, answers, options);
    following = await follow({ ...options, scope: { kind: 'run', run }, onChange, onNotice: (sentence) => view?.notice(sentence) });
    onChange();
    const stopped = following.ended.then((reason): WatchEnd => ({ kind: 'stopped', reason }));
    const end = await Promise.race([done, stopped]);
    await view.close('picture' in end ? end.picture : takePicture(following, run, definition));
    view = undefined;
    return end;
  } finally {
    await view?.close(undefined);
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

async function answerOnce(client: Client, approval: Approval, answer: 'grant' | 'deny', reason: string): Promise<void> {
  try {
    await client.call('approval/answer', { approval: approval.id, answer, reason });
  } catch (error) {
    // Somebody else was quicker: the record says who.
    if (!(error instanceof SignalboxError) || error.code !== 'approval_settled') throw error;
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof SignalboxError) || error.code !== 'run_ended') throw error;
}
