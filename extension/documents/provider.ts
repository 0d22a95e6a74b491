// The read-only documents: artifacts, files at a commit, logs that grow, and the pages of approvals.
import * as vscode from 'vscode';
import { Plan } from '../../shared/artifacts/plan.ts';
import { sayAsker } from '../views/describeApproval.ts';
import type { Services } from '../services.ts';
import { createLogs, type Logs } from './logs.ts';
import { writeApprovalPage } from './repairText.ts';
import { formatUri, parseUri, SCHEME, type DocumentRef } from './uris.ts';

/** Bytes of an artifact that an editor is given. */
const MAX_ARTIFACT_BYTES = 8 * 1024 * 1024;

/** The address of a document. */
export function documentUri(ref: DocumentRef): vscode.Uri {
  return vscode.Uri.from(formatUri(ref));
}

/** Serves the documents of our scheme. */
export function registerDocuments(services: Services): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const logs = createLogs(services, (attempt) => {
    for (const { uri } of vscode.workspace.textDocuments) {
      const ref = parseUri(uri);
      if (ref?.kind === 'log' && ref.attempt === attempt) changed.fire(uri);
    }
  });
  const grown = vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    if (parseUri(document.uri)?.kind === 'log' && contentChanges.length > 0) followEnd(document, contentChanges);
  });
  const provider: vscode.TextDocumentContentProvider = {
    onDidChange: changed.event,
    provideTextDocumentContent: (uri) => provideText(services, logs, uri),
  };
  const closed = vscode.workspace.onDidCloseTextDocument(({ uri }) => {
    const ref = parseUri(uri);
    if (ref?.kind === 'log') logs.leave(ref.attempt);
  });
  return vscode.Disposable.from(vscode.workspace.registerTextDocumentContentProvider(SCHEME, provider), closed, grown, changed, logs);
}

/** Keeps the end of a log in view where it was in view before the log grew; who reads further up is left there. */
function followEnd(document: vscode.TextDocument, changes: readonly vscode.TextDocumentContentChangeEvent[]): void {
  const end = Math.max(...changes.map(({ range }) => range.end.line));
  for (const editor of vscode.window.visibleTextEditors) {
    const seen = editor.visibleRanges.at(-1)?.end.line ?? 0;
    if (editor.document !== document || seen + 1 < end) continue;
    const last = document.lineAt(document.lineCount - 1).range.end;
    editor.revealRange(new vscode.Range(last, last));
  }
}

async function provideText(services: Services, logs: Logs, uri: vscode.Uri): Promise<string> {
  const ref = parseUri(uri);
  switch (ref?.kind) {
    case 'artifact':
      return readArtifact(services, ref.digest, ref.name);
    case 'file':
      return readFile(services, ref);
    case 'log':
      return logs.read(ref.attempt);
    case 'approval':
      return readApproval(services, ref.approval);
    case 'rule':
      return services.proposals.get(ref.digest)?.[ref.side] ?? vscode.l10n.t('This proposal is no longer open. Ask for it again.');
    default:
      return '';
  }
}

/** A text artifact, whole up to 8 MiB; JSON is laid out for reading. */
export async function readArtifact(services: Services, digest: string, name: string): Promise<string> {
  const client = await services.client();
  let text = '';
  for (let offset = 0, size = 1; offset < size && offset < MAX_ARTIFACT_BYTES; ) {
    const piece = await client.call('artifact/read', { digest, offset });
    text += piece.text;
    size = piece.size;
    if (piece.next <= offset) break;
    offset = piece.next;
  }
  return name.endsWith('.json') ? layOutJson(text) : text;
}

function layOutJson(text: string): string {
  try {
    return `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
  } catch {
    return text;
  }
}

async function readFile(services: Services, { run, revision, path }: Extract<DocumentRef, { kind: 'file' }>): Promise<string> {
  const client = await services.client();
  const { kind, text, size } = await client.call('run/file', { run, revision, path });
  if (kind === 'binary') return vscode.l10n.t('(A binary file of {0} bytes.)', size);
  if (kind === 'too_large') return vscode.l10n.t('(A file of {0} bytes, which is too large to show.)', size);
  return text;
}

async function readApproval(services: Services, id: string): Promise<string> {
  const client = await services.client();
  const { approvals } = await client.call('approval/list', { pending: false, limit: 1_000 });
  const approval = services.fleet.findApproval(id)?.approval ?? approvals.find((entry) => entry.id === id);
  if (!approval) return vscode.l10n.t('There is no such approval.');
  const state = services.fleet.findApproval(id)?.state;
  const run = state?.runs.get(approval.run ?? '');
  const asker = state
    ? sayAsker({ approval, state, definition: run && services.definitions.of(run), named: false }, services.reader())
    : (approval.stage ?? '');
  const digest = approval.show['plan.json'];
  const plan = digest === undefined ? undefined : Plan.safeParse(JSON.parse(await readArtifact(services, digest, 'plan')));
  const repair = plan?.success ? plan.data.repairs.find((entry) => entry.id === approval.key) : undefined;
  return writeApprovalPage(approval, asker, repair, services.reader());
}
