import { approve } from './approve.ts';
import { cancelRun } from './cancelRun.ts';
import type { Command } from './command.ts';
import { continueTask } from './continueTask.ts';
import { deny } from './deny.ts';
import { newTask } from './newTask.ts';
import { pauseRun } from './pauseRun.ts';
import { alwaysAllow, approveForRun } from './remember.ts';
import { restartDaemon } from './restartDaemon.ts';
import { resumeRun } from './resumeRun.ts';
import { retryStage } from './retryStage.ts';
import { revoke } from './revoke.ts';
import { runCheckup } from './runCheckup.ts';
import { runWorkflow } from './runWorkflow.ts';
import { showDiff } from './showDiff.ts';
import { showLog } from './showLog.ts';
import { showOutput } from './showOutput.ts';
import { showReport } from './showReport.ts';
import { showTimeline } from './showTimeline.ts';
import { skipStage } from './skipStage.ts';
import { trustRepository } from './trustRepository.ts';
import { undoRun } from './undoRun.ts';

/** Every command of the manifest. */
export const COMMANDS: readonly Command[] = [
  ...[runCheckup, runWorkflow, newTask, approve, approveForRun, alwaysAllow, deny, revoke, showDiff, showTimeline, showLog, showReport],
  ...[continueTask, pauseRun, resumeRun, retryStage, skipStage, cancelRun, undoRun, trustRepository, restartDaemon, showOutput],
];
