/**
 * The timeline panels: one per run, each fed with what changed in its run.
 *
 * 1. A panel that cannot be seen has no page (it is not retained), so nothing is posted to it; when it is shown again its page
 *    says `ready` and gets everything.
 * 2. An intent is passed on only when the timeline that the page was told offers exactly that; the page cannot make one up.
 * 3. Changes are posted at most once per `PACE_MS`.
 */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import { TimelineFeed, type TimelineInput } from '../../shared/webview/timeline-change.ts';
import { TIMELINE_TEXT } from '../../shared/webview/timeline-text.ts';
import { FromTimeline, TimelineMemory, type TimelineIntent, type TimelineModel } from '../../shared/webview/timeline.ts';
import { renderTimelinePage } from './timeline-html.ts';

/** The type of the panels; package.json names it in an `onWebviewPanel` activation event, so that they come back after a reload. */
export const TIMELINE_VIEW = 'signalbox.timeline';

const PACE_MS = 16;

/** Where the timeline gets what it shows, and who opens what a person selects. */
export interface TimelineSource {
  /** The state that has the run, with the definition that it runs; undefined while either is not known (asking may load it). */
  state(run: string): TimelineInput;
  /** Calls `listener` after any state that `state` may return has changed. */
  onChange(listener: () => void): vscode.Disposable;
  /** Opens a log, diff, artifact or question. */
  open(intent: TimelineIntent): void;
}

const panels = new Map<string, vscode.WebviewPanel>();

/** Shows the timeline of a run in the editor area; a run that has a panel gets that one to the front. */
export function openTimeline(context: vscode.ExtensionContext, source: TimelineSource, run: string): void {
  const open = panels.get(run);
  if (open) return open.reveal();
  const panel = vscode.window.createWebviewPanel(TIMELINE_VIEW, vscode.l10n.t('Timeline'), vscode.ViewColumn.Active);
  fillPanel(context, source, panel, run);
}

/** Brings the panels back after a reload of the window. */
export function registerTimeline(context: vscode.ExtensionContext, source: TimelineSource): vscode.Disposable {
  return vscode.window.registerWebviewPanelSerializer(TIMELINE_VIEW, {
    async deserializeWebviewPanel(panel, state: unknown) {
      const memory = TimelineMemory.safeParse(state);
      if (memory.success && !panels.has(memory.data.run)) fillPanel(context, source, panel, memory.data.run);
      else panel.dispose();
    },
  });
}

function fillPanel(context: vscode.ExtensionContext, source: TimelineSource, panel: vscode.WebviewPanel, run: string): void {
  panels.set(run, panel);
  const folder = vscode.Uri.joinPath(context.extensionUri, 'dist', 'webview');
  const { webview } = panel;
  webview.options = { enableScripts: true, localResourceRoots: [folder] };
  const feed = new TimelineFeed(run, translateText());
  const listeners = [
    webview.onDidReceiveMessage((raw: unknown) => {
      const message = FromTimeline.safeParse(raw);
      if (!message.success) return;
      if (message.data.type !== 'open') post(webview, feed.tellAll(source.state(run), Date.now()), panel);
      else if (isOffered(feed.told, message.data.intent)) source.open(message.data.intent);
    }),
    feedChanges(source, panel, feed, run),
  ];
  panel.onDidDispose(() => {
    for (const listener of listeners) listener.dispose();
    panels.delete(run);
  });
  webview.html = renderTimelinePage({
    script: webview.asWebviewUri(vscode.Uri.joinPath(folder, 'timeline.js')).toString(),
    cspSource: webview.cspSource,
    nonce: randomBytes(16).toString('base64'),
    language: vscode.env.language,
    title: vscode.l10n.t('Timeline'),
  });
}

/** Posts what changed, soon after it did, while the panel can be seen. */
function feedChanges(source: TimelineSource, panel: vscode.WebviewPanel, feed: TimelineFeed, run: string): vscode.Disposable {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const listener = source.onChange(() => {
    if (!panel.visible) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      const message = panel.visible ? feed.tellChange(source.state(run), Date.now()) : undefined;
      if (message) post(panel.webview, message, panel);
    }, PACE_MS);
  });
  return new vscode.Disposable(() => {
    clearTimeout(timer);
    listener.dispose();
  });
}

function post(webview: vscode.Webview, message: ReturnType<TimelineFeed['tellAll']>, panel: vscode.WebviewPanel): void {
  if (message.type === 'model') panel.title = vscode.l10n.t('Timeline: {0}', message.model.run.title);
  void webview.postMessage(message);
}

function isOffered(model: TimelineModel | undefined, intent: TimelineIntent): boolean {
  const items = model ? [...model.spans, ...model.marks] : [];
  return items.some((item) => item.links.some((link) => isDeepStrictEqual(link, intent)));
}

/** The words of the webview in the language of the editor. */
function translateText(): Record<string, string> {
  return Object.fromEntries(Object.entries(TIMELINE_TEXT).map(([word, english]) => [word, vscode.l10n.t(english)]));
}
