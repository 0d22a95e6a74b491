/** From what happened outside of the record to a firing: whether the trigger wants it, what the run is given, and what is kept of it. */
import type { RegisteredTrigger } from '../../shared/state/trigger.ts';
import type { CommandOf, CommandResult } from '../commands.ts';
import type { Ear, Happened, Heard, Listen, Listener } from '../triggers/listener.ts';
import { settleFiring } from '../workflow/triggers.ts';
import type { Coordinator } from './coordinator.ts';

export interface HearingParts {
  coordinator: Coordinator;
  listen: Listen;
  /** A text with every secret in it masked. */
  mask(text: string): Promise<string>;
  /** Stores a text, masked; its digest. */
  keepText(text: string): Promise<string>;
}

type Problem = (trigger: string, message: string | undefined) => void;

/** Records what happened as a firing of the trigger, once. */
export async function hearFor(
  { coordinator, mask, keepText }: HearingParts,
  trigger: RegisteredTrigger,
  { firing, facts, summary, keep, item }: Happened,
  problem: Problem,
): Promise<Heard> {
  const { id, definition } = trigger;
  const { fired } = coordinator.state;
  const known = fired.get(id)?.get(firing);
  if (known !== undefined) return known === '' ? { kind: 'passed', code: 'known' } : { kind: 'fired', run: known, existing: true };
  const settled = settleFiring(definition, facts);
  if (!settled.fires) {
    if (settled.problem === undefined) return { kind: 'unwanted' };
    problem(id, settled.problem);
    return { kind: 'refused', code: 'inputs', message: settled.problem };
  }
  const inputs = (await maskAll(settled.inputs, mask)) as Record<string, unknown>;
  const kept = { ...(keep ? { facts: await keepText(JSON.stringify(facts)) } : {}), ...(item === undefined ? {} : { item }) };
  const said = (await mask(summary)).slice(0, 300);
  const command: CommandOf<'trigger/fire'> = {
    type: 'trigger/fire',
    trigger: id,
    firing,
    summary: said,
    inputs,
    depth: 0,
    by: 'daemon',
    ...kept,
  };
  const result = await coordinator.submit(command, { principal: `trigger:${id}`, cause: 'trigger' });
  if (!result.ok) return { kind: 'refused', code: result.refusal.code, message: result.refusal.message };
  problem(id, undefined);
  return whatCame(result, fired.get(id)?.get(firing) ?? '');
}

function whatCame({ commit }: Extract<CommandResult, { ok: true }>, run: string): Heard {
  const passed = commit?.events.find((event) => event.type === 'trigger.passed');
  if (passed) return { kind: 'passed', code: passed.data.code };
  return run === '' ? { kind: 'passed', code: 'known' } : { kind: 'fired', run, existing: commit === undefined };
}

async function maskAll(value: unknown, mask: (text: string) => Promise<string>): Promise<unknown> {
  if (typeof value === 'string') return mask(value);
  if (Array.isArray(value)) return Promise.all(value.map((item) => maskAll(item, mask)));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(async ([name, part]) => [name, await maskAll(part, mask)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Keeps a listener for each trigger that needs one, while it is registered and not paused. */
export function createListeners(parts: HearingParts, problem: Problem) {
  const open = new Map<string, { trigger: RegisteredTrigger; listener: Listener | undefined }>();
  const close = (id: string): void => {
    open.get(id)?.listener?.close();
    open.delete(id);
  };
  let working = false;
  /** Opens and closes what the triggers as they are now ask for. */
  const look = (): void => {
    if (!working) return;
    const { triggers } = parts.coordinator.state;
    for (const [id, { trigger, listener }] of open) {
      const now = triggers.get(id);
      if (!now || now.paused || now.at !== trigger.at) close(id);
      else listener?.look?.(now);
    }
    for (const trigger of triggers.values()) {
      if (trigger.paused || open.has(trigger.id)) continue;
      const ear: Ear = {
        // What is registered by then counts: inputs may have changed.
        hear: (happened) => hearFor(parts, triggers.get(trigger.id) ?? trigger, happened, problem),
        problem: (message) => problem(trigger.id, message),
        trigger: () => triggers.get(trigger.id),
        acknowledge: async (firing) =>
          void (await parts.coordinator.submit(
            { type: 'trigger/acknowledge', trigger: trigger.id, firing },
            { principal: `trigger:${trigger.id}`, cause: 'trigger' },
          )),
      };
      open.set(trigger.id, { trigger, listener: parts.listen(trigger, ear) });
    }
  };
  return {
    look,
    begin(): void {
      working = true;
      look();
    },
    end(): void {
      working = false;
      for (const id of open.keys()) close(id);
    },
  };
}
