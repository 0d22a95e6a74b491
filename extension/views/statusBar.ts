import * as vscode from 'vscode';
import type { Services } from '../services.ts';
import { sayStatus } from './sayStatus.ts';

/** The one item in the status bar; a click opens the approvals. */
export function registerStatusBar(services: Services): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('signalbox.status', vscode.StatusBarAlignment.Left, 0);
  item.name = 'Signalbox';
  item.command = 'signalbox.approvals.focus';
  const draw = (): void => {
    const counts = { running: services.fleet.countActive(), waiting: services.fleet.asked().length };
    const said = services.obstacle() === undefined ? sayStatus(services.link.status, counts, vscode.l10n.t) : undefined;
    if (!said) return item.hide();
    item.text = said.text;
    item.tooltip = said.spoken;
    item.accessibilityInformation = { label: said.spoken };
    item.show();
  };
  draw();
  return vscode.Disposable.from(item, services.onChange(draw));
}
