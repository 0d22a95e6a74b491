// One window of VS Code: what a person sees and does there, in the words of the extension.
import { setTimeout as delay } from 'node:timers/promises';
import type { Workbench } from '../../vscode-host/workbench.d.mts';

export type Page = Workbench['page'];
type Locator = ReturnType<Page['locator']>;

/** How long anything may take to show; a busy machine needs much, and nothing is measured here. */
export const PATIENCE_MS = 60_000;

/** Waits until `look` returns something other than undefined and false; throws with `what` when it never does. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
): Promise<Value> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`It did not come to this: ${what}.`);
    await delay(50);
  }
}

export type ViewName = 'Approvals' | 'Runs' | 'Agents';

export class VscodeWindow {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE_MS);
  }

  /** Brings the container of our views to the front. */
  async showViews(): Promise<void> {
    const tab = this.page.locator('.part.activitybar').getByRole('tab', { name: /^Signalbox/ });
    await tab.waitFor();
    // A window that is just restoring its side bar may bring ours to the front at the moment of the click, which then hides it.
    await until('our views are in front', async () => {
      if (await this.view('Runs').isVisible()) return true;
      await tab.click();
      return this.view('Runs')
        .waitFor({ timeout: 2_000 })
        .then(
          () => true,
          () => false,
        );
    });
  }

  /** The section of a view, with its header and what it shows. */
  view(name: ViewName): Locator {
    return this.page.locator('.part.sidebar .pane', { has: this.page.locator('.pane-header', { hasText: name }) });
  }

  /** A row of a view by its text; the first of several. */
  row(view: ViewName, text: string | RegExp): Locator {
    return this.view(view).locator('.monaco-list-row', { hasText: text }).first();
  }

  /** What a view says at this moment: each row's label and description. */
  async readRows(view: ViewName): Promise<string[]> {
    return this.view(view)
      .locator('.monaco-list-row')
      .evaluateAll((rows) =>
        rows.map((row) => ['.label-name', '.label-description'].map((part) => row.querySelector(part)?.textContent ?? '').join(': ')),
      );
  }

  /** Waits for a row whose label and description match. */
  async untilRow(view: ViewName, pattern: RegExp): Promise<string> {
    let last: string[] = [];
    const find = async (): Promise<string | undefined> => {
      last = await this.readRows(view);
      return last.find((row) => pattern.test(row));
    };
    return until(`a row ${String(pattern)} in ${view}`, find).catch((error: Error) => {
      throw new Error(`${error.message}\n${last.join('\n')}`);
    });
  }

  /** Runs a command from the palette by its full title. */
  async run(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input[type="text"]');
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    // The palette closes when the focus moves, as it does while a window is still being drawn; then a person opens it again.
    await until(`the palette offers ${title}`, async () => {
      await this.page.keyboard.press('F1');
      await input.fill(`>${title}`, { timeout: 5_000 }).catch(() => {});
      return row.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
      );
    });
    await row.click();
  }

  /** Chooses a row of the list that is open. */
  async choose(label: string): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
  }

  /** Types into the input box with that title, and confirms. */
  async answer(title: string, text: string): Promise<void> {
    const box = this.page.locator('.quick-input-widget', { hasText: title });
    await box.locator('input[type="text"]').fill(text);
    await box.locator('input[type="text"]').press('Enter');
  }

  /** The notification about an approval. */
  get notice(): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item', { hasText: 'Source: Signalbox' });
  }

  /** Follows one of the notification's links once the notification is about `question`. */
  async follow(question: string | RegExp, link: 'Approve' | 'Deny' | 'Show Diff' | 'Show Repair' | 'Show Details'): Promise<void> {
    const about = this.notice.filter({ hasText: question });
    // It is made anew when the count of the others changes: a click may meet one that is just being replaced.
    await until(`${link} on the notification ${String(question)}`, () =>
      about
        .getByRole('link', { name: link, exact: true })
        .click({ timeout: 5_000 })
        .then(
          () => true,
          () => false,
        ),
    );
  }

  /** The page inside the webview that is in front. */
  webview(): ReturnType<Locator['frameLocator']> {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame');
  }

  tab(title: string | RegExp): Locator {
    return this.page.locator('.part.editor .tab', { hasText: title });
  }

  /** The names of the files that the multi-file diff in front shows. */
  async readDiffFiles(): Promise<string[]> {
    return this.page.locator('.part.editor .multiDiffEntry .file-path .title.modified').allTextContents();
  }

  async closeEditors(): Promise<void> {
    await this.run('View: Close All Editors');
    await this.page.locator('.part.editor .tab').first().waitFor({ state: 'detached' });
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.locator('.monaco-workbench').waitFor();
  }

  close(): Promise<void> {
    return this.page.close();
  }
}
