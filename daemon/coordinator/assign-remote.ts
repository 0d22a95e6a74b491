import { type DeskWork, fillPrompt } from './desk.ts';
import type { EffectContext } from './reactor.ts';

/** Hands a task to a worker elsewhere. Texts of artifacts are filled in here, because it cannot read them. */
export async function assignRemote(context: EffectContext, agent: string, work: DeskWork): Promise<void> {
  const { id: task, action, payload, timeoutMs, token, part } = work.task;
  const takesText = payload['template'] === true || part === 'deliberate';
  const prompt = takesText ? await fillPrompt(context, work) : undefined;
  const filled = prompt === undefined ? {} : { prompt };
  context.ports.remote.assign(agent, { task, attempt: work.attempt, token, action, payload: { ...payload, ...filled }, timeoutMs });
}
