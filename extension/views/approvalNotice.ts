/**
 * The notification about the oldest question that nobody has answered.
 *
 * 1. At most one is open; the others are counted in its text.
 * 2. It ends when its question is answered, by whomever. VS Code lets an extension end only a notification about progress, so
 *    it is one, whose actions are links in its text; a message with buttons could not be withdrawn.
 * 3. Closing it answers nothing: the question stays in the view, and is shown again when another one comes or goes.
 */
import * as vscode from 'vscode';
import { formatRef } from '../refs.ts';
import type { Services } from '../services.ts';
import { sayQuestion, whatToShow, type ApprovalView } from './describeApproval.ts';

interface Notice {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  end(): void;
}

/** VS Code shows a notification about progress for at least 800 ms. The next one waits until the last is really gone. */
const LEAST_SHOWN_MS = 850;

/** Shows one question at a time for as long as it is open. */
export function registerApprovalNotice(services: Services): vscode.Disposable {
  let shown: Notice | undefined;
  let free = 0;
  let timer: NodeJS.Timeout | undefined;
  const update = (): void => {
    const wanted = isWanted() ? services.fleet.asked() : [];
    const [first] = wanted;
    const key = first === undefined ? undefined : `${first.approval.id} ${wanted.length}`;
    if (shown?.key === key) return;
    shown?.end();
    if (shown) free = shown.since + LEAST_SHOWN_MS;
    shown = undefined;
    clearTimeout(timer);
    if (first === undefined || key === undefined) return;
    const now = Date.now();
    if (now < free) {
      timer = setTimeout(update, free - now);
      return;
    }
    const run = first.state.runs.get(first.approval.run ?? '');
    const definition = run && services.definitions.of(run);
    // Who asks stands in the definition; it comes within moments, and the change shows the notification.
    if (run && !definition) return;
    shown = { key, since: now, end: showNotice({ ...first, definition, named: false }, wanted.length - 1, services) };
  };
  update();
  const listening = services.onChange(update);
  const configured = vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration('signalbox.notifications.approvals')) update();
  });
  const endAll = (): void => {
    clearTimeout(timer);
    shown?.end();
  };
  return vscode.Disposable.from(listening, configured, { dispose: endAll });
}

function isWanted(): boolean {
  return vscode.workspace.getConfiguration('signalbox').get('notifications.approvals', true);
}

/** Shows the notification; call the result to take it away. */
function showNotice(view: ApprovalView, others: number, services: Services): () => void {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const { t } = vscode.l10n;
  // A text makes VS Code call its button so, and keeps the notification unfolded; where it does not, the button says Cancel.
  const options = { location: vscode.ProgressLocation.Notification, cancellable: t('Later') as unknown as boolean };
  void vscode.window.withProgress(options, (progress, later) => {
    later.onCancellationRequested(end);
    // A number keeps the bar still: nothing is under way, something is asked.
    progress.report({ message: writeMessage(view, others, services), increment: 0 });
    // When a person hides the notification VS Code moves the last message to the status bar; so the last one is empty.
    progress.report({ increment: 0 });
    return ended;
  });
  return end;
}

function writeMessage(view: ApprovalView, others: number, services: Services): string {
  const { t } = vscode.l10n;
  const ref = formatRef({ kind: 'approval', approval: view.approval.id });
  const argument = encodeURIComponent(JSON.stringify([ref]));
  const link = (text: string, command: string): string => `[${text}](command:${command}?${argument} "${text}")`;
  const look = { diff: t('Show Diff'), repair: t('Show Repair'), details: t('Show Details') }[whatToShow(view.approval)];
  const links = [link(t('Approve'), 'signalbox.approve'), link(t('Deny'), 'signalbox.deny'), link(look, 'signalbox.showDiff')];
  return `${sayQuestion(view, others, services.reader())} ${links.join(' | ')}`;
}
