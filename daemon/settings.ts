import * as z from 'zod';

/** One setting: its name in the environment, what it is, and its default. Docs and --help are made from this table. */
export const SETTINGS = {
  SIGNALBOX_HOME: { text: 'State folder: journal, artifacts, endpoint file.', default: '$XDG_STATE_HOME/signalbox' },
  SIGNALBOX_TASK_TIMEOUT: { text: 'Time that a command or built-in agent may take when the workflow does not say, in seconds.', default: '300' },
  SIGNALBOX_APPROVAL_TIMEOUT: { text: 'Time after which a question that nobody answered is a no, in seconds.', default: '86400' },
  SIGNALBOX_DRAIN_TIMEOUT: { text: 'Time that running attempts get when the daemon is asked to stop, in seconds.', default: '10' },
} as const;

const Seconds = z.coerce.number().int().min(1).max(2_592_000);

export interface Settings {
  taskTimeoutMs: number;
  approvalMs: number;
  drainMs: number;
}

/** Reads the settings of the environment; throws an Error that names the variable, what it holds and what it may hold. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const seconds = (name: keyof typeof SETTINGS): number => {
    const given = env[name] ?? SETTINGS[name].default;
    const parsed = Seconds.safeParse(given);
    if (!parsed.success) throw new Error(`${name} is ${JSON.stringify(given)}; it takes whole seconds from 1 to 2592000.`);
    return parsed.data * 1_000;
  };
  return { taskTimeoutMs: seconds('SIGNALBOX_TASK_TIMEOUT'), approvalMs: seconds('SIGNALBOX_APPROVAL_TIMEOUT'), drainMs: seconds('SIGNALBOX_DRAIN_TIMEOUT') };
}
