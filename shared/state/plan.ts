/** What an agent means to do, step by step, as it last said. */
export interface AgentPlan {
  done: number;
  total: number;
  /** The first of the steps, secrets masked. */
  steps: readonly { text: string; status: 'pending' | 'in_progress' | 'completed' }[];
}
