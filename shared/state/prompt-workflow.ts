import type { MergeHow } from './action.ts';
import type { Run } from './run.ts';

/** How the prompt is worked on, and what it takes for its result to be merged. */
export interface PromptChoices {
  agent: string;
  timeout?: string | undefined;
  how?: MergeHow | undefined;
  /** Commands that the merged result has to pass; `tests` is the repository's own. Absent: what the repository names. */
  checks?: readonly (readonly string[] | string)[] | undefined;
}

/** The workflow of one prompt for one agent; the prompt itself is an input, so that nothing in it is a template. */
export function writePromptWorkflow(prompt: string, { agent, timeout = '1h', how, checks }: PromptChoices): { file: string; text: string } {
  const name = (prompt.trim().split('\n', 1)[0] ?? '').slice(0, 72);
  const text = `workflow: task
version: 1
inputs:
  prompt: { type: string }
stages:
  - id: work
    name: ${JSON.stringify(name)}
    agent: ${agent}
    prompt: '{inputs.prompt}'
    timeout: ${timeout}
  - id: merge
    name: Merge
    needs: [work]
    when: [{ value: work.commit, otherwise: The agent changed nothing. }]
    merge: ${JSON.stringify({ from: 'work', how, checks })}
`;
  return { file: 'task.yaml', text };
}

/** The workflow that gives a merge's conflicts to an agent; one commit comes of it, so that no conflict marker stays in the history. */
export function writeResolveWorkflow({ agent, timeout = '1h', checks }: Omit<PromptChoices, 'how'>): { file: string; text: string } {
  const text = `workflow: resolve
version: 1
inputs:
  prompt: { type: string }
  resolves: { type: string }
stages:
  - id: work
    name: Resolve the conflicts
    agent: ${agent}
    prompt: '{inputs.prompt}'
    timeout: ${timeout}
  - id: merge
    name: Merge
    needs: [work]
    when: [{ value: work.commit, otherwise: The agent changed nothing. }]
    merge: ${JSON.stringify({ from: 'work', how: 'squash', checks })}
`;
  return { file: 'resolve.yaml', text };
}

/** Bytes of a prompt that the record holds. */
export const MAX_PROMPT = 7_000;

/** What a run is to do, in a line: the first of its prompt where it is a prompt, else the name of its workflow. */
export function sayRun({ inputs, workflow }: Pick<Run, 'inputs' | 'workflow'>): string {
  const { prompt } = inputs;
  const [line = ''] = typeof prompt === 'string' ? prompt.trim().split('\n', 1) : [];
  return line === '' ? workflow.name : line.slice(0, 100);
}
