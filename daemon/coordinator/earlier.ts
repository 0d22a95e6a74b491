/**
 * Earlier work that an attempt goes on from, in the same worktree and HOME and, where the agent can, in the same session of its
 * own: that of an attempt at the same task which was cut off, or that of a run which this run continues.
 */
import type { Continued } from '../../shared/state/run.ts';
import { attemptsOf, stageOf } from '../../shared/state/select.ts';
import type { EarlierWork } from '../agents/agent.ts';
import type { Worktree } from '../workspace/worktrees.ts';
import type { Work } from './places.ts';
import type { EffectContext } from './reactor.ts';
import { LAST_BYTES, summarizeWork } from './summary.ts';

/** Where an attempt goes on from. */
export interface Earlier extends Pick<Continued, 'attempt' | 'agent' | 'path' | 'home' | 'session'> {
  /** The artifact that holds what the record says of it; absent for an attempt that was cut off. */
  summary?: string;
  /** Why it was cut off. */
  cut?: string;
}

/** What an attempt goes on from; undefined when it begins anew. */
export function findEarlier({ state, ports, settings }: EffectContext, { run, def, task, attempt }: Work): Earlier | undefined {
  if (run === undefined || def?.prompt === undefined || task.part !== undefined) return undefined;
  const last = attemptsOf(state, task.id).findLast(({ id }) => id !== attempt);
  if (last === undefined) {
    const first = ports.definitionOf(run.workflow.digest)?.stages.find((stage) => stage.prompt !== undefined);
    return first?.id === def.id && stageOf(state, run.id, def.id)?.turn === undefined ? run.continues : undefined;
  }
  if (settings.resume !== 'session' || last.status !== 'interrupted' || !last.session || !last.workspace) return undefined;
  const { agent, session, message = '' } = last;
  const { path, home = last.id } = last.workspace;
  return { attempt: last.id, agent, path, home, cut: message, ...(session.resumes ? { session: session.id } : {}) };
}

/** What the agent is told of it; `lost` says why nothing but words is left of it. */
export async function describeEarlier(
  context: EffectContext,
  { task }: Work,
  { earlier, worktree, lost }: { earlier: Earlier; worktree: Worktree; lost?: string },
): Promise<EarlierWork> {
  const { attempt, agent, session, cut } = earlier;
  const other = agent === task.agent ? undefined : `Another agent, ${agent}, did it.`;
  const why = lost ?? other;
  const text =
    earlier.summary === undefined
      ? await summarizeCut(context, attempt, worktree)
      : await context.ports.artifacts.readText(earlier.summary);
  const again = cut === undefined ? 'This is what you are asked now:' : 'This is the task again:';
  return {
    attempt,
    ...(why === undefined ? (session === undefined ? {} : { session }) : { why }),
    lead: cut === undefined ? '' : `${describeCut(cut)} ${again}\n\n`,
    summary: `${text}\n\n${cut === undefined ? '' : `${describeCut(cut)} `}${again}\n\n`,
  };
}

function describeCut(reason: string): string {
  return `The work on this was cut off before it was done (${reason}) Look at how far it came, and go on. What was asked and not answered is to be asked again; what was committed and not recorded is there as uncommitted changes.`;
}

async function summarizeCut({ state, ports }: EffectContext, id: string, worktree: Worktree): Promise<string> {
  const attempt = state.attempts.get(id);
  const { head: from, gitDir, commonDir } = worktree;
  const { tree } = await ports.workspace.lookAtWork(worktree, undefined);
  const repo = { gitDir, commonDir };
  const { files } = tree === '' ? { files: [] } : await ports.workspace.diffCommits({ repo, from, to: tree, maxBytes: 1 });
  const said = await ports.spools.readEnd(id, LAST_BYTES);
  return summarizeWork({ agent: attempt?.agent ?? '', prompts: [], plan: attempt?.plan, said, files, base: from });
}
