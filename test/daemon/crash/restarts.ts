// A run with branches, a gate that loops, a handoff that comes back and an approval, whose daemon is killed at moments of it. Whenever
// that is, the run comes to the same end.
import assert from 'node:assert/strict';
import type { EventType } from '../../../shared/events/envelope.ts';
import type { RunDetail } from '../../../shared/protocol/views.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import { finishRun } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { makeRepo, removeTempFolders } from '../../support/repos.ts';

/** The daemon is killed when it tells of this event. */
export interface Moment {
  stage: string;
  event: EventType;
}

// Each does better once it is told what was wrong: first the gate, then whoever the work is handed to, sends it back.
const DRAFT = `
feedback=$(sed -n 's/.*"feedback": *"\\([^"]*\\)".*/\\1/p' "$SIGNALBOX_TASK")
case "$feedback" in *coverage*) coverage=90 ;; *prd*) coverage=95; goals=yes ;; *) coverage=40 ;; esac
echo "# Draft" > "$SIGNALBOX_OUTPUTS/prd.md"
[ -z "$goals" ] || printf '\\n## Goals\\n\\nAll of them.\\n' >> "$SIGNALBOX_OUTPUTS/prd.md"
echo "{\\"coverage\\": $coverage}" > "$SIGNALBOX_REPORT"
`;
const sh = (script: string) => `agent: command, command: [sh, -c, ${JSON.stringify(script)}]`;
const TEXT = `workflow: long
version: 1
stages:
  - { id: draft, ${sh(DRAFT)}, outputs: [prd.md, coverage], gate: ["coverage >= 80%"], on_failure: { retry: 1 } }
  - id: build
    needs: [draft]
    sync_point: all
    parallel:
      - { id: one, ${sh('echo one > one.txt')} }
      - { id: two, ${sh('echo two > two.txt')} }
  - { id: review, needs: [build], ${sh('cat one.txt two.txt > both.txt')}, inputs: [prd.md] }
  - { id: deploy, needs: [review], ${sh('test "$(cat both.txt)" = "$(printf \'one\\ntwo\')"')}, approval: { summary: Deploy it? } }
  - { id: tell, needs: [deploy], always: true, ${sh('echo told')} }
handoffs:
  - { id: to-review, from: draft, to: review, required_artifacts: [{ name: prd.md, validation: ["goals: present"] }], required_context: [coverage] }
`;
const END = {
  status: 'success',
  stages: ['build', 'deploy', 'draft', 'one', 'review', 'tell', 'two'].map((id) => `${id} completed`),
  values: { coverage: 95 },
  // The draft was done three times, what came between twice.
  tasks: ['deploy', 'draft', 'draft', 'draft', 'one', 'one', 'review', 'tell', 'two', 'two'],
  handoffs: { accepted: 1, returned: 1 },
  // Asked once, whatever was killed in between.
  approvals: ['deploy/command', 'review/command'],
};

function endOf({ run, stages, tasks, approvals }: RunDetail): typeof END {
  const asked = approvals.filter(
    ({ stage, status }) => ['deploy', 'review'].includes(stage ?? '') && (status === 'used' || status === 'lapsed'),
  );
  return {
    status: run.status,
    stages: stages.map(({ id, status }) => `${id} ${status}`).sort(),
    values: { coverage: Number(stages.find(({ id }) => id === 'draft')?.values['coverage']) },
    tasks: tasks.map(({ stage }) => stage ?? '').sort(),
    handoffs: run.handoffs ?? { accepted: 0, returned: 0 },
    approvals: asked.map(({ stage, key }) => `${stage}/${key}`).sort(),
  };
}

const ENV = { SIGNALBOX_SANDBOX: 'off' };

/** One test for each list: a run whose daemon is killed at each of the moments, one after the other. */
export function describeRestarts(lists: readonly (readonly Moment[])[]): void {
  describe('a long run whose daemon is killed', function () {
    this.timeout(90_000);
    let home: string;
    let daemon: DaemonProcess;
    beforeEach(async () => {
      home = await makeHome();
      daemon = await startDaemon({ home, env: ENV });
    });
    afterEach(async () => {
      await daemon.end('SIGKILL');
      await removeHome(home);
    });
    after(removeTempFolders);

    for (const moments of lists)
      it(`at ${moments.map(({ stage, event }) => `${event} of ${stage}`).join(' and ')} comes to the same end`, async () => {
        let client = await daemon.connect();
        let dead = killAt(daemon, client, moments[0]);
        await client.call('run/start', { id: 'the-run', workflow: { file: 'long.yaml', text: TEXT }, repo: makeRepo() });
        for (const [index] of moments.entries()) {
          finishRun(client, 'the-run').catch(() => 'its daemon dies');
          await dead;
          daemon = await startDaemon({ home, env: ENV });
          client = await daemon.connect();
          dead = killAt(daemon, client, moments[index + 1]);
        }
        assert.deepEqual(endOf(await finishRun(client, 'the-run')), END);
        client.close();
      });
  });
}

/** Resolves once the daemon has told of the moment, and is dead; at once without one. */
async function killAt(daemon: DaemonProcess, client: Connected, moment: Moment | undefined): Promise<void> {
  if (!moment) return;
  await client.call('events/subscribe', { scope: { kind: 'all' } });
  await new Promise<void>((resolve) => {
    client.on('events/recorded', ({ commits }) => {
      if (!commits.some((c) => c.events.some((e) => e.stage === moment.stage && e.type === moment.event))) return;
      daemon.child.kill('SIGKILL');
      resolve();
    });
  });
  await daemon.end('SIGKILL');
}
