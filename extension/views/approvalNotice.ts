/**
 * The notification about the oldest question that nobody has answered.
 *
 * 1. At most one is open; a second question is counted in its text, and three or more are gathered into one sentence.
 * 2. It ends when its question is answered, by whomever. VS Code lets an extension end only a notification about progress, so
 *    it is one, whose actions are links in its text; a message with buttons could not be withdrawn.
 * 3. Closing it answers nothing: the question stays in the view, and is shown again when another one comes or goes, or when a
 *    reminder is due.
 */
import * as vscode from 'vscode';
import { asksPerson, type Approval } from '../../shared/state/approval.ts';
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

/** From so many on they are gathered into one sentence. */
const GATHERED = 3;

/** Shows one question at a time for as long as it is open. */
export function registerApprovalNotice(services: Services): vscode.Disposable {
  let shown: Notice | undefined;
  let free = 0;
  let timer: NodeJS.Timeout | undefined;
  const update = (): void => {
    // What agents are to look at first is no news for a person yet.
    const wanted = isWanted() ? services.fleet.asked().filter(({ approval }) => asksPerson(approval)) : [];
    const [first] = wanted;
    const key = first && keyOf(wanted.map(({ approval }) => approval));
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
    const message =
      wanted.length >= GATHERED
        ? writeMany(wanted.length)
        : writeMessage({ ...first, definition, named: false }, wanted.length - 1, services);
    shown = { key, since: now, end: showNotice(message) };
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

/** What is told; told anew when it differs: the question, its number, and each reminder once. */
function keyOf(wanted: readonly Approval[]): string {
  const [first] = wanted;
  const reminders = wanted.reduce((sum, { reminders: made = 0 }) => sum + made, 0);
  const about = wanted.length >= GATHERED ? '' : `${first?.id} ${first?.grants?.length ?? 0} ${first?.comments?.length ?? 0}`;
  return `${wanted.length} ${reminders} ${about}`;
}

function isWanted(): boolean {
  return vscode.workspace.getConfiguration('signalbox').get('notifications.approvals', true);
}

/** Shows the notification; call the result to take it away. */
function showNotice(message: string): () => void {
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
    progress.report({ message, increment: 0 });
    // When a person hides the notification VS Code moves the last message to the status bar; so the last one is empty.
    progress.report({ increment: 0 });
    return ended;
  });
  return end;
}

/** Many at once are not read one by one: the view has them all. */
function writeMany(count: number): string {
  const { t } = vscode.l10n;
  const show = t('Show');
  return `${t('{0} questions wait for you.', count)} [${show}](command:signalbox.approvals.focus "${show}")`;
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
