import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addCheck } from '../policy/check.ts';
import { addConflicts } from '../policy/conflicts.ts';
import { addExplain } from '../policy/explain.ts';
import { addSchema } from '../policy/schema.ts';
import { addSimulate } from '../policy/simulate.ts';
import { addSuggest } from '../policy/suggest.ts';
import { addTest } from '../policy/test.ts';

/** `signalbox policy`: looks after the rules; needs no daemon. */
export function addPolicy(program: Command, context: Context): void {
  const policy = program.command('policy').helpCommand(false).description('check, explain and test the rules (needs no daemon)');
  addCheck(policy, context);
  addExplain(policy, context);
  addTest(policy, context);
  addConflicts(policy, context);
  addSimulate(policy, context);
  addSuggest(policy, context);
  addSchema(policy, context);
}
