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
import type { ParamsOf } from '../../../shared/protocol/methods.ts';
import type { Approval } from '../../../shared/state/approval.ts';
import { runEnded } from '../../../shared/state/run.ts';
import type { WorkflowDefinition } from '../../../shared/state/workflow.ts';
import { type Evidence, loadEvidence } from '../artifacts.ts';
import type { Connection } from '../../../shared/client/connect.ts';
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
  answer(approval: Approval, answer: 'grant' | 'deny', reason: string, choice?: string): Promise<void>;
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

interface Watch {
  options: WatchOptions;
  definition: WorkflowDefinition;
  /** Digest of the definition that is shown, or being asked for: a list, or a person, may add stages. */
  digest: string;
  following?: Following;
  view?: View;
  interrupted: boolean;
  /** Ids of the questions that were denied here. */
  denied: Set<string>;
  done: Promise<WatchEnd>;
  settle: (end: WatchEnd) => void;
  fail: (error: unknown) => void;
}

/** Watches a run; resolves when it ended, was left, or was interrupted. The connection that was given is closed. */
export async function watchRun(options: WatchOptions): Promise<WatchEnd> {
  const { terminal, run } = options;
  const watch = await beginWatch(options);
  const interrupts = listenForInterrupts(
    () => {
      watch.interrupted = true;
      watch.view?.notice('Canceling the run; press Ctrl-C again to leave at once.');
      cancelRun(watch).catch(watch.fail);
    },
    () => void watch.view?.close(undefined),
  );
  const answers = answersOf(watch, interrupts.raise);
  try {
    const live = terminal.live && !options.aside;
    const asks = options.answering === 'ask' && terminal.interactive;
    watch.view = live ? createLiveView(terminal, answers, asks) : createPlainView(terminal, answers, options);
    const onChange = (): void => onChanged(watch, answers);
    const onNotice = (sentence: string): void => watch.view?.notice(sentence);
    watch.following = await follow({ ...options, scope: { kind: 'run', run }, onChange, onNotice });
    onChange();
    const stopped = watch.following.ended.then((reason): WatchEnd => ({ kind: 'stopped', reason }));
    const end = await Promise.race([watch.done, stopped]);
    await watch.view.close('picture' in end ? end.picture : takePicture(watch));
    return end;
  } finally {
    await watch.view?.close(undefined);
    interrupts.close();
    watch.following?.close();
    options.connection.close();
  }
}

async function beginWatch(options: WatchOptions): Promise<Watch> {
  const { definition, run } = await options.connection.client.call('run/get', { run: options.run });
  let settle: Watch['settle'] = () => undefined;
  let fail: Watch['fail'] = () => undefined;
  const done = new Promise<WatchEnd>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  // It may fail while nobody waits for it yet.
  done.catch(() => undefined);
  return { options, definition, digest: run.workflow.digest, interrupted: false, denied: new Set(), done, settle, fail };
}

function onChanged(watch: Watch, answers: Answers): void {
  const picture = takePicture(watch);
  if (!picture) return;
  if (picture.run.workflow.digest !== watch.digest) renewDefinition(watch, answers, picture.run.workflow.digest);
  watch.view?.update(picture);
  if (watch.options.answering === 'deny') denyAll(watch, answers, picture);
  if (runEnded(picture.run)) watch.settle({ kind: watch.interrupted ? 'interrupted' : 'ended', picture });
}

function renewDefinition(watch: Watch, answers: Answers, digest: string): void {
  watch.digest = digest;
  callDaemon(watch, (client) => client.call('run/get', { run: watch.options.run })).then(({ definition }) => {
    watch.definition = definition;
    onChanged(watch, answers);
  }, watch.fail);
}

function denyAll({ denied }: Watch, answers: Answers, picture: Picture): void {
  for (const approval of listQuestions(picture)) {
    if (denied.has(approval.id)) continue;
    denied.add(approval.id);
    answers.answer(approval, 'deny', 'Denied by --approve=deny.').catch(() => denied.delete(approval.id));
  }
}

function callDaemon<Result>({ following, options }: Watch, work: (client: Client) => Promise<Result>): Promise<Result> {
  return following ? following.callAgain(work) : work(options.connection.client);
}

async function cancelRun(watch: Watch): Promise<void> {
  const bound = sleep(CANCEL_MS, undefined, { ref: false });
  const cancel = { run: watch.options.run, reason: 'Interrupted in the terminal.' };
  await Promise.race([bound, callDaemon(watch, (client) => client.call('run/cancel', cancel)).catch(ignoreEnded)]);
  await Promise.race([bound, watch.done]);
  const picture = takePicture(watch);
  watch.settle(picture ? { kind: 'interrupted', picture } : { kind: 'left' });
}

function answersOf(watch: Watch, interrupt: () => void): Answers {
  return {
    answer: (approval, answer, reason, choice) =>
      callDaemon(watch, (client) =>
        answerOnce(client, { approval: approval.id, answer, reason, ...(choice === undefined ? {} : { choice }) }),
      ),
    evidence: (approval) => callDaemon(watch, (client) => loadEvidence(client, approval)),
    async delegate(approval) {
      try {
        return (await watch.options.delegate?.(approval)) ?? '';
      } catch (error) {
        watch.fail(error);
        return '';
      }
    },
    interrupt,
    leave: () => watch.settle({ kind: 'left' }),
  };
}

function takePicture({ following, definition, options }: Watch): Picture | undefined {
  const state = following?.replica.state();
  const run = state?.runs.get(options.run);
  return following && state && run && { state, run, definition, progress: following.replica.progress };
}

async function answerOnce(client: Client, params: ParamsOf<'approval/answer'>): Promise<void> {
  try {
    await client.call('approval/answer', params);
  } catch (error) {
    // Somebody else was quicker: the record says who.
    if (!(error instanceof SignalboxError) || error.code !== 'approval_settled') throw error;
  }
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof SignalboxError) || error.code !== 'run_ended') throw error;
}
