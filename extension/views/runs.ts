import * as vscode from 'vscode';
import type { Services } from '../services.ts';
import { describeRun } from './describeRun.ts';
import { StableTree } from './tree.ts';

/** Runs that are listed; the record has all of them. */
const MAX_RUNS = 200;

/** The view of runs, their stages and attempts. */
export function registerRuns(services: Services): { tree: StableTree; dispose(): void } {
  const { fleet, definitions, link } = services;
  const tree = new StableTree(services, () => {
    const reader = services.reader();
    const named = link.replicas.size > 1;
    return (
      fleet
        .runs()
        // What does the work of a stage is shown below it.
        .filter(({ run, state }) => run.parent === undefined || !state.runs.has(run.parent.run))
        .slice(0, MAX_RUNS)
        .map(({ run, state }) => describeRun({ run, state, definition: definitions.of(run), named, definitionOf: definitions.of }, reader))
    );
  });
  const view = vscode.window.createTreeView('signalbox.runs', { treeDataProvider: tree, showCollapseAll: true });
  const dispose = (): void => {
    view.dispose();
    tree.dispose();
  };
  return { tree, dispose };
}
