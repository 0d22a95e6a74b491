import * as vscode from 'vscode';
import type { TrustView } from '../../shared/protocol/views.ts';
import type { Command } from './command.ts';
import { pickRepository } from './pick.ts';

/** Shows the files of the repository's `.signalbox/`, and trusts them as they stand when the person says so. */
export const trustRepository: Command = {
  id: 'signalbox.trustRepository',
  async run(services) {
    const { t } = vscode.l10n;
    const repo = await pickRepository(services);
    if (repo === undefined) return;
    const client = await services.client();
    const shown = await client.call('trust/show', { repo });
    if (shown.digest === '') {
      void vscode.window.showInformationMessage(t('{0} has no .signalbox/ folder, so there is nothing to trust.', shown.repo));
      return;
    }
    const decision = await showFiles(shown);
    if (decision === 'trust') {
      await client.call('trust/grant', { repo, digest: shown.digest });
      void vscode.window.showInformationMessage(t('The configuration of {0} is trusted until one of its files changes.', shown.repo));
    } else if (decision === 'revoke') {
      await client.call('trust/revoke', { repo });
      void vscode.window.showInformationMessage(t('The configuration of {0} is no longer trusted.', shown.repo));
    }
  },
};

type Row = vscode.QuickPickItem & ({ readonly file: string } | { readonly decision: 'trust' | 'revoke' });

/** A list that stays open while the person looks at the files; resolves when they decide or leave. */
function showFiles({ repo, files, trusted }: TrustView): Promise<'trust' | 'revoke' | undefined> {
  const { t } = vscode.l10n;
  const list = vscode.window.createQuickPick<Row>();
  const decide: Row = trusted
    ? { label: `$(circle-slash) ${t('Trust them no longer')}`, alwaysShow: true, decision: 'revoke' }
    : { label: `$(shield) ${t('Trust these {0} files as they are now', files.length)}`, alwaysShow: true, decision: 'trust' };
  list.title = trusted ? t('These files are trusted') : t('Look at the files, then trust them');
  list.placeholder = t('Choose a file to read it');
  list.ignoreFocusOut = true;
  list.items = [...files.map((file): Row => ({ label: `$(file) ${file}`, file })), decide];
  return new Promise((resolve) => {
    list.onDidAccept(() => {
      const [row] = list.selectedItems;
      if (!row) return;
      if ('file' in row) {
        void vscode.window.showTextDocument(vscode.Uri.joinPath(vscode.Uri.file(repo), row.file), { preview: true, preserveFocus: true });
        return;
      }
      resolve(row.decision);
      list.hide();
    });
    list.onDidHide(() => {
      resolve(undefined);
      list.dispose();
    });
    list.show();
  });
}
