import * as vscode from 'vscode';
import type { Services } from '../services.ts';
import { describeAgent } from './describeAgent.ts';
import { StableTree } from './tree.ts';

/** The agents that work can be given to. */
export function registerAgents(services: Services): { tree: StableTree; dispose(): void } {
  const { fleet } = services;
  const tree = new StableTree(services, () => {
    const reader = services.reader();
    const states = fleet.states();
    return fleet.agents().map((agent) => describeAgent(agent, states, reader));
  });
  const view = vscode.window.createTreeView('signalbox.agents', { treeDataProvider: tree });
  const dispose = (): void => {
    view.dispose();
    tree.dispose();
  };
  return { tree, dispose };
}
