// The two workflows and three handoffs of examples/aos as they stand, run by the real daemon with programs that write the files.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keptIn, readCommits } from '../../../daemon/cli/policy/record.ts';
import { replayRun } from '../../../daemon/cli/replay/replay.ts';
import { loadWorkflow } from '../../../daemon/workflow/load.ts';
import type { Connected } from '../../../daemon/rpc/connect.ts';
import type { Event } from '../../../shared/events/envelope.ts';
import { emptyState } from '../../../shared/state/evolve.ts';
import { finishRun } from '../../support/checkup.ts';
import { type DaemonProcess, makeHome, removeHome, startDaemon } from '../../support/daemon.ts';
import { type Files, makeRepo } from '../../support/repos.ts';

const EXAMPLES = fileURLToPath(new URL('../../../examples/aos/', import.meta.url));
const CLI = fileURLToPath(new URL('../../../dist/cli.cjs', import.meta.url));
const AGENT = fileURLToPath(new URL('../../fixtures/aos/agent.mjs', import.meta.url));
const HANDOFFS = ['handoff-pm-architect.yaml', 'handoff-architect-dev.yaml', 'handoff-dev-security.yaml'];
const source = (file: string) => ({ file: `${EXAMPLES}${file}`, text: readFileSync(`${EXAMPLES}${file}`, 'utf8') });
const bound = (file: string) => ({ ...source(file), parts: ['bindings.yaml', ...HANDOFFS].map(source) });

describe('the workflows of examples/aos', () => {
  it('name what they leave open at its lines, and load with the bindings', () => {
    const without = ['feature-development.yaml', 'bug-fix.yaml'].map((file) => {
      const loaded = loadWorkflow({ ...source(file), file });
      return loaded.ok ? [] : loaded.problems.map((p) => `${p.line}:${p.column} ${p.code}`);
    });
    assert.deepEqual(without, [
      [
        '46:11 unknown-artifact',
        '76:20 unknown-artifact',
        '79:20 unknown-artifact',
        '82:20 unknown-artifact',
        '132:7 unbound-action',
        '133:7 unbound-action',
        '133:7 unbound-action',
      ],
      ['19:13 unknown-stage', '22:7 unbound-agent', '25:13 unknown-stage', '28:7 unbound-agent', '31:13 unknown-stage'],
    ]);
    for (const file of ['feature-development.yaml', 'bug-fix.yaml']) assert.ok(loadWorkflow(bound(file)).ok, file);
  });

  describe('run by scripted agents', () => {
    let home: string;
    let daemon: DaemonProcess;
    let client: Connected;
    let repo: string;

    before(async function () {
      this.timeout(60_000);
      const script = readFileSync(AGENT, 'utf8');
      const roles = ['cpo', 'pm', 'uxd', 'pd', 'arch', 'dba', 'fe', 'be', 'sec', 'qa', 'ops', 'fix', 'notify', 'archive', 'close-tickets'];
      const programs: Files = Object.fromEntries(roles.map((role) => [`agents/${role}.mjs`, `import './agent.mjs';\n`]));
      repo = makeRepo({ ...programs, 'brand_guidelines/colours.md': '# Blue\n', 'agents/agent.mjs': script });
      home = await makeHome();
      // What the sandbox adds is proved by tests of its own; forty attempts in one would double the time.
      daemon = await startDaemon({ home, env: { SIGNALBOX_SANDBOX: 'off' } });
      client = await daemon.connect();
    });
    after(async () => {
      await daemon.end();
      await removeHome(home);
      rmSync(repo, { recursive: true, force: true });
    });

    const start = async (file: string, inputs: Record<string, string> = {}) => {
      const id = `run-${Math.random().toString(36).slice(2)}`;
      await client.call('run/start', { id, workflow: bound(file), repo, inputs, again: true });
      return finishRun(client, id);
    };

    it('develop a feature: a gate that loops, a handoff that comes back, branches, sign-offs, a person before production', async function () {
      this.timeout(120_000);
      const detail = await start('feature-development.yaml');
      const { run, stages, tasks, approvals, artifacts } = detail;
      assert.equal(run.status, 'success', run.summary);
      for (const stage of stages) assert.equal(stage.status, 'completed', `${stage.id}: ${stage.reason}`);
      assert.equal(stages.length, 17);
      // The requirements were written with a marker, then with too few stories for the architect, then well.
      const feedback = tasks
        .filter((t) => t.stage === 'requirements' && t.part === undefined)
        .map((t) => JSON.stringify(t.payload['feedback'] ?? ''));
      assert.equal(feedback.length, 3, feedback.join('\n---\n'));
      assert.match(feedback[1] ?? '', /no_ambiguous_terms: prd\.md still says .*TBD/);
      assert.match(
        feedback[2] ?? '',
        /What was handed over to architecture is not complete\.\\nprd\.md: .*user_stories.* has 2 of at least 3/,
      );
      assert.deepEqual(run.handoffs, { accepted: 5, returned: 1 });
      assert.equal(tasks.filter((t) => t.stage === 'initiation').length, 1, 'what depends on nothing that was done again ran once');
      assert.ok(approvals.some((a) => a.stage === 'production_deploy' && a.status === 'used'));
      assert.deepEqual(
        tasks.filter((t) => t.part === 'sign_off').map((t) => t.stage),
        ['requirements', 'requirements', 'architecture'],
      );
      const made = artifacts.filter((a) => !a.stale).map((a) => a.name);
      assert.ok(
        ['prd.md', 'designs/', 'linear_tickets[]', 'deployment_record.md'].every((name) => made.includes(name)),
        made.join(),
      );
    });

    it('fix a bug, each severity its own way', async function () {
      this.timeout(120_000);
      const ways: Record<string, string[]> = {};
      const runs = await Promise.all(['P0', 'P1', 'P2'].map((severity) => start('bug-fix.yaml', { severity })));
      for (const { run, stages } of runs) {
        assert.equal(run.status, 'success', run.summary);
        ways[String(run.inputs['severity'])] = stages.filter((s) => s.status === 'completed').map((s) => s.id);
      }
      assert.deepEqual(ways, {
        P0: ['triage', 'immediate_fix', 'security_review'],
        P1: ['triage', 'scheduled_fix', 'security_review'],
        P2: ['triage', 'backlog'],
      });
      const branch = execFileSync('git', ['-C', repo, 'branch', '--list', '*immediate_fix*'], { encoding: 'utf8' }).trim();
      assert.equal(execFileSync('git', ['-C', repo, 'show', `${branch}:fix.txt`], { encoding: 'utf8' }), 'backend');
    });

    it('replay the same, each decision of the engine and of the policies; one that is changed is found', async function () {
      this.timeout(60_000);
      const replay = (run: string, change: (event: Event) => unknown = () => undefined) => {
        const commits = async function* () {
          for await (const some of readCommits(home)) {
            const copies = structuredClone(some);
            for (const event of copies.flatMap(({ events }) => events)) if (event.run === run) change(event);
            yield copies;
          }
        };
        return replayRun(run, { start: emptyState(), commits: commits(), kept: keptIn(home) });
      };
      const { runs } = await client.call('run/list', { limit: 10 });
      for (const { id } of runs) {
        const { differences, steps, decisions, unreadable } = await replay(id);
        assert.deepEqual(differences, []);
        assert.ok(steps > 10 && decisions > 0, `${steps} steps, ${decisions} decisions`);
        assert.equal(unreadable, 0);
      }
      const feature = runs.find(({ inputs }) => inputs['severity'] === undefined)?.id ?? '';
      const first = async (change: (event: Event) => unknown) => (await replay(feature, change)).differences[0];
      const skipped = await first((e) => e.type === 'stage.completed' && e.stage === 'initiation' && (e.data.values['extra'] = 1));
      assert.match(`${skipped?.recorded} ${skipped?.replayed}`, /stage\.completed initiation .* stage\/complete initiation/);
      const summary = await first((e) => e.type === 'run.succeeded' && (e.data.summary = 'Better than it was.'));
      assert.match(`${summary?.recorded} ${summary?.replayed}`, /Better than it was.* run\/finish/);
      const allowed = await first((e) => e.type === 'policy.decided' && (e.data.decision.effect = 'deny'));
      assert.match(`${allowed?.recorded} ${allowed?.replayed}`, /policy\.decided deny: .* (allow|require_approval|warn) by /);
    });

    it('say from the command line where a stricter policy would have led elsewhere, and where a policy does not load', async function () {
      this.timeout(60_000);
      const { runs } = await client.call('run/list', { limit: 10 });
      const feature = runs.find(({ inputs }) => inputs['severity'] === undefined)?.id ?? '';
      const fork = (rule: string) => {
        const file = `${home}/strict.yaml`;
        writeFileSync(file, `policy: strict\nversion: 1\nenforcement: hard\nrules:\n  - ${rule}\n`);
        const args = [CLI, 'replay', feature, '--with', `policy=${file}`, '--json'];
        return spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, HOME: home, SIGNALBOX_HOME: home } });
      };
      const rule = `{ id: no, on: [handoff.accept], when: action.to == 'security_review', effect: deny, message: Not like this. }`;
      const { status, stdout, stderr } = fork(rule);
      assert.equal(status, 1, stderr);
      const { parting } = JSON.parse(stdout) as { parting: { now: object; waits: string[] } };
      assert.deepEqual(parting.now, { says: 'deny', by: ['strict/no'], message: 'Not like this.' });
      // What else the stage wants is still asked, as it would be.
      assert.deepEqual(parting.waits, ['an answer: Run node agents/sec.mjs']);
      assert.match(
        fork('{ id: no, on: [handoff.accept], when: action.nobody, effect: deny, message: No. }').stderr,
        /strict\.yaml:5:\d+: /,
      );
    });
  });
});
