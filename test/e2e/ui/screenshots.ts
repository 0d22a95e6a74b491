// Takes the pictures of docs/images from a real VS Code with the VSIX installed: `npm run screenshots`. Look at them before you keep them.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makePlantedRepo } from '../../support/checkup.ts';
import { type Files, removeTempFolders } from '../../support/repos.ts';
import { InstalledVscode } from './installed.ts';
import type { VscodeWindow } from './window.ts';

const images = fileURLToPath(new URL('../../../docs/images', import.meta.url));
const CALM = { 'remote.autoForwardPorts': false, 'workbench.tips.enabled': false, 'telemetry.telemetryLevel': 'off' };
const DARK = 'Default Dark Modern';
const SIDEBAR_PX = 130;

/** A small service whose repository has what a check-up finds. */
const FILES: Files = {
  'package.json': `${JSON.stringify({ name: 'orders', scripts: { test: 'node --test' } }, undefined, 2)}\n`,
  'README.md': '# Orders\n',
  'src/total.js': 'exports.total = (lines) => lines.reduce((sum, line) => sum + line.price * line.count, 0);\n',
  'src/total.test.js': [
    "const test = require('node:test');",
    "const assert = require('node:assert');",
    "const { total } = require('./total.js');",
    "test('adds up', () => assert.equal(total([{ price: 2, count: 3 }]), 6));",
    "test('takes its time', () => new Promise((resolve) => setTimeout(resolve, 2_500)));",
    '',
  ].join('\n'),
  'node_modules/left-pad/package.json': '{ "name": "left-pad", "version": "1.3.0" }\n',
  'logs/orders.log': '12:00:01 started\n12:00:02 listening\n',
  '.DS_Store': Buffer.from([0, 0, 0, 1, 66, 117, 100, 49]),
};

function makeRepoOf(name: string): string {
  const repo = makePlantedRepo(FILES);
  const renamed = join(dirname(repo), name);
  renameSync(repo, renamed);
  return renamed;
}

async function shoot(window: VscodeWindow, name: string): Promise<void> {
  const { page } = window;
  await page.mouse.move(640, 785);
  await page.waitForTimeout(1_500); // hovers go, fonts and syntax colours come
  await page.screenshot({ path: join(images, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
}

/** Makes the side bar wide enough to read, as a person would. */
async function widenSideBar({ page }: VscodeWindow): Promise<void> {
  const box = await page.locator('.part.sidebar').boundingBox();
  if (!box) throw new Error('There is no side bar.');
  const x = box.x + box.width;
  await page.mouse.move(x, 300);
  await page.mouse.down();
  await page.mouse.move(x + SIDEBAR_PX, 300, { steps: 5 });
  await page.mouse.up();
}

async function shootCheckup(vscode: InstalledVscode): Promise<void> {
  const window = await vscode.openWindow(makeRepoOf('orders'));
  await widenSideBar(window);
  await window.view('Runs').getByText('Nothing has run here yet').waitFor();
  await window.view('Agents').locator('.pane-header').click();
  await window.row('Agents', 'command').waitFor();
  await shoot(window, 'welcome');
  await window.run('Signalbox: Run Check-up');
  await window.choose('main');
  await window.follow('Stop tracking log files', 'Show Repair');
  await shoot(window, 'approval');
  await window.follow('Stop tracking log files', 'Approve');
  await window.follow('Stop tracking installed dependencies', 'Approve');
  await window.follow('Run npm test', 'Approve');
  await window.untilRow('Runs', /^Merge the repairs: waits for you/);
  await window.run('View: Close All Editors');
  await window.follow('Merge', 'Show Diff');
  await shoot(window, 'diff');
  await window.follow('Merge', 'Approve');
  await window.untilRow('Runs', /^Check-up: merged into main, /);
  await window.run('View: Close All Editors');
  await shootTimeline(window);
  await window.close();
}

const AGENT = fileURLToPath(new URL('../../support/scripted-agent.mjs', import.meta.url));
const PLAN = ['Look at how totals are added up', 'Add a discount for each line', 'Test it'];
const planned = (done: number): unknown => ({
  plan: PLAN.map((content, i) => ({
    content,
    priority: 'medium',
    status: i < done ? 'completed' : i === done ? 'in_progress' : 'pending',
  })),
});

const WORK = [
  { think: 'The totals are added up in one place.\n' },
  { say: 'I will add a discount to each line, and test it.\n' },
  planned(1),
  { run: "printf 'exports.discount = (line) => line.price * 0.9;\\n' > src/discount.js" },
  planned(2),
  { ask: { toolCallId: 'test', title: 'Test', rawInput: { command: 'npm test' } }, granted: [{ run: 'sleep 1' }] },
  planned(3),
  { say: 'Done: the discount is in src/discount.js.\n' },
  { usage: { inputTokens: 12_340, outputTokens: 870 } },
];

/** A task for a coding agent (one of our own that does what it is told), and more words for it. */
async function shootAgent(vscode: InstalledVscode): Promise<void> {
  const agents = join(vscode.home, 'config', 'agents');
  mkdirSync(agents, { recursive: true });
  const env = JSON.stringify(JSON.stringify({ loads: true, script: WORK }));
  writeFileSync(join(agents, 'scribe.yaml'), `agent: scribe\ntitle: Scribe\nprogram: ${AGENT}\nenv: { SCRIPTED_AGENT: ${env} }\n`);
  const window = await vscode.openWindow(makeRepoOf('orders'));
  await widenSideBar(window);
  await window.view('Runs').getByText('Nothing has run here yet').waitFor();
  const client = await vscode.client();
  await client.call('agent/add', { agent: 'scribe' });
  await window.run('Signalbox: New Task');
  await window.choose('scribe');
  await window.answer('New Task for scribe', 'Add a discount for each line');
  await window.choose('Leave on its Own Branch');
  await window.untilRow('Runs', /^Attempt 1: .*plan 2\/3/);
  await window.row('Runs', 'Attempt 1').click();
  await shoot(window, 'agent');
  await window.follow('npm test', 'Approve');
  await window.untilRow('Runs', /^Task: done, /);
  await window.run('View: Close All Editors');
  await window.run('Signalbox: Continue');
  await window.choose('Task');
  await window.answer('Continue with scribe', 'Now for the returns too');
  await window.choose('Leave on its Own Branch');
  await window.untilRow('Runs', /^Attempt 1: .*plan 2\/3/);
  await window.row('Runs', 'Attempt 1').click();
  await window.close();
}

async function shootTimeline(window: VscodeWindow): Promise<void> {
  await window.run('Signalbox: Show Timeline');
  await window.choose('Check-up');
  await window.webview().getByRole('application').click();
  for (const key of ['Control+Home', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown']) await window.page.keyboard.press(key);
  for (const [name, theme] of [
    ['timeline-light', 'Light Modern'],
    ['timeline-contrast', 'Dark High Contrast'],
    ['timeline-dark', 'Dark Modern'],
  ] as const) {
    await window.run('Preferences: Color Theme');
    await window.page.keyboard.type(theme);
    await window.choose(theme);
    await shoot(window, name);
  }
}

async function shootWalkthrough(vscode: InstalledVscode): Promise<void> {
  const window = vscode.first;
  await window.run('Welcome: Open Walkthrough...');
  await window.choose('Get Started with Signalbox');
  await window.page.getByText('See what coding agents do to your repository').first().waitFor();
  await shoot(window, 'walkthrough');
}

async function shootUntrusted(): Promise<void> {
  const settings = { ...CALM, 'workbench.colorTheme': DARK };
  const vscode = await InstalledVscode.open({ workspace: makeRepoOf('orders'), workspaceTrust: 'restricted', settings });
  await vscode.first.showViews();
  await widenSideBar(vscode.first);
  await vscode.first.view('Runs').getByText('Signalbox starts nothing').waitFor();
  await shoot(vscode.first, 'untrusted');
  await vscode.close();
}

mkdirSync(images, { recursive: true });
const vscode = await InstalledVscode.open({ settings: { ...CALM, 'workbench.colorTheme': DARK } });
try {
  await shootAgent(vscode);
  if (!process.argv.includes('--agent')) {
    await shootCheckup(vscode);
    await shootWalkthrough(vscode);
  }
} catch (error) {
  console.error((await vscode.takePictures('screenshots')).join('\n'));
  throw error;
} finally {
  await vscode.close();
}
if (!process.argv.includes('--agent')) await shootUntrusted();
removeTempFolders();
