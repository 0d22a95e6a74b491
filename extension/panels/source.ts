import * as vscode from 'vscode';
import type { TimelineIntent } from '../../shared/webview/timeline.ts';
import { openChanges } from '../documents/changes.ts';
import { documentUri } from '../documents/provider.ts';
import { formatRef } from '../refs.ts';
import type { Services } from '../services.ts';
import { sayWorkflow } from '../views/describeRun.ts';
import type { TimelineSource } from './timeline.ts';

/** What the timeline shows, and how what a person selects there is opened. */
export function timelineSource(services: Services): TimelineSource {
  return {
    state(id) {
      const found = services.fleet.findRun(id);
      const definition = found && services.definitions.of(found.run);
      return definition && { state: found.state, definition, title: sayWorkflow(found.run.workflow.name, services.reader()) };
    },
    onChange: services.onChange,
    open(intent) {
      openIntent(services, intent).catch((error: unknown) => {
        services.log.error(String(error));
        void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
      });
    },
  };
}

async function openIntent(services: Services, intent: TimelineIntent): Promise<void> {
  switch (intent.kind) {
    case 'log':
      await vscode.commands.executeCommand('signalbox.showLog', formatRef({ kind: 'attempt', attempt: intent.attempt }));
      return;
    case 'approval':
      await vscode.commands.executeCommand('signalbox.showDiff', formatRef({ kind: 'approval', approval: intent.approval }));
      return;
    case 'artifact':
      await openArtifact(services, intent.run, intent.name, intent.digest);
      return;
    case 'diff':
      if (intent.subject === 'approval')
        await vscode.commands.executeCommand('signalbox.showDiff', formatRef({ kind: 'approval', approval: intent.id }));
      else if (intent.subject === 'commit')
        await openChanges(services, intent.run, vscode.l10n.t('Commit {0}', intent.id.slice(0, 8)), intent.id);
      else await openChanges(services, intent.run, vscode.l10n.t('Changes of run {0}', intent.run.slice(-8)));
      return;
    default:
      intent satisfies never;
  }
}

/** Opens an artifact: a report or other Markdown as a preview, a merge's diff as a diff, all else as text. */
export async function openArtifact(services: Services, run: string, name: string, digest: string): Promise<void> {
  const uri = documentUri({ kind: 'artifact', digest, name });
  if (name === 'merge.diff') await openChanges(services, run, vscode.l10n.t('Changes of run {0}', run.slice(-8)));
  else if (name.endsWith('.md')) await vscode.commands.executeCommand('markdown.showPreview', uri);
  else await vscode.window.showTextDocument(uri, { preview: true });
}
