/** A program as a source: it prints a list of JSON objects, each an item with an `id`. */
import * as z from 'zod';
import type { TriggerDefinition } from '../../shared/state/trigger-definition.ts';
import type { Item, Source } from './poll.ts';

type CommandDefinition = Extract<TriggerDefinition, { kind: 'command' }>;

/** Items that one poll may print. */
const MAX_ITEMS = 500;
const Items = z
  .array(z.looseObject({ id: z.union([z.string().min(1).max(200), z.number()]), title: z.string().optional() }))
  .max(MAX_ITEMS);

/** Runs a command as the policy lets it; its output, or throws with a sentence. */
export type RunCommand = (argv: readonly string[]) => Promise<string>;

export function openCommand({ command, acknowledge }: CommandDefinition, run: RunCommand): Source {
  return {
    list: async () => readItems(await run(command), command[0] ?? ''),
    async acknowledge({ id, outcome = 'failure' }) {
      if (!acknowledge) return;
      const item = id.slice('item:'.length);
      await run(acknowledge.map((text) => text.replaceAll('{item}', item).replaceAll('{outcome}', outcome)));
    },
  };
}

/** The items of an output; throws with what is wrong and where. */
export function readItems(text: string, program: string): Item[] {
  let data: unknown;
  try {
    data = text.trim() === '' ? [] : JSON.parse(text);
  } catch (error) {
    throw new Error(`${program} printed no JSON: ${error instanceof Error ? error.message.slice(0, 200) : ''}`);
  }
  const read = Items.safeParse(data);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new Error(
      `${program} has to print a list of at most ${MAX_ITEMS} objects with an \`id\`: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    );
  }
  return read.data.map((item) => ({ id: String(item.id), summary: `${item.title ?? `the item ${item.id}`} came`, facts: { item } }));
}
