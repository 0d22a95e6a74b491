/** From a run that has worked to one that goes on from it: the same worktree and, where its agent can, the same session. */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import type { Attempt } from '../../shared/state/attempt.ts';
import type { RunDocument } from '../../shared/state/document.ts';
import type { Continued, Run } from '../../shared/state/run.ts';
import type { Task } from '../../shared/state/task.ts';
import type { diffCommits } from '../workspace/diff.ts';
import { explain, placeOfRun } from './merges.ts';
import { LAST_BYTES, summarizeWork } from './summary.ts';

export interface ContinuePorts {
  /** A run wherever it is, in memory or in the archive. */
  readRun(id: string): Promise<RunDocument | undefined>;
  /** The last bytes of an attempt's output. */
  readSpoolEnd(attempt: string, bytes: number): Promise<string>;
  diffCommits: typeof diffCommits;
  /** Stores a text; its digest. */
  keepSource(text: string): Promise<string>;
}

/** Runs whose prompts a summary goes back to. */
const MAX_BACK = 5;

/** What a run goes on from that continues the run `id`: its last agent's work, and the commit that this ended with. Throws SignalboxError. */
export async function findContinued(ports: ContinuePorts, id: string): Promise<{ continues: Continued; repo: string; base: string }> {
  const document = await ports.readRun(id);
  if (!document) throw new SignalboxError({ code: 'not_found', message: `There is no run ${id}.`, facts: { run: id } });
  const { run } = document;
  const found = findWork(document);
  const { repo } = run;
  if (!found || repo === undefined) {
    const message = `No agent worked in a worktree in run ${id}, so there is nothing to go on from. Start a task of its own.`;
    throw new SignalboxError({ code: 'invalid_transition', message, facts: { run: id } });
  }
  const { attempt, task, first } = found;
  if (attempt.endedAt === undefined) {
    const message = `${attempt.agent} is still at work in run ${id}. Wait for its end, or cancel it.`;
    throw new SignalboxError({ code: 'invalid_transition', message, facts: { run: id, attempt: attempt.id } });
  }
  const { path, base: from, home = attempt.id } = attempt.workspace;
  const commit = document.attempts
    .filter((each) => each.task === task.id)
    .flatMap(({ commits }) => commits)
    .at(-1)?.commit;
  const facts = {
    agent: attempt.agent,
    prompts: await listPrompts(ports, run, task),
    plan: attempt.plan,
    said: typeof task.values['message'] === 'string' ? task.values['message'] : await ports.readSpoolEnd(attempt.id, LAST_BYTES),
    files: commit === undefined ? [] : await listChanges(ports, run, { from: first.workspace.base, to: commit }),
    base: first.workspace.base,
  };
  const summary = await ports.keepSource(summarizeWork(facts));
  const session = attempt.session?.resumes === true ? { session: attempt.session.id } : {};
  return { continues: { run: id, attempt: attempt.id, agent: attempt.agent, path, home, summary, ...session }, repo, base: commit ?? from };
}

type Placed = Attempt & { workspace: NonNullable<Attempt['workspace']> };

/** The newest attempt of an agent that had a worktree, with its task and that task's first attempt. */
function findWork({ attempts, tasks }: RunDocument): { attempt: Placed; first: Placed; task: Task } | undefined {
  const placed = attempts.filter((each): each is Placed => each.workspace !== undefined && each.session !== undefined);
  const attempt = placed.at(-1);
  const task = tasks.find(({ id }) => id === attempt?.task);
  const first = placed.find((each) => each.task === task?.id);
  return attempt && task && first ? { attempt, task, first } : undefined;
}

/** What was asked in the run, and in those that it continues. */
async function listPrompts(ports: ContinuePorts, last: Run, task: Task): Promise<string[]> {
  const promptOf = ({ inputs }: Run): string[] => (typeof inputs['prompt'] === 'string' ? [inputs['prompt']] : []);
  const said = task.payload['prompt'];
  const prompts = typeof said === 'string' && task.payload['template'] !== true ? [said] : promptOf(last);
  let run: Run | undefined = last;
  for (let back = 1; back < MAX_BACK && run?.continues !== undefined; back += 1) {
    run = (await ports.readRun(run.continues.run))?.run;
    if (run) prompts.unshift(...promptOf(run));
  }
  return prompts;
}

async function listChanges(ports: ContinuePorts, run: Run, { from, to }: { from: string; to: string }) {
  const repo = placeOfRun(run);
  if (!repo) return [];
  try {
    return (await ports.diffCommits({ repo, from, to, maxBytes: 1 })).files;
  } catch (error) {
    const { code, message } = explain(error);
    throw new SignalboxError({ code: 'repository', message: `What run ${run.id} did cannot be read: ${message}`, facts: { reason: code } });
  }
}
