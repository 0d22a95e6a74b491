import type { Action } from '../../../shared/state/action.ts';

/** One thing that a tool call would do, as far as the agent says; nothing in it is resolved or believed yet. */
export type Wanted =
  /** A line for a shell, or a program with its arguments. */
  | { kind: 'execute'; line: string; argv: string[]; cwd: string }
  /** Paths as the agent named them; `change` is all that it says of the change, `text` what would be written, `diff` for a person. */
  | { kind: 'edit'; paths: string[]; change: string; text: string; diff: string }
  | { kind: 'read'; paths: string[] }
  | { kind: 'fetch'; urls: string[] }
  | { kind: 'mcp'; server: string; tool: string; input: string }
  /** What the agent does not say clearly enough; `input` is all that it says. */
  | { kind: 'other'; tool: string; input: string };

/** A wish as the policy decides it, and texts for whoever is asked. */
export interface Described {
  action: Action;
  show: Record<string, string>;
}
