// The connection of a window, against real daemons that are stopped, killed and shared.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { createLink, type Link } from '../../../extension/connection/link.ts';
import { isRunning, readEndpoint } from '../../../extension/connection/endpoint.ts';
import { daemonEnvironment, startDaemon, waitForEnd } from '../../../extension/connection/start.ts';
import { makePlantedRepo } from '../../support/checkup.ts';
import { makeHome, removeHome } from '../../support/daemon.ts';
import { removeTempFolders } from '../../support/repos.ts';

const BUNDLE = fileURLToPath(new URL('../../../dist/daemon.cjs', import.meta.url));

describe('the link to the daemon', () => {
  let home: string;
  let repo: string;
  const links: Link[] = [];
  const pids = new Set<number>();

  beforeEach(async () => {
    home = await makeHome();
    repo = makePlantedRepo();
  });
  afterEach(async () => {
    for (const link of links.splice(0)) link.close();
    const endpoint = await readEndpoint(home);
    if (endpoint) pids.add(endpoint.pid);
    for (const pid of pids) {
      if (isRunning(pid)) process.kill(pid, 'SIGTERM');
      await waitForEnd(pid);
    }
    pids.clear();
    await removeHome(home);
  });
  after(removeTempFolders);

  function makeLink(options: { mayStart?: boolean; isWanted?: () => boolean } = {}): Link {
    const link = createLink({
      home: () => home,
      start: (folder) => startDaemon(folder, BUNDLE, daemonEnvironment(process.env, folder)),
      mayStart: () => options.mayStart ?? true,
      ...(options.isWanted ? { isWanted: options.isWanted } : {}),
      log: () => {},
    });
    links.push(link);
    return link;
  }

  /** Resolves when `holds`, looking at every change. */
  function until(link: Link, holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        stop();
        off();
        resolve();
      };
      const stop = link.onChange(look);
      const off = link.onStatus(look);
      look();
    });
  }

  const stateOf = (link: Link) => link.replicas.get(repo)!.state();
  const pidNow = async (): Promise<number> => {
    const { pid } = (await readEndpoint(home))!;
    pids.add(pid);
    return pid;
  };

  async function startCheckup(link: Link, id: string): Promise<void> {
    await (await link.client()).call('run/start', { id, workflow: { name: 'checkup' }, repo, into: 'main' });
    await until(link, () => stateOf(link).asked.size === 2);
  }

  /** Gives the same answer to every question that comes, until `settled`. */
  async function answerUntil(link: Link, answer: 'grant' | 'deny', settled: () => boolean): Promise<void> {
    const client = await link.client();
    const answered = new Set<string>();
    const next = () => [...stateOf(link).asked].find((id) => !answered.has(id));
    for (;;) {
      await until(link, () => settled() || next() !== undefined);
      const approval = settled() ? undefined : next();
      if (approval === undefined) return;
      answered.add(approval);
      await client.call('approval/answer', { approval, answer });
    }
  }

  it('starts no daemon in a window where nobody wants one, and finds one that runs', async () => {
    let wanted = false;
    const quiet = makeLink({ isWanted: () => wanted });
    quiet.open([repo]);
    await until(quiet, () => quiet.status.kind === 'closed');
    assert.equal(await readEndpoint(home), undefined);
    const other = makeLink();
    other.open([repo]);
    await until(quiet, () => quiet.status.kind === 'connected');
    await pidNow();
    assert.equal(wanted, false);

    const second = makeLink({ isWanted: () => wanted });
    wanted = true;
    second.open([repo]);
    second.wake();
    await until(second, () => second.status.kind === 'connected');
  });

  it('starts nothing before it is opened, then starts a daemon, and a second window finds it', async () => {
    const link = makeLink();
    await assert.rejects(link.client(10), { code: 'disconnected' });
    assert.equal(await readEndpoint(home), undefined);
    link.open([repo]);
    await link.client();
    const pid = await pidNow();
    const other = makeLink();
    other.open([repo]);
    await other.client();
    assert.equal(await pidNow(), pid);
    await startCheckup(link, 'run-1');
    await until(other, () => stateOf(other).asked.size === 2);
  });

  it('is one daemon also when two windows start at the same moment', async () => {
    const both = [makeLink(), makeLink()];
    for (const link of both) link.open([repo]);
    const statuses = await Promise.all(both.map(async (link) => (await link.client()).call('daemon/status', {})));
    assert.equal(new Set(statuses.map(({ pid }) => pid)).size, 1);
    await pidNow();
  });

  it('comes back after kill -9 with nothing lost and nothing doubled', async () => {
    const link = makeLink();
    link.open([repo]);
    await startCheckup(link, 'run-2');
    const pid = await pidNow();
    const asked = [...stateOf(link).asked].sort();
    process.kill(pid, 'SIGKILL');
    await until(link, () => link.status.kind !== 'connected');
    await until(link, () => link.status.kind === 'connected');
    assert.notEqual(await pidNow(), pid);
    assert.deepEqual([...stateOf(link).asked].sort(), asked);
    const client = await link.client();
    await answerUntil(link, 'deny', () => stateOf(link).runs.get('run-2')?.endedAt !== undefined);
    const { run, stages } = await client.call('run/get', { run: 'run-2' });
    assert.deepEqual(stateOf(link).runs.get('run-2'), run);
    assert.deepEqual([...stateOf(link).stages.get('run-2')!.values()], stages);
    for (const agent of (await client.call('agent/list', {})).agents) assert.deepEqual(stateOf(link).agents.get(agent.id), agent);
  });

  it('does not start again what somebody stopped, until it is asked to', async () => {
    const link = makeLink();
    link.open([repo]);
    const client = await link.client();
    const pid = await pidNow();
    await client.call('daemon/stop', {});
    await until(link, () => link.status.kind === 'stopped');
    await waitForEnd(pid);
    await assert.rejects(link.client(), { code: 'daemon_stopped' });
    await link.restart();
    assert.equal(link.status.kind, 'connected');
    assert.notEqual(await pidNow(), pid);
  });

  it('restarts a daemon that runs, and the other window follows', async () => {
    const [link, other] = [makeLink(), makeLink()];
    for (const each of [link, other]) each.open([repo]);
    await Promise.all([link.client(), other.client()]);
    const pid = await pidNow();
    await link.restart();
    assert.notEqual(await pidNow(), pid);
    await until(other, () => other.status.kind === 'connected');
  });

  it('waits for a daemon where it may start none', async () => {
    const link = makeLink({ mayStart: false });
    link.open([repo]);
    await until(link, () => link.status.kind === 'stopped');
    assert.equal(await readEndpoint(home), undefined);
    const starter = makeLink();
    starter.open([repo]);
    await starter.client();
    await pidNow();
    await until(link, () => link.status.kind === 'connected');
  });

  it('follows the repositories of the window', async () => {
    const link = makeLink();
    const second = makePlantedRepo();
    link.open([repo]);
    await startCheckup(link, 'run-3');
    await pidNow();
    link.open([repo, second]);
    assert.deepEqual([...link.replicas.keys()], [repo, second]);
    await until(link, () => (link.replicas.get(second)?.state().agents.size ?? 0) > 0);
    assert.equal(link.replicas.get(second)?.state().runs.size, 0);
    link.open([second]);
    assert.deepEqual([...link.replicas.keys()], [second]);
  });

  it('shows what a merge changes with both sides, and no other commit', async () => {
    const link = makeLink();
    link.open([repo]);
    await startCheckup(link, 'run-4');
    await pidNow();
    const client = await link.client();
    await answerUntil(link, 'grant', () =>
      [...stateOf(link).asked].some((id) => stateOf(link).approvals.get(id)?.kind === 'workspace.merge'),
    );
    const { base, head, files } = await client.call('run/changes', { run: 'run-4' });
    assert.ok(files.some(({ path, status }) => path === 'debug.log' && status === 'D'));
    assert.equal((await client.call('run/file', { run: 'run-4', revision: base, path: 'debug.log' })).text, 'one line\n');
    assert.equal((await client.call('run/file', { run: 'run-4', revision: head, path: 'debug.log' })).kind, 'absent');
    await assert.rejects(client.call('run/file', { run: 'run-4', revision: 'a'.repeat(40), path: 'debug.log' }), { code: 'not_found' });
    await assert.rejects(client.call('run/changes', { run: 'run-4', commit: 'a'.repeat(40) }), { code: 'not_found' });
    const [commit] = [...stateOf(link).attempts.values()].flatMap((attempt) => attempt.commits);
    assert.ok((await client.call('run/changes', { run: 'run-4', commit: commit!.commit })).files.length > 0);
  });
});
