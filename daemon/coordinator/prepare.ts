/**
 * Before a stage may start: everything that it wants to do becomes an action, exact enough to be decided and to be
 * recognised again. Doing it twice gives the same actions, so a restart may do it again.
 */
import type { Repair } from '../../shared/artifacts/plan.ts';
import type { Action, ActionPath, Risk } from '../../shared/state/action.ts';
import type { Run } from '../../shared/state/run.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Proposal } from '../commands.ts';
import { readArgv } from '../policy/shell/read.ts';
import { listPaths, settleCommands } from '../policy/shell/settle.ts';
import { listPrograms } from '../workflow/failure.ts';
import { listCheckCommands } from '../workflow/parts.ts';
import { isFoundCommand, resolveArgv, seenBy } from '../workflow/submit.ts';
import { baseOf } from './base.ts';
import { findMissing } from './judge.ts';
import { explain, placeOfRun } from './merges.ts';
import type { EffectContext } from './reactor.ts';

/** Proposals that one commit takes, so that it stays well below 64 KiB. */
const CHUNK = 16;
/** Bytes of a diff that a person is shown before a merge. */
const DIFF_BYTES = 4 * 1024 * 1024;

interface Prepared {
  proposals: Proposal[];
  facts: Record<string, string>;
}

type Place = EffectContext & { run: Run; def: StageDefinition };

/** Puts a stage's actions to the policy, in chunks; whatever goes wrong fails the stage with its reason. */
export async function prepareStage(context: EffectContext, runId: string, stageId: string, cause: string): Promise<void> {
  const { state, ports, tell } = context;
  const run = state.runs.get(runId);
  const stage = stageOf(state, runId, stageId);
  const def = run && ports.definitionOf(run.workflow.digest)?.stages.find((s) => s.id === stageId);
  if (!run || !def || stage?.status !== 'deciding' || stage.decided || stage.missing) return;
  const at = { run: runId, stage: stageId, round: stage.round };
  try {
    for (const handoff of def.handoffs ?? []) {
      const missing = await findMissing(context, { run, def }, handoff);
      if (missing.length === 0) continue;
      const to = missing[0]?.stage ?? '';
      await tell({ type: 'handoff/return', ...at, handoff: handoff.id, from: [...handoff.from], to, missing }, cause);
      return;
    }
    const { proposals, facts } = await propose({ ...context, run, def });
    for (let i = 0; i === 0 || i < proposals.length; i += CHUNK) {
      const done = i + CHUNK >= proposals.length;
      await tell({ type: 'stage/propose', ...at, proposals: proposals.slice(i, i + CHUNK), done, facts }, cause);
    }
  } catch (error) {
    await tell({ type: 'stage/fail', run: runId, stage: stageId, ...explain(error) }, cause);
  }
}

async function propose(place: Place): Promise<Prepared> {
  const { def } = place;
  const merge = def.merge ? await proposeMerge(place, def.merge.from) : { proposals: [], facts: {} };
  const repairs = def.gate ? await proposeRepairs(place, def.gate.proposals) : [];
  const command = def.command === undefined ? [] : await proposeCommand(place, def.command);
  const own = [...repairs, ...command, ...merge.proposals];
  const [first] = own;
  const proposals = [...own, ...(await proposeHandoffs(place)), ...(await proposeChecks(place))];
  if (def.approval && !def.gate && first) {
    const ask = { ask: def.approval.summary, ...(def.approval.expiresMs === undefined ? {} : { expiresMs: def.approval.expiresMs }) };
    return { proposals: [{ ...first, ...ask }, ...proposals.slice(1)], facts: merge.facts };
  }
  if (def.approval) proposals.unshift(await proposeAdvance(place, def.approval));
  return { proposals, facts: merge.facts };
}

/** What a stage will want that is known before anything has run: its command, its checks, its handoffs, the question before it. */
export async function proposeKnown(place: Place, { command, checks }: { command: boolean; checks: boolean }): Promise<Proposal[]> {
  const { def } = place;
  const own = command && def.command !== undefined ? await proposeCommand(place, def.command) : [];
  const proposals = [...own, ...(await proposeHandoffs(place)), ...(checks ? await proposeChecks(place) : [])];
  return def.approval ? [await proposeAdvance(place, def.approval), ...proposals] : proposals;
}

function common({ run, def }: Place, summary: string, risk: Risk) {
  return { summary, agent: def.agent ?? 'daemon', run: run.id, stage: def.id, task: '', repo: run.repo ?? '', risk };
}

async function store({ ports }: Place, key: string, action: Action, show: Record<string, string> = {}): Promise<Proposal> {
  const { digest } = await ports.artifacts.putText(JSON.stringify(action));
  return { key, action, artifact: digest, show };
}

async function proposeAdvance(place: Place, approval: NonNullable<StageDefinition['approval']>): Promise<Proposal> {
  const action: Action = {
    kind: 'stage.advance',
    ...common(place, approval.summary, 'medium'),
    workflow: place.run.workflow.name,
    base: baseOf(place.state, place.run, place.def) ?? '',
    always: place.def.always,
  };
  const expires = approval.expiresMs === undefined ? {} : { expiresMs: approval.expiresMs };
  return { ...(await store(place, 'advance', action)), ask: approval.summary, ...expires };
}

/** Work is handed over when the policy lets it; what is required is there by then. */
function proposeHandoffs(place: Place): Promise<Proposal[]> {
  const { run, def } = place;
  return Promise.all(
    (def.handoffs ?? []).map((handoff) => {
      const from = handoff.from.join(', ');
      const names = handoff.artifacts.map(({ name }) => name);
      const action: Action = {
        kind: 'handoff.accept',
        ...common(place, `Hand ${names.join(', ') || 'the work'} over from ${from} to ${def.id}`.slice(0, 2_000), 'low'),
        from,
        to: def.id,
        artifacts: names,
        missing: [],
      };
      const made = place.state.artifacts.get(run.id);
      const show = Object.fromEntries(names.flatMap((name) => (made?.has(name) ? [[name, made.get(name)?.digest ?? '']] : [])));
      return store(place, `handoff:${handoff.id}`, action, show);
    }),
  );
}

/** The programs that will check the stage's work, or speak about it, are somebody's code too: they are decided before the work begins. */
function proposeChecks(place: Place): Promise<Proposal[]> {
  const { state, run, def } = place;
  const checks = listCheckCommands(def, {}).map(({ key, argv, text }) => ({ key, argv, summary: `Check ${def.id}: ${text}` }));
  const programs = listPrograms(def).map(({ key, argv }) => ({
    key,
    argv,
    summary: `${key.startsWith('member:') ? 'Deliberate on' : 'Sign off'} ${def.id}: ${argv.join(' ')}`,
  }));
  return Promise.all(
    [...checks, ...programs].map(async ({ key, argv, summary }) => {
      const filled = resolveArgv(state, seenBy(run, def), argv) ?? [...argv];
      return store(place, key, await executeAction(place, filled, summary.slice(0, 500), 'workflow'));
    }),
  );
}

async function proposeRepairs(place: Place, name: string): Promise<Proposal[]> {
  const { state, run, ports } = place;
  const artifact = state.artifacts.get(run.id)?.get(name);
  if (!artifact) throw Object.assign(new Error(`The gate needs ${name}, which no stage has made.`), { code: 'output_missing' });
  const { Plan } = await import('../../shared/artifacts/plan.ts');
  const plan = Plan.parse(JSON.parse(await ports.artifacts.readText(artifact.digest)));
  return Promise.all(plan.repairs.map((repair) => proposeRepair(place, plan.base, repair, { [name]: artifact.digest })));
}

async function proposeRepair(place: Place, base: string, repair: Repair, show: Record<string, string>): Promise<Proposal> {
  const { run, ports } = place;
  const repo = placeOfRun(run);
  if (!repo) throw Object.assign(new Error('A repair needs a repository.'), { code: 'repository' });
  const root = run.repo ?? '';
  const paths = await Promise.all(repair.paths.map((path) => ports.workspace.resolvePath(repo, base, path, root)));
  const change = ports.hash(JSON.stringify(repair.operations));
  const secrets = await listSecrets(place, repair);
  const action: Action = { kind: 'agent.edit', ...common(place, repair.title, repair.risk), paths, change, base, secrets };
  return store(place, repair.id, action, show);
}

/** The kinds of secret in what a repair would write. */
async function listSecrets({ ports }: Place, { operations }: Repair): Promise<string[]> {
  const written = operations.flatMap((each) => (each.op === 'untrack' ? [] : [each]));
  const kinds = await Promise.all(written.map(({ path, lines }) => ports.listSecretKinds(path, lines.join('\n'))));
  return [...new Set(kinds.flat())].sort();
}

async function proposeCommand(place: Place, command: NonNullable<StageDefinition['command']>): Promise<Proposal[]> {
  const { state, run, def } = place;
  const argv = resolveArgv(state, seenBy(run, def), command);
  if (!argv) throw Object.assign(new Error('The command of the stage has no value.'), { code: 'command_missing' });
  const source = isFoundCommand(def) ? 'repository' : 'workflow';
  const summary = `Run ${argv.join(' ').slice(0, 500)}`;
  const proposal = await store(place, 'command', await executeAction(place, argv, summary, source));
  // The summary may be cut; whoever answers can see every argument.
  return [{ ...proposal, show: { command: proposal.artifact } }];
}

async function executeAction(place: Place, argv: string[], summary: string, source: 'repository' | 'workflow'): Promise<Action> {
  const { state, run, def } = place;
  const base = baseOf(state, run, def) ?? '';
  const cwd = '.';
  const { commands, problem } = readArgv(argv, { cwd });
  return {
    kind: 'agent.execute',
    ...common(place, summary, 'medium'),
    argv,
    line: '',
    commands: settleCommands(commands, await resolvePaths(place, base, listPaths(commands))),
    problem,
    cwd,
    source,
    base,
  };
}

/** Where paths that a command names lead, in the commit that it runs on; outside where there is no repository. */
async function resolvePaths({ run, ports }: Place, base: string, paths: readonly string[]): Promise<Map<string, ActionPath>> {
  const repo = placeOfRun(run);
  if (!repo || base === '') return new Map();
  const places = new Map<string, ActionPath>();
  // One after the other: each starts processes of git.
  for (const path of paths) places.set(path, await ports.workspace.resolvePath(repo, base, path, run.repo ?? ''));
  return places;
}

async function proposeMerge(place: Place, fromStage: string): Promise<Prepared> {
  const { state, run, ports } = place;
  const repo = placeOfRun(run);
  const from = stageOf(state, run.id, fromStage)?.commit;
  const into = run.into ?? '';
  if (!repo || from === undefined)
    throw Object.assign(new Error(`The stage ${fromStage} made no commit to merge.`), { code: 'nothing_to_merge' });
  const expected = await ports.workspace.readBranch(repo, into);
  const preview = await ports.workspace.previewMerge({ repo, into: expected, from });
  if (preview.conflicts.length > 0) {
    const files = preview.conflicts;
    const sides = await ports.workspace.describeConflicts(repo, { into: expected, from, files });
    const more = files.length > sides.length ? ` and ${files.length - sides.length} more` : '';
    throw Object.assign(
      new Error(`Merging into ${into} conflicts in ${sides.join(', ')}${more}. Merge by hand, or run again from the newer ${into}.`),
      { code: 'merge_conflicts' },
    );
  }
  const diff = await ports.workspace.diffCommits({ repo, from: expected, to: preview.tree, maxBytes: DIFF_BYTES });
  const shown = await ports.artifacts.putText(
    diff.truncated ? `${diff.patch}\n(The diff is longer than ${DIFF_BYTES} bytes; the rest is not shown.)\n` : diff.patch,
  );
  await place.tell(
    { type: 'artifact/record', run: run.id, stage: place.def.id, name: 'merge.diff', ...shown, mediaType: 'text/x-diff' },
    'prepare',
  );
  const files = diff.files.flatMap((f) => (f.oldPath === undefined ? [f.path] : [f.oldPath, f.path]));
  const lines = diff.files.reduce((sum, f) => ({ added: sum.added + f.additions, removed: sum.removed + f.deletions }), {
    added: 0,
    removed: 0,
  });
  const summary = `Merge ${diff.files.length} changed file${diff.files.length === 1 ? '' : 's'} (+${lines.added} -${lines.removed}) into ${into}`;
  const configures = files.some((path) => path === '.signalbox' || path.startsWith('.signalbox/'));
  const what = { into, from, base: expected, tree: preview.tree, files: files.slice(0, 5_000) };
  const action: Action = configures
    ? {
        kind: 'daemon.configure',
        ...common(place, `${summary}, and change .signalbox/`, 'high'),
        what: `merge ${from} into ${into}`,
        files: what.files,
      }
    : { kind: 'workspace.merge', ...common(place, summary, 'medium'), ...what };
  return { proposals: [await store(place, 'merge', action, { diff: shown.digest })], facts: { from, expected, tree: preview.tree } };
}
