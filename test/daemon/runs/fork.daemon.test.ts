// A run that goes on from another one, as that was before one of its events.
import assert from 'node:assert/strict';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import type { SignalboxError } from '../../../shared/protocol/errors.ts';
import { finishRun } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { git, makeRepo, removeTempFolders } from '../../support/repos.ts';

// The second try of the build writes another file, so that nobody takes an old commit for a new one.
const BUILD = `echo $$ > out-$$.txt; echo '{"coverage": 91}' > "$SIGNALBOX_REPORT"; cp out-$$.txt "$SIGNALBOX_OUTPUTS/made.txt"`;
const TEXT = `workflow: ship
version: 1
inputs: { name: { type: string, default: it } }
stages:
  - { id: build, agent: command, command: [sh, -c, ${JSON.stringify(BUILD)}], outputs: [coverage, made.txt], gate: ["coverage >= 80%"] }
  - { id: deploy, needs: [build], agent: command, command: [sh, -c, "ls out-*.txt && test -f $0", "{inputs.name}"], inputs: [made.txt] }
  - { id: after, needs: [deploy], agent: command, command: [echo, done] }
`;
const ENV = { SIGNALBOX_SANDBOX: 'off', SIGNALBOX_DRAIN_TIMEOUT: '1' };
const policy = (rule: string) => ({ file: 'own.yaml', text: `policy: own\nversion: 1\nenforcement: hard\nrules:\n  - ${rule}\n` });
const CLOSED = policy(`{ id: closed, on: [stage.advance], when: action.stage == 'deploy', effect: deny, message: We are closed. }`);

describe('a run that goes on from another one', function () {
  this.timeout(60_000);
  let home: string;
  let daemon: DaemonProcess;
  let client: Connected;
  let repo: string;
  let events: Map<string, string>;

  before(async () => {
    home = await makeHome();
    daemon = await startDaemon({ home, env: ENV });
    client = await daemon.connect();
    repo = makeRepo();
    await client.call('run/start', { id: 'first', workflow: { file: 'ship.yaml', text: TEXT }, repo, inputs: { name: 'nothing.txt' } });
    const { run } = await finishRun(client, 'first');
    assert.equal(run.status, 'failure', run.summary);
    const read = await client.call('events/read', { scope: { kind: 'run', run: 'first' }, limit: 1_000 });
    events = new Map();
    for (const { type, data, id } of read.events) {
      const name = `${type.replace(/^dev\.signalbox\.|\.v\d+$/g, '')} ${typeof data.stage === 'string' ? data.stage : ''}`;
      if (!events.has(name)) events.set(name, id);
    }
  });
  after(async () => {
    client.close();
    await daemon.end();
    await removeHome(home);
    removeTempFolders();
  });

  it('does not do again what had ended, asks anew what had not, and names where it comes from', async () => {
    const event = events.get('approval.granted deploy') ?? '';
    const { inherited } = await client.call('run/fork', { id: 'second', run: 'first', event });
    assert.deepEqual(inherited, ['build']);
    const again = await client.call('run/fork', { id: 'second', run: 'first', event });
    assert.equal(again.existing, true);
    const before = await client.call('run/get', { run: 'first' });
    const detail = await finishRun(client, 'second');
    const build = detail.stages.find(({ id }) => id === 'build');
    assert.deepEqual(detail.run.origin, { run: 'first', event });
    assert.deepEqual([build?.status, build?.inherited, build?.values['coverage']], ['completed', true, 91]);
    assert.deepEqual([...new Set(detail.tasks.map(({ stage }) => stage))], ['deploy'], 'build was not done again');
    assert.ok(detail.approvals.some(({ stage, status }) => stage === 'deploy' && status === 'used'));
    const deploy = detail.attempts.find(({ stage }) => stage === 'deploy');
    assert.equal(deploy?.workspace?.base, build?.commit, 'it begins where the other one had come to');
    assert.notEqual(deploy?.workspace?.path, before.attempts.find(({ stage }) => stage === 'deploy')?.workspace?.path);
    assert.equal(detail.artifacts.find(({ name }) => name === 'made.txt')?.stage, 'build');
    assert.deepEqual(await client.call('run/get', { run: 'first' }), before, 'the other run is as it was');
  });

  it('takes no for an answer to all that it asks, where it is told to', async () => {
    const event = events.get('approval.granted deploy') ?? '';
    await client.call('run/fork', { id: 'no', run: 'first', event, approve: 'deny' });
    const { stages } = await finishRun(client, 'no');
    assert.equal(stages.find(({ id }) => id === 'deploy')?.code, 'denied');
  });

  it('keeps to rules of its own besides, also over a crash', async () => {
    const event = events.get('stage.started build') ?? '';
    const { inherited } = await client.call('run/fork', { id: 'strict', run: 'first', event, policy: CLOSED });
    assert.deepEqual(inherited, []);
    await daemon.end('SIGKILL');
    daemon = await startDaemon({ home, env: ENV });
    client = await daemon.connect();
    const { run, stages } = await finishRun(client, 'strict');
    assert.equal(run.summary, 'deploy failed: We are closed.');
    const commit = stages.find(({ id }) => id === 'build')?.commit ?? '';
    assert.equal(git(repo, 'rev-parse', `${commit}^`).trim(), run.base, 'the build was done again, from where the first one began');
  });

  it('says what cannot be gone on from', async () => {
    const refused = (params: object): Promise<SignalboxError> => {
      const event = events.get('stage.started build') ?? '';
      const asked = client.call('run/fork', { id: 'never', run: 'first', event, ...params });
      return asked.then(
        () => assert.fail('it was taken'),
        (error: SignalboxError) => error,
      );
    };
    const unknown = await refused({ event: 'abc-1.0' });
    assert.deepEqual([unknown.code, unknown.message.split('.')[0]], ['not_found', 'The run first has no event abc-1']);
    assert.equal((await refused({ run: 'nobody' })).code, 'not_found');
    const broken = await refused({ policy: policy('{ id: x, on: [nothing] }') });
    assert.equal(broken.code, 'invalid_policy');
    assert.match(JSON.stringify(broken.facts), /"file":"own\.yaml","line":5/);
    assert.equal(
      (await client.call('run/list', { limit: 100 })).runs.some(({ id }) => id === 'never'),
      false,
    );
  });
});
