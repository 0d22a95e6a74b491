/**
 * Decides what a command means: the events that record it, or a refusal. Pure: the same state, command and context
 * give the same verdict. An empty list means that all of it was done before.
 */
import type { State } from '../../shared/state/evolve.ts';
import type { Command, CommandOf } from '../commands.ts';
import { leaveAgent, registerAgent } from './agent.ts';
import { moveToArchive, restoreRun } from './archive.ts';
import { answerApproval, revokeApproval } from './answer.ts';
import { decideAction, recordDecisions, useGrant } from './approval.ts';
import {
  callInAttempt,
  commitAttempt,
  endAttempt,
  findInAttempt,
  leaveWorkspace,
  omitCalls,
  placeAttempt,
  openSession,
  planAttempt,
  reportValues,
  runAttempt,
  useAttempt,
} from './attempt.ts';
import { setBreaker } from './breaker.ts';
import { event, refuse, type Context, type Verdict } from './context.ts';
import { escalateStage } from './escalate.ts';
import { addPrincipal, grantTrust, loadPolicy, refusePrincipal, resumeDaemon, revokeTrust, startDaemon, stopDaemon } from './daemon.ts';
import { beginRound, recordVotes } from './deliberate.ts';
import { extendRun } from './extend.ts';
import { acceptHandoff, returnHandoff } from './handoff.ts';
import { endMerge, endUndo, startMerge, startUndo } from './merge.ts';
import { beginRun, cancelRun, continueRun, finishRun, pauseRun, resumeRun, returnRun, startRun, waitForApproval } from './run.ts';
import {
  admitStage,
  cancelStage,
  checkStage,
  completeStage,
  expandStage,
  failStage,
  judgeStage,
  noteLate,
  proposeActions,
  skipStage,
  startStage,
} from './stage.ts';
import { askAboutStage } from './stuck.ts';
import { assignTask, cancelTask, reviveTask, submitTask, wakeTask } from './task.ts';
import {
  acknowledgeFiring,
  failFiring,
  fireTrigger,
  passTrigger,
  pauseTrigger,
  registerTrigger,
  removeTrigger,
  resumeTrigger,
} from './trigger.ts';
import { changeApproval, commentOn, escalateApproval, expireApproval, remindOf, withdrawApproval } from './waiting.ts';

function recordArtifact(state: State, command: CommandOf<'artifact/record'>): Verdict {
  const { run, stage, task, attempt, name, digest, size, mediaType } = command;
  const repo = state.runs.get(run)?.repo;
  if (!state.runs.has(run)) return refuse('not_found', `There is no run ${run}.`, { run });
  const known = state.artifacts.get(run)?.get(name);
  if (known?.digest === digest && !known.stale) return [];
  const of = {
    ...(repo === undefined ? {} : { repo }),
    run,
    ...(stage === undefined ? {} : { stage }),
    ...(task === undefined ? {} : { task }),
    ...(attempt === undefined ? {} : { attempt }),
  };
  return [event('artifact.recorded', `run/${run}`, { ...of, artifact: digest }, { name, digest, size, mediaType })];
}

function redactArtifact(_state: State, { digest, by, reason }: CommandOf<'artifact/redact'>): Verdict {
  return [event('artifact.redacted', `artifact/${digest}`, { artifact: digest }, { digest, by, reason })];
}

function pinArtifact(state: State, { digest, by, reason }: CommandOf<'artifact/pin'>): Verdict {
  if (state.pins.has(digest)) return [];
  return [event('artifact.pinned', `artifact/${digest}`, { artifact: digest }, { digest, by, reason })];
}

function unpinArtifact(state: State, { digest, by }: CommandOf<'artifact/unpin'>): Verdict {
  return state.pins.has(digest) ? [event('artifact.unpinned', `artifact/${digest}`, { artifact: digest }, { digest, by })] : [];
}

const BY_TYPE: { [T in Command['type']]: (state: State, command: CommandOf<T>, context: Context) => Verdict } = {
  'daemon/start': startDaemon,
  'daemon/stop': stopDaemon,
  'daemon/resume': resumeDaemon,
  'principal/add': addPrincipal,
  'principal/refuse': refusePrincipal,
  'agent/register': registerAgent,
  'agent/leave': leaveAgent,
  'agent/breaker': setBreaker,
  'policy/load': loadPolicy,
  'policy/evaluate': recordDecisions,
  'trust/grant': grantTrust,
  'trust/revoke': revokeTrust,
  'trigger/register': registerTrigger,
  'trigger/remove': removeTrigger,
  'trigger/pause': pauseTrigger,
  'trigger/resume': resumeTrigger,
  'trigger/fire': fireTrigger,
  'trigger/pass': passTrigger,
  'trigger/fail': failFiring,
  'trigger/acknowledge': acknowledgeFiring,
  'run/start': startRun,
  'run/begin': beginRun,
  'run/wait': waitForApproval,
  'run/continue': continueRun,
  'run/cancel': cancelRun,
  'run/finish': finishRun,
  'run/pause': pauseRun,
  'run/resume': resumeRun,
  'run/return': returnRun,
  'run/extend': extendRun,
  'stage/start': startStage,
  'stage/check': checkStage,
  'stage/ask': askAboutStage,
  'stage/expand': expandStage,
  'stage/judge': judgeStage,
  'stage/late': noteLate,
  'stage/escalate': escalateStage,
  'stage/deliberate': beginRound,
  'stage/vote': recordVotes,
  'handoff/accept': acceptHandoff,
  'handoff/return': returnHandoff,
  'stage/propose': proposeActions,
  'stage/admit': admitStage,
  'stage/complete': completeStage,
  'stage/fail': failStage,
  'stage/skip': skipStage,
  'stage/cancel': cancelStage,
  'task/submit': submitTask,
  'task/assign': assignTask,
  'task/wake': wakeTask,
  'task/revive': reviveTask,
  'task/cancel': cancelTask,
  'attempt/run': runAttempt,
  'attempt/workspace': placeAttempt,
  'attempt/commit': commitAttempt,
  'attempt/use': useAttempt,
  'attempt/call': callInAttempt,
  'attempt/session': openSession,
  'attempt/plan': planAttempt,
  'attempt/report': reportValues,
  'attempt/omit-calls': omitCalls,
  'attempt/find': findInAttempt,
  'attempt/end': endAttempt,
  'action/decide': decideAction,
  'action/use': useGrant,
  'workspace/leave': leaveWorkspace,
  'artifact/record': recordArtifact,
  'artifact/redact': redactArtifact,
  'artifact/pin': pinArtifact,
  'artifact/unpin': unpinArtifact,
  'archive/move': moveToArchive,
  'archive/restore': restoreRun,
  'approval/answer': answerApproval,
  'approval/expire': expireApproval,
  'approval/remind': remindOf,
  'approval/escalate': escalateApproval,
  'approval/comment': commentOn,
  'approval/withdraw': withdrawApproval,
  'approval/change': changeApproval,
  'approval/revoke': revokeApproval,
  'merge/start': startMerge,
  'merge/end': endMerge,
  'undo/start': startUndo,
  'undo/end': endUndo,
};

/** The verdict on one command. */
export function decide<T extends Command['type']>(state: State, command: CommandOf<T>, context: Context): Verdict {
  const by: (state: State, command: CommandOf<T>, context: Context) => Verdict = BY_TYPE[command.type];
  return by(state, command, context);
}
