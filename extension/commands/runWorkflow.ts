import * as vscode from 'vscode';
import type { ParamsOf } from '../../shared/protocol/methods.ts';
import type { Command } from './command.ts';
import { pick, pickRepository } from './pick.ts';
import { pickTarget, startRun } from './startRun.ts';

const MAX_FILE_BYTES = 256 * 1024;
type Choice = ParamsOf<'run/start'>['workflow'] | 'file';

/** Starts a workflow: the built-in one, one of the repository, or any file. */
export const runWorkflow: Command = {
  id: 'signalbox.runWorkflow',
  async run(services) {
    const repo = await pickRepository(services);
    if (repo === undefined) return;
    const workflow = await pickWorkflow(repo);
    const target = workflow && (await pickTarget(repo));
    if (workflow && target) await startRun(services, { workflow, repo, ...target });
  },
};

async function pickWorkflow(repo: string): Promise<Exclude<Choice, 'file'> | undefined> {
  const { t } = vscode.l10n;
  const own = await listOwn(repo);
  const chosen = await pick<Choice>(t('Which workflow?'), [
    { label: `$(pulse) ${t('Check-up')}`, description: t('comes with Signalbox'), value: { name: 'checkup' } },
    ...own.map((name) => ({ label: `$(list-ordered) ${name}`, description: `.signalbox/workflows/${name}.yaml`, value: { name } })),
    { label: `$(folder-opened) ${t('Choose a File…')}`, value: 'file' },
  ]);
  if (chosen !== 'file') return chosen;
  const [file] =
    (await vscode.window.showOpenDialog({
      title: t('Which workflow?'),
      filters: { YAML: ['yaml', 'yml'] },
      defaultUri: vscode.Uri.file(repo),
    })) ?? [];
  if (!file) return undefined;
  const { size } = await vscode.workspace.fs.stat(file);
  if (size > MAX_FILE_BYTES) throw new Error(t('{0} is larger than {1} KiB, which no workflow is.', file.fsPath, MAX_FILE_BYTES / 1024));
  return { file: file.fsPath, text: Buffer.from(await vscode.workspace.fs.readFile(file)).toString('utf8') };
}

/** The names of the workflows in the repository's `.signalbox/`; the daemon decides whether they are trusted. */
async function listOwn(repo: string): Promise<string[]> {
  const folder = vscode.Uri.joinPath(vscode.Uri.file(repo), '.signalbox', 'workflows');
  const entries = await vscode.workspace.fs.readDirectory(folder).then(
    (list) => list,
    () => [],
  );
  return entries
    .filter(([name, type]) => type === vscode.FileType.File && /\.ya?ml$/.test(name))
    .map(([name]) => name.replace(/\.ya?ml$/, ''))
    .sort();
}
