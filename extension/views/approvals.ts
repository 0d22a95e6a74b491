import * as vscode from 'vscode';
import { asksPerson } from '../../shared/state/approval.ts';
import type { Services } from '../services.ts';
import { describeApproval } from './describeApproval.ts';
import { StableTree } from './tree.ts';

/** The inbox: what waits for the person at this window. The container's badge counts it. */
export function registerApprovals(services: Services): { tree: StableTree; dispose(): void } {
  const { fleet, definitions, link } = services;
  const tree = new StableTree(services, () => {
    const reader = services.reader();
    const named = link.replicas.size > 1;
    return fleet.asked().map(({ approval, state }) => {
      const run = state.runs.get(approval.run ?? '');
      return describeApproval({ approval, state, definition: run && definitions.of(run), named }, reader);
    });
  });
  const view = vscode.window.createTreeView('signalbox.approvals', { treeDataProvider: tree });
  const count = (): void => {
    const value = fleet.asked().filter(({ approval }) => asksPerson(approval)).length;
    if (value === (view.badge?.value ?? 0)) return;
    view.badge =
      value === 0
        ? undefined
        : { value, tooltip: value === 1 ? vscode.l10n.t('1 approval waits for you') : vscode.l10n.t('{0} approvals wait for you', value) };
  };
  count();
  const listening = services.onChange(count);
  const dispose = (): void => {
    listening.dispose();
    view.dispose();
    tree.dispose();
  };
  return { tree, dispose };
}
