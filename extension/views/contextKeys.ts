import * as vscode from 'vscode';
import { runEnded } from '../../shared/state/run.ts';
import type { Services } from '../services.ts';
import { statusWord } from './sayStatus.ts';

/** Keeps the keys that the manifest's `when` and `enablement` clauses read. */
export function registerContextKeys(services: Services): vscode.Disposable {
  const set = new Map<string, unknown>();
  const put = (key: string, value: unknown): void => {
    if (set.get(key) === value) return;
    set.set(key, value);
    void vscode.commands.executeCommand('setContext', `signalbox.${key}`, value);
  };
  const update = (): void => {
    const runs = services.fleet.runs().map(({ run }) => run);
    put('active', true);
    put('status', statusWord(services.obstacle(), services.link.status));
    put('waiting', services.fleet.asked().length > 0);
    put('runs', runs.length > 0);
    put(
      'running',
      runs.some((run) => !runEnded(run)),
    );
    put(
      'undoable',
      runs.some((run) => run.merge?.state === 'merged' || run.merge?.state === 'undo_failed'),
    );
  };
  update();
  return services.onChange(update);
}
