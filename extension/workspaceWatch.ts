// Which repositories this window is about, and why it may be about none.
import * as vscode from 'vscode';
import type { Client } from '../shared/client/client.ts';
import { SignalboxError } from '../shared/protocol/errors.ts';
import { createListeners } from './connection/listeners.ts';
import type { Link } from './connection/link.ts';
import { findRepositories } from './connection/repositories.ts';
import type { Obstacle } from './services.ts';

export interface WorkspaceWatch extends vscode.Disposable {
  obstacle(): Obstacle | undefined;
  /** A client, once the workspace was looked at; rejects with a SignalboxError that says what to do first. */
  client(): Promise<Client>;
  onChange(listener: () => void): () => void;
}

/** Looks at the folders of the workspace, now and whenever they, their trust or their repositories change. */
export function createWorkspaceWatch(link: Link, want: () => void): WorkspaceWatch {
  const listeners = createListeners();
  let obstacle = findObstacle();
  let looked = Promise.resolve();
  const look = async (): Promise<void> => {
    const blocked = findObstacle();
    const repos = blocked === undefined ? await findRepositories(listFolders()) : [];
    obstacle = blocked ?? (repos.length === 0 ? 'noRepository' : undefined);
    // A window that is connected already stays so, also while it has no repository.
    if (repos.length > 0 || link.status.kind !== 'closed') link.open(repos);
    listeners.call();
  };
  const lookAgain = (): void => {
    looked = looked.then(look);
  };
  lookAgain();
  let watchers = listFolders().map((folder) => watchForGit(folder, lookAgain));
  const onFolders = vscode.workspace.onDidChangeWorkspaceFolders(() => {
    for (const watcher of watchers) watcher.dispose();
    watchers = listFolders().map((folder) => watchForGit(folder, lookAgain));
    lookAgain();
  });
  const onTrust = vscode.workspace.onDidGrantWorkspaceTrust(lookAgain);
  return {
    obstacle: () => obstacle,
    async client() {
      await looked;
      if (obstacle !== undefined) throw refuse(obstacle);
      want();
      return link.client();
    },
    onChange: listeners.add,
    dispose: () => vscode.Disposable.from(onFolders, onTrust, ...watchers).dispose(),
  };
}

function listFolders(): string[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath);
}

function findObstacle(): Obstacle | undefined {
  if (listFolders().length === 0) return 'noFolder';
  return vscode.workspace.isTrusted ? undefined : 'untrusted';
}

/** Notices when a folder becomes a repository, or is none any more. */
function watchForGit(folder: string, onChange: () => void): vscode.Disposable {
  const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(folder), '.git'), false, true, false);
  return vscode.Disposable.from(watcher, watcher.onDidCreate(onChange), watcher.onDidDelete(onChange));
}

function refuse(obstacle: Obstacle): SignalboxError {
  const { t } = vscode.l10n;
  switch (obstacle) {
    case 'untrusted':
      return new SignalboxError({ code: 'workspace_untrusted', message: t('Signalbox starts nothing in a folder that you do not trust.') });
    case 'noFolder':
      return new SignalboxError({ code: 'no_folder', message: t('Open a folder that belongs to a git repository first.') });
    case 'noRepository':
      return new SignalboxError({
        code: 'no_repository',
        message: t('This folder belongs to no git repository. Make one with "git init" and a first commit.'),
      });
    default:
      return obstacle satisfies never;
  }
}
