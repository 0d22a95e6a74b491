// The extension in a real VS Code with a real daemon and a real repository: from an empty folder to a merged check-up.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Api } from '../../../extension/main.ts';
import { activateExtension, daemonPid, endDaemon, git, readRows, waitFor, workspaceFolder, writeFiles, type Row } from './window.ts';

const run = (command: string, ...args: unknown[]): Thenable<unknown> => vscode.commands.executeCommand(`signalbox.${command}`, ...args);

describe('the extension', () => {
  let api: Api;

  before(async () => {
    assert.ok(process.env['SIGNALBOX_HOME'], 'the tests need a state folder of their own');
    api = await activateExtension();
  });
  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await endDaemon();
  });

  /** Approves what waits, in order, until a question of that kind is asked; answers with its row. */
  async function approveUntil(label: RegExp): Promise<Row> {
    const done = new Set<string>();
    for (;;) {
      const row = await waitFor('a question', async () => (await readRows(api, 'approvals')).find(({ id }) => !done.has(id)));
      if (label.test(row.label)) return row;
      done.add(row.id);
      await run('approve', row.id);
    }
  }

  it('registers every command of its manifest', async () => {
    const extension = vscode.extensions.all.find((entry) => entry.packageJSON.name === 'signalbox');
    assert.ok(extension);
    const named = (extension.packageJSON.contributes.commands as { command: string }[]).map(({ command }) => command);
    const known = new Set(await vscode.commands.getCommands(true));
    assert.ok(named.length >= 12);
    assert.deepEqual(
      named.filter((command) => !known.has(command)),
      [],
    );
  });

  it('starts nothing in a folder that is no repository', async () => {
    assert.equal(existsSync(path.join(workspaceFolder(), '.git')), false);
    assert.equal(api.status(), '');
    assert.equal(await daemonPid(), undefined);
  });

  it("starts a daemon with the editor's own Node once there is a repository and somebody looks", async () => {
    writeFiles({
      'package.json': JSON.stringify({ name: 'shop', scripts: { test: 'node --test' } }),
      'sum.test.js': "require('node:test')('adds', () => { console.log('added'); });\n",
      'node_modules/left/index.js': 'module.exports = 1;\n',
      'debug.log': 'one line\n',
    });
    git('init', '-q');
    git('add', '-A', '-f');
    git('commit', '-qm', 'first');
    assert.equal(await daemonPid(), undefined, 'nobody asked for a daemon yet');
    await vscode.commands.executeCommand('signalbox.runs.focus');
    await waitFor(
      'the connection',
      () => api.status() === '$(milestone) Signalbox',
      () => api.status(),
    );
    assert.ok(await daemonPid());
    const agents = await waitFor('the agents', async () => {
      const rows = await readRows(api, 'agents');
      return rows.length === 4 && rows;
    });
    assert.deepEqual(agents.map(({ label }) => label).sort(), ['command', 'control-plane', 'data-plane', 'reasoning']);
    assert.deepEqual(await readRows(api, 'runs'), []);
  });

  it('runs a check-up from its command, and shows every stage with what it waits for', async () => {
    await vscode.workspace.getConfiguration('signalbox').update('checkup.target', 'currentBranch', vscode.ConfigurationTarget.Global);
    await run('runCheckup');
    await waitFor(
      'the questions',
      async () => (await readRows(api, 'approvals')).length === 2,
      () => api.status(),
    );
    const [row] = await waitFor('the stages', async () => {
      const rows = await readRows(api, 'runs');
      return rows[0]?.children.length === 7 && rows[0].description.startsWith('waits for you') && rows;
    });
    assert.equal(row?.label, 'Check-up');
    const stages = Object.fromEntries((row?.children ?? []).map((stage) => [stage.label, stage]));
    assert.match(stages['Look at the repository']?.description ?? '', /^done in /);
    assert.match(stages['Look at the repository']?.children[0]?.description ?? '', /^data-plane, succeeded in /);
    assert.match(stages['Repair']?.description ?? '', /^waits for you since /);
    assert.equal(stages['Merge the repairs']?.description, "waits for: Run the repository's own tests, Look again");
    assert.equal(api.status(), '$(bell-dot) running 1, waiting for you 2');
  });

  it('shows a repair as a page that says what changes and how it is undone', async () => {
    const [row] = await readRows(api, 'approvals');
    await run('showDiff', row?.id);
    const page = await waitFor('the page', () =>
      vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'signalbox' && uri.authority === 'approval'),
    );
    assert.match(page.getText(), /^# Stop tracking/);
    assert.match(page.getText(), /## How to take it back/);
  });

  it('comes back after kill -9 with the same questions', async () => {
    const before = await daemonPid();
    const asked = (await readRows(api, 'approvals')).map(({ id }) => id);
    process.kill(before ?? 0, 'SIGKILL');
    await waitFor('another daemon', async () => {
      const pid = await daemonPid();
      return pid !== undefined && pid !== before;
    });
    await waitFor(
      'the connection',
      () => api.status() === '$(bell-dot) running 1, waiting for you 2',
      () => api.status(),
    );
    assert.deepEqual(
      (await readRows(api, 'approvals')).map(({ id }) => id),
      asked,
    );
  });

  it('asks for a reason when a question is denied, and denies', async () => {
    const [row] = await readRows(api, 'approvals');
    const denying = run('deny', row?.id);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await denying;
    await waitFor('the answer', async () => !(await readRows(api, 'approvals')).some(({ id }) => id === row?.id));
    // Answering it again says who was quicker, and changes nothing.
    await run('approve', row?.id);
  });

  it("shows what a merge changes in the editor's own diff, with both sides", async () => {
    const merge = await approveUntil(/^Merge /);
    assert.match(merge.context, /\bdiff\b/);
    await run('showDiff', merge.id);
    const label = merge.label;
    await waitFor('the diff', () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).some((tab) => tab.label.startsWith(label)));
    const sides = await waitFor('both sides', () => {
      const found = vscode.workspace.textDocuments.filter(
        ({ uri }) => uri.scheme === 'signalbox' && uri.authority === 'file' && uri.path === '/.gitignore',
      );
      const other = vscode.workspace.textDocuments.filter(
        ({ uri }) => uri.scheme === 'signalbox' && uri.authority === 'file' && uri.path !== '/.gitignore',
      );
      return found.length > 0 && other.length > 0 && { added: found, removed: other };
    });
    assert.ok(sides.added.some((document) => /node_modules|\.log/.test(document.getText())));
    assert.ok(sides.removed.some((document) => /one line|module\.exports/.test(document.getText())));
  });

  it('shows the rule that a yes would be made into as a diff, and writes nothing before the person says so', async () => {
    const [merge] = await readRows(api, 'approvals');
    assert.match(merge?.context ?? '', /\bremember ofRun\b/);
    // Its question stands in a notification, which nobody answers here.
    void run('alwaysAllow', merge?.id);
    const rule = await waitFor('the proposed file', () =>
      vscode.workspace.textDocuments.find(({ uri }) => uri.authority === 'rule' && uri.query.includes('side=after')),
    );
    assert.match(rule.getText(), /^policy: remembered$[^]*on: \[workspace\.merge\]$[^]*action\.into == "main"/m);
    const home = process.env['SIGNALBOX_HOME'] ?? '';
    assert.equal(existsSync(path.join(home, 'config', 'policies', 'remembered.yaml')), false);
    assert.equal((await readRows(api, 'approvals')).length, 1);
    await vscode.commands.executeCommand('notifications.clearAll');
  });

  it('merges what was approved, and shows the end, the report and the log', async () => {
    const [merge] = await readRows(api, 'approvals');
    await run('approve', merge?.id);
    const row = await waitFor('the end', async () => {
      const [found] = await readRows(api, 'runs');
      return found && found.description.startsWith('merged into main') && found;
    });
    assert.match(git('log', '-1', '--format=%B', 'main'), /^Merge checkup run .*Signalbox-Effect/s);
    assert.match(row.context, /\bundoable\b.*\breported\b/);
    await waitFor(
      'the status bar',
      () => api.status() === '$(milestone) Signalbox',
      () => api.status(),
    );
    await run('showReport', row.id);
    await waitFor('the report', () =>
      vscode.workspace.textDocuments.some(({ uri }) => uri.scheme === 'signalbox' && uri.path === '/report.md'),
    );
    const test = row.children.find(({ label }) => label.startsWith('Run the repository'));
    await run('showLog', test?.children[0]?.id);
    const log = vscode.window.activeTextEditor?.document;
    assert.match(log?.uri.path ?? '', /test-1\.log$/);
    await waitFor(
      'the output',
      () => /added/.test(log?.getText() ?? ''),
      () => log?.getText(),
    );
  });

  it('opens the timeline of a run', async () => {
    const [row] = await readRows(api, 'runs');
    await run('showTimeline', row?.id);
    await waitFor('the timeline', () =>
      vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).some((tab) => tab.label.startsWith('Timeline')),
    );
  });

  it('restarts the daemon when asked, and cancels a run', async () => {
    const before = await daemonPid();
    await run('restartDaemon');
    assert.notEqual(await daemonPid(), before);
    await run('runCheckup');
    const row = await waitFor('a second run', async () => {
      const rows = await readRows(api, 'runs');
      return rows.length === 2 && rows[0];
    });
    await run('cancelRun', row.id);
    await waitFor('its end', async () => /^(canceled|done|failed)/.test((await readRows(api, 'runs'))[0]?.description ?? ''));
  });

  it('says nothing of the token in its log', () => {
    const { token } = JSON.parse(readFileSync(path.join(process.env['SIGNALBOX_HOME'] ?? '', 'endpoint.json'), 'utf8')) as {
      token: string;
    };
    const logs = path.join(process.env['SIGNALBOX_HOME'] ?? '', 'daemon.log');
    assert.ok(!readFileSync(logs, 'utf8').includes(token));
  });
});
