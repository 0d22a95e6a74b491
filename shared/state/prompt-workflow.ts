/** The workflow of one prompt for one agent; the prompt itself is an input, so that nothing in it is a template. */
export function writePromptWorkflow(
  prompt: string,
  { agent, timeout = '1h' }: { agent: string; timeout?: string },
): { file: string; text: string } {
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
    merge: { from: work }
`;
  return { file: 'task.yaml', text };
}

/** Bytes of a prompt that the record holds. */
export const MAX_PROMPT = 7_000;
