// Sources that are polled, as they are written, and where secrets are found.
import * as z from 'zod';
import type { TriggerDefinition } from '../../shared/state/trigger-definition.ts';
import { strictShape } from '../../shared/yaml/source.ts';
import { Argv, Duration } from './load-parts.ts';

/** Where a secret is found. */
export const Secret = z.union(
  [
    strictShape({ env: z.string().regex(/^[A-Z][A-Z0-9_]{0,99}$/) }),
    strictShape({ file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/) }),
  ],
  {
    error:
      'write `{ env: NAME }` for a variable of the daemon, or `{ file: name }` for a file in the folder `secrets` of your configuration',
  },
);
const Variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'the name of a variable is letters, digits and `_`');
const MIN_EVERY_MS = 1_000;

/** What is polled: a folder of files, or a program that prints items. */
export const SourceShape = strictShape({
  folder: z.string().min(1).max(1_000).optional(),
  command: Argv.optional(),
  every: Duration.optional(),
  timeout: Duration.optional(),
  acknowledge: Argv.optional(),
  env: z.record(Variable, Secret).optional(),
}).superRefine((source, context) => {
  if ((source.folder === undefined) === (source.command === undefined)) context.addIssue('a source has a `folder` or a `command`');
  if (source.folder === undefined) return;
  for (const key of ['timeout', 'acknowledge', 'env'] as const)
    if (source[key] !== undefined) context.addIssue({ code: 'custom', path: [key], message: 'it belongs to `command`' });
});
type SourceShape = z.infer<typeof SourceShape>;

/** A source as a trigger. */
export function defineSource(
  common: Pick<TriggerDefinition, 'id' | 'when' | 'inputs' | 'overlap'>,
  source: SourceShape,
): TriggerDefinition {
  const { folder, command = [], every, timeout = 30_000, acknowledge, env = {} } = source;
  if (folder !== undefined) return { kind: 'folder', ...common, folder, everyMs: Math.max(MIN_EVERY_MS, every ?? 10_000) };
  const told = acknowledge === undefined ? {} : { acknowledge };
  return { kind: 'command', ...common, command, everyMs: Math.max(MIN_EVERY_MS, every ?? 60_000), timeoutMs: timeout, env, ...told };
}
