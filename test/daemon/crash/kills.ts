// Kills the daemon without warning at a moment of a check-up, and demands that the run goes on as if nothing had happened.
import assert from 'node:assert/strict';
import type { EventType } from '../../../shared/events/envelope.ts';
import { SignalboxError } from '../../../shared/protocol/errors.ts';
import type { CloudEvent } from '../../../shared/protocol/views.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { makePlantedRepo, finishRun } from '../../support/checkup.ts';
import { makeHome, removeHome, startDaemon, type DaemonProcess } from '../../support/daemon.ts';
import { git, removeTempFolders } from '../../support/repos.ts';

/** A stage, the moment in it at which the daemon is killed, and what the run does then. */
export interface Moment {
  stage: string;
  moment: EventType;
  goesOn: string;
}

async function allEvents(client: Connected): Promise<CloudEvent[]> {
  const events: CloudEvent[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await client.call('events/read', { limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    events.push(...page.events);
    cursor = page.cursor;
    if (!page.more) return events;
  }
}

/** Resolves once the daemon has told of the event, and is dead. */
async function killAt(daemon: DaemonProcess, client: Connected, stage: string, moment: EventType): Promise<void> {
  await new Promise<void>((resolve) => {
    client.on('events/recorded', ({ commits }) => {
      if (!commits.some((c) => c.events.some((e) => e.stage === stage && e.type === moment))) return;
      daemon.child.kill('SIGKILL');
      resolve();
    });
  });
  await daemon.end('SIGKILL');
}

/** One test for each moment. */
export function describeKills(moments: readonly Moment[]): void {
  describe('kill -9 of the daemon', function () {
    this.timeout(60_000);
    let home: string;
    let repo: string;
    let daemon: DaemonProcess;

    beforeEach(async () => {
      home = await makeHome();
      repo = makePlantedRepo();
      daemon = await startDaemon({ home });
    });
    afterEach(async () => {
      await daemon.end('SIGKILL');
      await removeHome(home);
    });
    after(removeTempFolders);

    for (const { stage, moment, goesOn } of moments) {
      it(`in ${stage} at ${moment}: the run ${goesOn}`, async () => {
        const before = await daemon.connect();
        await before.call('events/subscribe', { scope: { kind: 'all' } });
        const dead = killAt(daemon, before, stage, moment);
        await before.call('run/start', { id: 'the-run', workflow: { name: 'checkup' }, repo, into: 'main' });
        finishRun(before, 'the-run').catch(() => 'its daemon dies');
        await dead;

        daemon = await startDaemon({ home });
        const client = await daemon.connect();
        // The same command again finds the run that goes on.
        const again = await client
          .call('run/start', { id: 'another', workflow: { name: 'checkup' }, repo, into: 'main' })
          .catch((error: SignalboxError) => error);
        assert.ok(again instanceof SignalboxError);
        assert.deepEqual([again.code, again.facts['run']], ['run_active', 'the-run']);
        const detail = await finishRun(client, 'the-run');
        assert.equal(detail.run.status, 'success', detail.run.summary);

        const events = await allEvents(client);
        const count = (type: string) => events.filter((e) => e.type === `dev.signalbox.${type}.v1`).length;
        const questions = detail.approvals.map((a) => `${a.stage ?? ''}/${a.key}`);
        assert.equal(new Set(questions).size, questions.length, `asked once each: ${questions.join(' ')}`);
        assert.ok(
          detail.approvals.every((a) => a.status === 'used'),
          JSON.stringify(detail.approvals.map((a) => [a.key, a.status])),
        );
        assert.equal(count('workspace.merge_started'), 1);
        assert.equal(count('workspace.merged'), 1);
        const subjects = git(repo, 'log', '--format=%s', '--first-parent', 'main').trim().split('\n');
        assert.equal(subjects.length, 2, `one merge on top of the first commit: ${subjects.join(' | ')}`);
        const repairs = git(repo, 'log', '--format=%s', 'main^1..main^2').trim().split('\n');
        assert.equal(new Set(repairs).size, repairs.length, `each repair once: ${repairs.join(' | ')}`);
        assert.equal(repairs.length, 3);
        assert.equal(git(repo, 'status', '--porcelain'), '');
        client.close();
      });
    }
  });
}
