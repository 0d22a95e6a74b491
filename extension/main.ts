/** What VS Code calls. Activation only registers; the daemon is found or started afterwards, and never waited for. */
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { COMMANDS } from './commands/index.ts';
import { registerCommand } from './commands/command.ts';
import { createDefinitions } from './connection/definitions.ts';
import { createFleet } from './connection/fleet.ts';
import { findHome } from './connection/home.ts';
import { createLink } from './connection/link.ts';
import { daemonEnvironment, startDaemon } from './connection/start.ts';
import { registerDocuments } from './documents/provider.ts';
import { timelineSource } from './panels/source.ts';
import { registerTimeline } from './panels/timeline.ts';
import type { Services } from './services.ts';
import { registerAgents } from './views/agents.ts';
import { registerApprovalNotice } from './views/approvalNotice.ts';
import { registerApprovals } from './views/approvals.ts';
import { registerContextKeys } from './views/contextKeys.ts';
import { registerPolicyProblems } from './views/policyProblems.ts';
import { registerRuns } from './views/runs.ts';
import { registerStatusBar } from './views/statusBar.ts';
import { sayStatus } from './views/sayStatus.ts';
import { createWorkspaceWatch } from './workspaceWatch.ts';

/** What other extensions get: the views as VS Code itself reads them, and what the status bar says. */
export interface Api {
  readonly views: Readonly<Record<'approvals' | 'runs' | 'agents', vscode.TreeDataProvider<string>>>;
  status(): string;
}

/** Registers everything and begins to look for the daemon. */
export function activate(context: vscode.ExtensionContext): Api {
  const log = vscode.window.createOutputChannel('Signalbox', { log: true });
  const services = assembleServices(context, log);
  const runs = registerRuns(services);
  const approvals = registerApprovals(services);
  const agents = registerAgents(services);
  context.subscriptions.push(
    log,
    runs,
    approvals,
    agents,
    registerDocuments(services),
    registerStatusBar(services),
    registerContextKeys(services),
    registerApprovalNotice(services),
    registerPolicyProblems(services),
    registerTimeline(context, timelineSource(services)),
    ...COMMANDS.map((command) => registerCommand(services, command)),
    { dispose: () => services.link.close() },
  );
  return {
    views: { approvals: approvals.tree, runs: runs.tree, agents: agents.tree },
    status: () =>
      sayStatus(services.link.status, { running: services.fleet.countActive(), waiting: services.fleet.asked().length }, vscode.l10n.t)
        ?.text ?? '',
  };
}

/** Called when the window closes; the daemon goes on. */
export function deactivate(): void {}

function assembleServices(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Services {
  const settings = () => vscode.workspace.getConfiguration('signalbox');
  const homeSetting = (): string => settings().get<string>('home', '').trim();
  const bundle = vscode.Uri.joinPath(context.extensionUri, 'dist', 'daemon.cjs').fsPath;
  // A window that nobody uses Signalbox in finds a daemon that runs, for its questions, and starts none.
  let wanted = false;
  const link = createLink({
    isWanted: () => wanted,
    home: () => findHome(homeSetting(), process.env, process.platform, homedir()),
    start: (home) => startDaemon(home, bundle, daemonEnvironment(process.env, homeSetting())),
    mayStart: () => vscode.workspace.isTrusted && settings().get('daemon.start', true),
    log: (line) => log.info(line),
  });
  const definitions = createDefinitions(link);
  const want = (): void => {
    if (wanted) return;
    wanted = true;
    link.wake();
  };
  const watch = createWorkspaceWatch(link, want);
  context.subscriptions.push(watch);
  const sources = [link.onChange, link.onStatus, definitions.onLoaded, watch.onChange];
  return {
    context,
    log,
    link,
    definitions,
    fleet: createFleet(link.replicas),
    proposals: new Map(),
    want,
    obstacle: watch.obstacle,
    client: watch.client,
    reader: () => ({ t: vscode.l10n.t, now: Date.now(), locale: vscode.env.language }),
    onChange: (listener) => vscode.Disposable.from(...sources.map((listen) => ({ dispose: listen(listener) }))),
  };
}
