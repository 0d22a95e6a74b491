// The built bundle in a real browser, under the policy and the variables that VS Code gives it.
import assert from 'node:assert/strict';
import { TimelineFeed } from '../../shared/webview/timeline-change.ts';
import { BEGIN, CHECKUP, finish, RUN, waitingCheckup } from './record.ts';
import { bundleTimeline, TimelineBrowser, until, type Page, type ThemeName, type TimelinePage } from './page.ts';

const LARGEST_BUNDLE = 100_000;
const THEMES: ThemeName[] = ['dark-modern', 'light-modern', 'high-contrast'];

/** A page that shows the check-up that waits for its merge. */
async function openWaiting(browser: TimelineBrowser, theme?: ThemeName): Promise<TimelinePage & { finish(): Promise<void> }> {
  const shown = await browser.load(theme);
  const state = waitingCheckup();
  const feed = new TimelineFeed(RUN, {});
  const input = { state, definition: CHECKUP };
  await shown.send(feed.tellAll(input, BEGIN + 42_000));
  await shown.page.locator('.chart').waitFor();
  await shown.page.locator('tbody tr').first().waitFor({ state: 'attached' });
  return {
    ...shown,
    async finish() {
      finish(state);
      const change = feed.tellChange(input, BEGIN + 62_000);
      assert.ok(change?.type === 'change');
      await shown.send(change);
    },
  };
}

/** How many of the canvas' pixels have each of the given colours (#rrggbb), so that a test can see what was painted. */
async function countColours(page: Page, colours: string[]): Promise<number[]> {
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
  return page.evaluate<number[]>(`(() => {
    const canvas = document.querySelector('.chart canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const wanted = ${JSON.stringify(colours)}.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
    return wanted.map(([r, g, b]) => {
      let count = 0;
      for (let at = 0; at < data.length; at += 4) if (data[at] === r && data[at + 1] === g && data[at + 2] === b) count++;
      return count;
    });
  })()`);
}

const press = async (page: Page, ...keys: string[]): Promise<void> => {
  await page.locator('.chart').focus();
  for (const key of keys) await page.keyboard.press(key);
};
const details = (page: Page) => page.locator('.details .text');

describe('the timeline in a browser', function () {
  this.timeout(60_000);
  let browser: TimelineBrowser;
  before(async function () {
    if (!process.env['CHROMIUM'] && (process.platform !== 'linux' || process.arch !== 'x64')) this.skip();
    browser = await TimelineBrowser.open();
  });
  after(() => browser?.close());

  it('is a bundle of at most 100 KB', async () => {
    const { length } = Buffer.from(await bundleTimeline());
    assert.ok(length <= LARGEST_BUNDLE, `${length} bytes`);
  });

  for (const theme of THEMES) {
    it(`paints in ${theme} without breaking the policy`, async () => {
      const shown = await openWaiting(browser, theme);
      const colours = {
        'dark-modern': ['#1f1f1f', '#cca700'],
        'light-modern': ['#ffffff', '#bf8803'],
        'high-contrast': ['#000000', '#ffd370'],
      }[theme];
      const [background = 0, waiting = 0] = await countColours(shown.page, colours);
      assert.ok(background > 100_000 && waiting > 50, `${background} pixels of background, ${waiting} of the wait`);
      assert.deepEqual(await shown.faults(), []);
      await shown.page.close();
    });
  }

  it('paints anew when the theme changes', async () => {
    const { page, useTheme } = await openWaiting(browser, 'dark-modern');
    await useTheme('light-modern');
    const [dark, light = 0] = await countColours(page, ['#1f1f1f', '#ffffff']);
    assert.equal(dark, 0);
    assert.ok(light > 100_000);
    await page.close();
  });

  it('blocks code and styles that are not its own', async () => {
    const { page, faults } = await openWaiting(browser);
    await page.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<p id="styled" style="color: red">x</p><img src="http://elsewhere.test/x.png">')`,
    );
    await until(page, 'window.violations.length >= 2');
    assert.match((await faults()).join('\n'), /style-src-attr/);
    assert.match((await faults()).join('\n'), /img-src/);
    assert.equal(await page.evaluate(`document.querySelectorAll('main [style*="color"]').length`), 0);
    await page.close();
  });

  it('is worked by keys: select, open, zoom, table', async () => {
    const { page, posted } = await openWaiting(browser);
    await press(page, 'ArrowDown', 'ArrowDown');
    await until(page, `document.querySelector('.details').textContent.includes('#1')`);
    await page.keyboard.press('Enter');
    const opened = (await posted()).filter((message) => message.type === 'open');
    assert.deepEqual(opened, [{ type: 'open', intent: { kind: 'log', run: RUN, stage: 'scan', attempt: 'scan-1' } }]);
    assert.match(String(await page.locator('[role=status]').textContent()), /Look at the repository #1, Done/);
    await press(page, 'Control+End');
    await until(page, `document.querySelector('.details').textContent.includes('needs Merge the repairs')`);
    await press(page, '+', '+');
    await until(page, `JSON.parse(sessionStorage.getItem('state')).view.mode === 'follow'`);
    await press(page, '0');
    await until(page, `JSON.parse(sessionStorage.getItem('state')).view.mode === 'fit'`);
    await press(page, 't');
    await page.locator('.table:not(.hidden)').waitFor();
    await page.close();
  });

  it('is worked by the pointer: click selects, the wheel zooms, a drag pans, a button opens', async () => {
    const { page, posted } = await openWaiting(browser);
    const box = await page.locator('.chart').boundingBox();
    assert.ok(box);
    const modeOf = (mode: string) => until(page, `JSON.parse(sessionStorage.getItem('state')).view.mode === '${mode}'`);
    // Merge the repairs is the tenth row; its wait reaches up to now, near the right edge.
    await page.mouse.click(box.x + box.width - 60, box.y + 24 + 9.5 * 24);
    await details(page).getByText('Merge 3 files into main').waitFor();
    await page.getByRole('button', { name: 'Show Diff' }).last().click();
    const opened = (await posted()).filter((message) => message.type === 'open');
    assert.deepEqual(opened, [{ type: 'open', intent: { kind: 'diff', run: RUN, subject: 'approval', id: 'ask-merge' } }]);
    await page.mouse.move(box.x + 500, box.y + 100);
    await page.mouse.wheel(0, -200);
    await modeOf('free');
    await page.locator('[data-button=fit]').click();
    await modeOf('fit');
    await page.mouse.move(box.x + 500, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + 400, box.y + 100, { steps: 4 });
    await page.mouse.up();
    await modeOf('free');
    await page.close();
  });

  it('has a table with the same rows, for screen readers before anybody toggles it', async () => {
    const { page, finish: end } = await openWaiting(browser);
    const texts = (await page.locator('tbody tr').allTextContents()).map(String);
    assert.equal(texts.length, 7 + 5 + 2 + 3 + 1, texts.join('\n'));
    assert.match(texts.join('\n'), /StageReportnot begun.*needs Merge the repairs/);
    assert.equal(await page.locator('.table button:not([tabindex="-1"])').count(), 0);
    assert.equal(await page.locator('thead th[scope=col]').count(), 7);
    await page.evaluate(`document.querySelector('tbody tr').id = 'kept'`);
    await end();
    await until(page, `document.querySelector('tbody').textContent.includes('12345678')`);
    assert.equal(await page.locator('tbody tr#kept:first-child').count(), 1, 'a row that did not change was made anew');
    await until(page, `document.querySelector('[role=status]').textContent.includes('Merge the repairs: Done')`);
    await page.locator('[data-button=table]').click();
    assert.equal(await page.locator('.table button[tabindex="-1"]').count(), 0);
    await page.close();
  });

  it('comes back after a reload as it was', async () => {
    const shown = await openWaiting(browser);
    const { page } = shown;
    await press(page, 't', 'ArrowDown', 'ArrowDown');
    await page.mouse.move(600, 150);
    await page.mouse.wheel(0, -300);
    await until(
      page,
      `(JSON.parse(sessionStorage.getItem('state')).selection ?? {}).item === 'attempt/scan-1' && JSON.parse(sessionStorage.getItem('state')).view.mode === 'free'`,
    );
    const before = await page.evaluate(`sessionStorage.getItem('state')`);
    await page.reload();
    await until(page, 'window.posted.length > 0');
    await shown.send(new TimelineFeed(RUN, {}).tellAll({ state: waitingCheckup(), definition: CHECKUP }, BEGIN + 42_000));
    await details(page).getByText('Look at the repository #1').waitFor();
    await page.locator('.table:not(.hidden)').waitFor();
    await page.waitForTimeout(400);
    assert.deepEqual(JSON.parse(String(await page.evaluate(`sessionStorage.getItem('state')`))), JSON.parse(String(before)));
    await page.close();
  });

  it('says that it waits for the run, and asks for everything when it missed a change', async () => {
    const shown = await browser.load();
    const feed = new TimelineFeed(RUN, { loading: 'Es wird gewartet' });
    await shown.send(feed.tellAll(undefined, BEGIN));
    await shown.page.getByText('Es wird gewartet').waitFor();
    const state = waitingCheckup();
    await shown.send(feed.tellAll({ state, definition: CHECKUP }, BEGIN + 42_000));
    await shown.page.locator('.chart').waitFor();
    finish(state);
    const change = feed.tellChange({ state, definition: CHECKUP }, BEGIN + 62_000);
    assert.ok(change?.type === 'change');
    await shown.send({ ...change, revision: change.revision + 1 });
    await until(shown.page, `window.posted.some((message) => message.type === 'resync')`);
    await shown.page.evaluate(`window.postMessage({ type: 'model', revision: 'x' })`);
    assert.deepEqual(await shown.faults(), []);
    await shown.page.close();
  });
});
