/**
 * Before a stage may start: everything that it wants to do becomes an action, exact enough to be decided and to be
 * recognised again. Doing it twice gives the same actions, so a restart may do it again.
 */
import type { Repair } from '../../shared/artifacts/plan.ts';
import type { Action } from '../../shared/state/action.ts';
import { stageOf } from '../../shared/state/select.ts';
import type { StageDefinition } from '../../shared/state/workflow.ts';
import type { Proposal } from '../commands.ts';
import { listPrograms } from '../workflow/failure.ts';
import { listCheckCommands } from '../workflow/parts.ts';
import { isFoundCommand, resolveArgv, seenBy } from '../workflow/submit.ts';
import { baseOf } from './base.ts';
import { findMissing } from './judge.ts';
import { explain, placeOfRun } from './merges.ts';
import { proposeMerge } from './prepare-merge.ts';
import { common, executeAction, type Place, type Prepared, store } from './proposals.ts';
import type { EffectContext } from './reactor.ts';

/** Proposals that one commit takes, so that it stays well below 64 KiB. */
const CHUNK = 16;

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
  const merge = def.merge ? await proposeMerge(place, def.merge) : { proposals: [], facts: {} };
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
  const checks = listCheckCommands(def, { facts: {} }).map(({ key, argv, text }) => ({ key, argv, summary: `Check ${def.id}: ${text}` }));
  const programs = listPrograms(def).map(({ key, argv }) => ({
    key,
    argv,
    summary: `${key.startsWith('member:') ? 'Deliberate on' : 'Sign off'} ${def.id}: ${argv.join(' ')}`,
  }));
  return Promise.all(
    [...checks, ...programs].map(async ({ key, argv, summary }) => {
      const filled = resolveArgv(state, seenBy(run, def), argv) ?? [...argv];
      return store(place, key, await executeAction(place, filled, { summary: summary.slice(0, 500), source: 'workflow' }));
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
  const action: Action = { kind: 'agent.edit', ...common(place, repair.title, repair.risk), paths, change, base, secrets, unasked: false };
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
  const proposal = await store(place, 'command', await executeAction(place, argv, { summary, source }));
  // The summary may be cut; whoever answers can see every argument.
  return [{ ...proposal, show: { command: proposal.artifact } }];
}
