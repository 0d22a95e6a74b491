import type { Command } from 'commander';
import { addAnswer } from '../answer.ts';
import type { Context } from '../context.ts';

/** `signalbox approve`: says yes to one question, or to all of a run. */
export function addApprove(program: Command, context: Context): void {
  addAnswer(program, context, { name: 'approve', answer: 'grant', description: 'say yes to one question, or to all that a run waits for' });
}
