/**
 * The way in for what clients ask: what left memory is asked for in the archive, so that an id is used once for ever.
 *
 * 1. The archive is looked at and the command is queued in one turn of the event loop, or the archive is looked at again:
 *    nothing can be archived and forgotten in between.
 * 2. An id that is not in the archive costs no disk, and no waiting, for tasks.
 */
import type { ErrorCode } from '../../shared/protocol/errors.ts';
import type { Approval } from '../../shared/state/approval.ts';
import type { Run } from '../../shared/state/run.ts';
import type { Task } from '../../shared/state/task.ts';
import type { CommandOf, CommandResult } from '../commands.ts';
import type { ArchiveStore } from '../store/archive.ts';
import type { Coordinator } from './coordinator.ts';

type Archive = Pick<ArchiveStore, 'version' | 'mayHaveTask' | 'readTask' | 'readRun' | 'readApproval'>;

/** Puts a command of a client on the queue, unless the archive says that it was done before, or comes too late. */
export function createDoor(coordinator: Coordinator, archive: Archive): Coordinator['submit'] {
  const { submit, state } = coordinator;
  return (command, origin) => {
    const otherwise = () => submit(command, origin);
    switch (command.type) {
      case 'task/submit':
        return archive.mayHaveTask(command.task)
          ? settle(archive, () => archive.readTask(command.task), { judge: ({ task }) => judgeTask(task, command), otherwise })
          : otherwise();
      case 'run/start':
        return settle(archive, () => archive.readRun(command.run), { judge: ({ run }) => judgeRun(run, command), otherwise });
      case 'task/cancel':
        return state.tasks.has(command.task)
          ? otherwise()
          : settle(archive, () => archive.readTask(command.task), { judge: ({ task }) => judgeCancel(task), otherwise });
      case 'run/cancel':
        return state.runs.has(command.run)
          ? otherwise()
          : settle(archive, () => archive.readRun(command.run), {
              judge: ({ run }) => refused('run_ended', `The run has ended already (${run.status}).`, { run: run.id, status: run.status }),
              otherwise,
            });
      case 'approval/answer':
        return state.approvals.has(command.approval)
          ? otherwise()
          : settle(archive, () => archive.readApproval(command.approval), {
              judge: (approval) => judgeAnswer(approval, command),
              otherwise,
            });
      default:
        return otherwise();
    }
  };
}

const existing: CommandResult = { ok: true, commit: undefined };

function refused(code: ErrorCode, message: string, facts: Record<string, unknown>): CommandResult {
  return { ok: false, refusal: { code, message, facts } };
}

function judgeTask(task: Task, { wants, action, run }: CommandOf<'task/submit'>): CommandResult {
  const same = task.wants === wants && task.action === action && task.run === run;
  return same ? existing : refused('id_taken', `The id ${task.id} belongs to another task.`, { task: task.id });
}

function judgeRun(run: Run, { workflow, repository }: CommandOf<'run/start'>): CommandResult {
  const same = run.workflow.digest === workflow.digest && run.repo === repository?.repo;
  return same ? existing : refused('id_taken', `The id ${run.id} belongs to another run.`, { run: run.id });
}

function judgeCancel(task: Task): CommandResult {
  return task.status === 'canceled'
    ? existing
    : refused('invalid_transition', `The task has ended already (${task.status}).`, { task: task.id });
}

/** The same answer again is no news; any other comes too late. */
function judgeAnswer({ id, status, by }: Approval, { answer }: CommandOf<'approval/answer'>): CommandResult {
  if (answer === 'grant' ? status === 'used' || status === 'granted' : status === 'denied') return existing;
  return refused('approval_settled', `That approval is ${status}${by === undefined ? '' : `, by ${by}`}.`, {
    approval: id,
    status,
    by: by ?? '',
  });
}

/** Reads until nothing was archived meanwhile, and goes on at once: nothing may come between. */
async function settle<T>(
  archive: Archive,
  read: () => Promise<T | undefined>,
  { judge, otherwise }: { judge(found: T): CommandResult; otherwise(): Promise<CommandResult> },
): Promise<CommandResult> {
  for (;;) {
    const { version } = archive;
    const found = await read();
    if (found !== undefined) return judge(found);
    if (archive.version === version) return otherwise();
  }
}
