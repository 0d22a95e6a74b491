import type { Command } from 'commander';
import { policySchema } from '../../policy/schema.ts';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { EXIT } from '../failure.ts';

/** `signalbox policy schema`: the JSON Schema of policy files. */
export function addSchema(policy: Command, context: Context): void {
  policy
    .command('schema')
    .description('print the JSON Schema of policy files, for editors')
    .option('--json', 'the same: the schema is JSON')
    .addHelpText(
      'after',
      '\n`signalbox init` writes it beside the policy, and names it in the first line, where editors look for it.\n\nExamples:\n  signalbox policy schema > policy.schema.json',
    )
    .action((options: CommonOptions) =>
      perform(context, options, async () => {
        printJson(context.terminal, policySchema());
        return EXIT.ok;
      }),
    );
}
