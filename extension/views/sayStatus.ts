import type { LinkStatus } from '../connection/link.ts';
import type { Obstacle } from '../services.ts';
import type { Translate } from './words.ts';

/** What the status bar says; undefined when it has nothing to say. */
export function sayStatus(
  status: LinkStatus,
  counts: { running: number; waiting: number },
  t: Translate,
): { text: string; spoken: string } | undefined {
  switch (status.kind) {
    case 'closed':
      return undefined;
    case 'connecting':
      return { text: '$(sync~spin) Signalbox', spoken: t('Signalbox: connecting to the daemon') };
    case 'stopped':
      return { text: '$(debug-disconnect) Signalbox', spoken: t('Signalbox: the daemon is stopped') };
    case 'mismatch':
      return { text: '$(warning) Signalbox', spoken: t('Signalbox: the daemon speaks another version of the protocol') };
    case 'failed':
      return { text: '$(warning) Signalbox', spoken: t('Signalbox: {0}', status.message) };
    case 'connected': {
      const { running, waiting } = counts;
      if (running === 0 && waiting === 0)
        return { text: '$(milestone) Signalbox', spoken: t('Signalbox: nothing runs, nothing waits for you') };
      const text = t('running {0}, waiting for you {1}', running, waiting);
      return { text: `${waiting > 0 ? '$(bell-dot)' : '$(milestone)'} ${text}`, spoken: t('Signalbox: {0}', text) };
    }
    default:
      return status satisfies never;
  }
}

/** The word by which the manifest's `when` clauses know what this window is doing. */
export function statusWord(obstacle: Obstacle | undefined, status: LinkStatus): string {
  return obstacle ?? (status.kind === 'closed' ? 'connecting' : status.kind);
}
