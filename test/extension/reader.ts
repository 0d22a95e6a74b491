import type { Reader } from '../../extension/views/words.ts';

/** A reader of English at a fixed time; texts are filled in as VS Code does. */
export const READER: Reader = {
  t: (message, ...args) => message.replace(/\{(\d+)\}/g, (_, index: string) => String(args[Number(index)])),
  now: Date.parse('2026-01-02T03:30:00.000Z'),
  locale: 'en-GB',
  timeZone: 'UTC',
};
