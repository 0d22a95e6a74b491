import { type Command, Option } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type CommonOptions, type Context, perform, printJson } from '../context.ts';
import { EXIT, usageFailure } from '../failure.ts';

interface NewOptions extends CommonOptions {
  template: keyof typeof TEMPLATES;
}

/** What `new` writes; each loads as it stands. */
export const TEMPLATES = {
  steps: `# Steps one after the other. \`signalbox workflows explain\` says what it does.
workflow: NAME
version: 1
description: Builds, tests and packs.

stages:
  - { id: build, agent: command, command: [npm, run, build] }
  - { id: test, agent: command, command: [npm, test], needs: [build], on_failure: { retry: 1 } }
  - { id: pack, agent: command, command: [npm, pack, --dry-run], needs: [test] }
`,
  review: `# An agent works, the tests and a person look at it, and what is wrong goes back. \`signalbox agents\` lists who there is.
workflow: NAME
version: 1
description: An agent makes a change, the tests judge it, and a person signs it off and merges it.

inputs:
  goal: { type: string, description: What is to be changed }

stages:
  - id: change
    agent: { capabilities: [code] }
    prompt: "{inputs.goal}"
    gate:
      - { command: [npm, test], name: tests }
    approvers: [human]
    on_failure: { retry: 2 }

  - { id: merge, needs: [change], merge: { from: change } }
`,
  branches: `# Work side by side, and a way that follows from a value.
workflow: NAME
version: 1
description: Looks at what changed, checks it in two ways at once, and reports.

stages:
  - id: look
    agent: command
    command: [git, log, --oneline, "-5"]
    next: check

  - id: check
    sync_point: all
    parallel:
      - { id: lint, agent: command, command: [npm, run, lint] }
      - { id: unit, agent: command, command: [npm, test] }
    next: report

  - { id: report, agent: command, command: [git, status, --short], always: true }
`,
} as const;

/** `signalbox workflows new`: writes a workflow file to begin with. */
export function addNew(workflows: Command, context: Context): void {
  workflows
    .command('new')
    .description('write a workflow file to begin with')
    .argument('<name>', 'lower-case words joined by -')
    .addOption(new Option('-t, --template <template>', 'what it begins with').choices(Object.keys(TEMPLATES)).default('steps'))
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  signalbox workflows new release\n  signalbox workflows new change --template review')
    .action((name: string, options: NewOptions) =>
      perform(context, options, async () => {
        const { terminal } = context;
        if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
          throw usageFailure(`${name} is no name for a workflow.`, 'Write lower-case words joined by -, such as `nightly-checks`.');
        const file = resolve(terminal.cwd, '.signalbox', 'workflows', `${name}.yaml`);
        await mkdir(dirname(file), { recursive: true });
        try {
          await writeFile(file, TEMPLATES[options.template].replace('NAME', name), { flag: 'wx' });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST')
            throw usageFailure(`${file} is there already.`, 'Choose another name, or change that file.');
          throw error;
        }
        if (options.json) printJson(terminal, { workflow: name, file });
        else
          terminal.print(
            `wrote .signalbox/workflows/${name}.yaml; signalbox workflows explain ${name}, then signalbox trust and signalbox run ${name}`,
          );
        return EXIT.ok;
      }),
    );
}
