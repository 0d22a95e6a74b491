/** What a decision may look at beside the action: how things stand at that moment. It is no part of what an approval binds to. */
import * as z from 'zod';
import type { Action } from './action.ts';
import type { Agent } from './agent.ts';
import type { State } from './evolve.ts';
import { readDay, readTotals } from './usage.ts';

/** What was used up: tokens of models, money in US dollars, minutes of attempts. */
const Usage = z.object({ tokens: z.number(), cost: z.number(), minutes: z.number() });

/** The variable `context` of conditions; the same for every kind of action, and every key is always there. */
export const DecisionContext = z.object({
  /** Tasks that are assigned or running now. Until there is another tenant, `tenant` is all of them. */
  running: z.object({ agent: z.number(), tenant: z.number(), overall: z.number() }),
  /** The agent that the action is about; `status` is empty when there is none. */
  agent: z.object({
    status: z.string(),
    adapter: z.string(),
    role: z.string(),
    capabilities: z.array(z.string()),
    tags: z.array(z.string()),
    slots: z.number(),
    used: z.number(),
    /** How its programs are started here: `enforced` in a sandbox, `advisory` without one, empty when it starts none. */
    enforcement: z.string(),
  }),
  /** Stages of the action's run that have ended; `rate` is completed / (completed + failed), 1 when none has. */
  stages: z.object({ completed: z.number(), failed: z.number(), skipped: z.number(), rate: z.number() }),
  /** Of the run since it began; of this day (UTC), by everybody and by the agent. */
  usage: z.object({ run: Usage, day: Usage, agent: Usage }),
});
export type DecisionContext = z.infer<typeof DecisionContext>;

/** How things stand for an action at `now`, in milliseconds since 1970. */
export function contextOf(state: State, action: Pick<Action, 'agent' | 'run'>, now: number): DecisionContext {
  const { usage } = state;
  const agent = state.agents.get(action.agent);
  const overall = state.active.size;
  return {
    running: { agent: agent?.used ?? 0, tenant: overall, overall },
    agent: describeAgent(agent),
    stages: countStages(state, action.run),
    usage: {
      run: readTotals(usage.runs.get(action.run), now),
      day: readDay(usage, usage.overall, now),
      agent: readDay(usage, usage.agents.get(action.agent), now),
    },
  };
}

function describeAgent(agent: Agent | undefined): DecisionContext['agent'] {
  const { status = '', adapter = '', role = '', capabilities = [], tags = [], slots = 0, used = 0, enforcement } = agent ?? {};
  const lists = { capabilities: [...capabilities], tags: [...tags] };
  return { status, adapter, role, ...lists, slots, used, enforcement: enforcement?.level ?? '' };
}

function countStages(state: State, run: string): DecisionContext['stages'] {
  const count = { completed: 0, failed: 0, skipped: 0 };
  for (const { status } of state.stages.get(run)?.values() ?? [])
    if (status === 'completed' || status === 'failed' || status === 'skipped') count[status] += 1;
  const { completed, failed } = count;
  return { ...count, rate: completed + failed === 0 ? 1 : completed / (completed + failed) };
}
