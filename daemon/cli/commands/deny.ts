import type { Command } from 'commander';
import { addAnswer } from '../answer.ts';
import type { Context } from '../context.ts';

/** `signalbox deny`: says no to one question, or to all of a run. */
export function addDeny(program: Command, context: Context): void {
  addAnswer(program, context, { name: 'deny', answer: 'deny', description: 'say no to one question, or to all that a run waits for' });
}
