// The corpus of command lines: what each line holds, written so that one can read it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import type { ParsedCommand } from '../../../../daemon/policy/shell/command.ts';

const FOLDER = join(import.meta.dirname, '../../../fixtures/commands');
const Case = z.strictObject({
  line: z.string(),
  /** Where a bypass was published. */
  source: z.string().optional(),
  note: z.string().optional(),
  /** Each command as `describeCommand` writes it. */
  holds: z.array(z.string()).min(1).optional(),
  /** Part of the problem, for lines that are not understood. */
  problem: z.string().optional(),
});
export type Case = z.infer<typeof Case>;

/** Every line of the corpus, by file. */
export function readCorpus(): Map<string, Case[]> {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  return new Map(files.map((name) => [name, z.array(Case).parse(parse(readFileSync(join(FOLDER, name), 'utf8')))]));
}

/** One command as text: `sudo > git push -f {sub=push cwd=x opaque}`. */
export function describeCommand(command: ParsedCommand): string {
  const head = [
    ...command.via.map((name) => `${name} >`),
    quote(command.program === '' ? '(shell)' : command.program),
    ...command.args.map(quote),
  ];
  const facts = [
    ...(command.subcommand === '' ? [] : [`sub=${quote(command.subcommand)}`]),
    ...(command.cwd === '.' ? [] : [`cwd=${command.cwd === '' ? '?' : command.cwd}`]),
    ...command.hosts.map((host) => `host=${host === '' ? '?' : host}`),
    ...command.assignments.map((each) => `set=${quote(each)}`),
    ...command.redirections.map(
      ({ operator, writes, target, known, cwd }) =>
        `${writes ? 'writes' : 'opens'}=${operator}${/\w/.test(operator) ? ':' : ''}${quote(target)}${known ? '' : '?'}${cwd === '.' ? '' : `@${cwd === '' ? '?' : cwd}`}`,
    ),
    ...(command.inline ? ['inline'] : []),
    ...(command.expands ? ['expands'] : []),
    ...(command.opaque ? ['opaque'] : []),
  ];
  return head.join(' ') + (facts.length === 0 ? '' : ` {${facts.join(' ')}}`);
}

const quote = (text: string): string => (/^[^\s"'{}]+$/.test(text) ? text : JSON.stringify(text));
