// A command that a person typed, as words and as a workflow of one stage. Pure.

/** Splits a line into words as a shell does with quotes and backslashes, and nothing else: no variables, no patterns. Undefined when a quote is open. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i += 1) {
    const char = line.charAt(i);
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (char === '\\' && quote !== "'" && i + 1 < line.length) {
      i += 1;
      word = (word ?? '') + line.charAt(i);
    } else if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (word !== undefined) words.push(word);
  return quote === '' ? words : undefined;
}

/** What only a shell understands; such a line is refused rather than run as something else. */
export const SHELL_SYNTAX = /[|&;<>`$*?(){}]/;

/** A workflow of one stage that runs the words in a worktree of its own. JSON is YAML, so nothing needs quoting. */
export function writeTaskWorkflow(argv: readonly string[]): string {
  const stage = { id: 'task', name: argv.join(' ').slice(0, 200), agent: 'command', command: argv, worktree: 'own' };
  return `${JSON.stringify({ workflow: 'task', version: 1, stages: [stage] }, null, 2)}\n`;
}
