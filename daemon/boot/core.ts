/** What the RPC handlers see of the daemon: the part of the composition that answers clients. */
import { SignalboxError } from '../../shared/protocol/errors.ts';
import { PROGRAM_VERSION } from '../../shared/protocol/version.ts';
import type { StatusResult, SubscribeResult, TriggerView } from '../../shared/protocol/views.ts';
import { stateOf } from '../../shared/state/document.ts';
import { listDeadLetters } from '../../shared/state/select.ts';
import { runEnded } from '../../shared/state/run.ts';
import { toJson } from '../../shared/state/serialize.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Origin } from '../commands.ts';
import type { Definitions } from '../coordinator/definitions.ts';
import type { Rulebook } from '../coordinator/rulebook.ts';
import { extendRun } from '../coordinator/extend-run.ts';
import { forkRun } from '../coordinator/fork-run.ts';
import { planRun } from '../coordinator/plan-run.ts';
import type { Ports } from '../coordinator/ports.ts';
import { applyRepositoryPolicies, submitRun, type RunPorts } from '../coordinator/submit-run.ts';
import type { Subscriptions } from '../coordinator/subscriptions.ts';
import type { Triggers } from '../coordinator/triggers.ts';
import type { RemoteAgents } from '../agents/remote/index.ts';
import type { Journal } from '../journal/port.ts';
import { sha256 } from '../platform/digest.ts';
import { whatIsDoneAgain } from '../workflow/failure.ts';
import type { ArchiveStore } from '../store/archive.ts';
import { attemptOfPeer } from '../rpc/peer.ts';
import type { Core } from '../rpc/handlers/core.ts';
import type { Principals } from '../rpc/principals.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import { StoreError } from '../store/errors.ts';
import { readConfiguration } from '../workspace/configuration.ts';
import { inspectRepo } from '../workspace/inspect.ts';
import { WorkspaceError } from '../workspace/workspace-error.ts';
import { readEvents, readRunBefore } from './events.ts';
import { rememberIn, type RememberParts } from './remember.ts';
import { collectUnreached } from './gc.ts';
import { evaluateActions } from './evaluate.ts';
import type { AcpAgents } from './acp.ts';
import { listMerges, resolveConflicts } from './merges.ts';
import { openWorktrees } from './worktrees.ts';
import { findLaterCommits, findLaterMerges, findParent, listChangedFiles, readFileAt } from './changes.ts';

/** Bytes of an artifact or spool in one answer. */
const PIECE_BYTES = 1024 * 1024;

export interface CoreParts {
  coordinator: Coordinator;
  /** The way in for what clients ask. */
  submit: Coordinator['submit'];
  archive: ArchiveStore;
  journal: Journal;
  installation: string;
  epoch: string;
  home: string;
  startedAt: string;
  definitions: Definitions;
  rulebook: Rulebook;
  remembering: Pick<RememberParts, 'config' | 'hostPolicies'>;
  runPorts: RunPorts;
  ports: Ports;
  taskTimeoutMs: number;
  subscriptions: Subscriptions;
  triggers: Triggers;
  acp: AcpAgents;
  remote: RemoteAgents;
  callFrom: Core['callFrom'];
  principals: Principals;
  artifacts: Pick<ArtifactStore, 'putText' | 'readText' | 'readPiece' | 'statArtifact' | 'readTombstone' | 'redactArtifact'>;
  spools: {
    readPiece(attempt: string, offset: number, limit: number): Promise<{ text: string; next: number; ended: boolean; dropped: number }>;
  };
  /** Sentences about what is wrong, as `daemon/status` shows them. */
  notices(): string[];
  /** Where the server listens, once it does. */
  door(): { port: number; connections: number };
  stop(reason: string): void;
  newId(): string;
}

export function assembleCore(parts: CoreParts): Core {
  const { coordinator, principals, remote, subscriptions } = parts;
  const { state } = coordinator;
  return {
    state,
    epoch: parts.epoch,
    submit: parts.submit,
    archive: parts.archive,
    until: (settled, timeoutMs) => waitUntil(coordinator, settled, timeoutMs),
    status: () => describeDaemon(parts),
    stop: parts.stop,
    submitRun: (params, origin) => submitRun(parts.runPorts, params, origin),
    triggers: { ...parts.triggers, list: () => listTriggers(parts) },
    ...definitionsIn(parts),
    readArtifact: (digest, offset) => orRefuse(parts.artifacts.readPiece(digest, offset, PIECE_BYTES)),
    ...rememberIn({ ...parts, ...parts.remembering, state }),
    redactArtifact: (request, origin) => orRefuse(redactArtifact(parts, request, origin)),
    pinArtifact: (request, origin) => orRefuse(pinArtifact(parts, request, origin)),
    collectGarbage: (dryRun) => collectUnreached({ ...parts, state }, { dryRun, now: Date.now() }),
    readSpool: (attempt, offset) => orRefuse(parts.spools.readPiece(attempt, offset, PIECE_BYTES)),
    readEvents: (scope, cursor, limit) => readEvents(parts, scope, cursor, limit),
    subscribe: (connection, id, scope, cursor) => subscribe(parts, connection, id, scope, cursor),
    unsubscribe: subscriptions.unsubscribe,
    async showTrust(path) {
      const { info, configuration } = await lookAt(path);
      const trusted = configuration.digest !== '' && state.trust.get(info.path)?.digest === configuration.digest;
      return { repo: info.path, digest: configuration.digest, files: configuration.files, trusted };
    },
    async applyTrust(path, origin) {
      const { info, configuration } = await lookAt(path);
      await applyRepositoryPolicies(parts.runPorts, info.path, configuration, state.trust.get(info.path)?.digest === configuration.digest);
      await parts.triggers.sync(path, origin);
    },
    evaluate: async (params, origin) => {
      if (params.repo === undefined) return evaluateActions({ ...parts, state }, params, origin);
      const { info, configuration } = await lookAt(params.repo);
      await applyRepositoryPolicies(parts.runPorts, info.path, configuration, state.trust.get(info.path)?.digest === configuration.digest);
      return evaluateActions({ ...parts, state }, { ...params, repo: info.path }, origin);
    },
    issueToken: (request) => principals.issue(request),
    workers: remote,
    callFrom: parts.callFrom,
    acp: parts.acp,
    ...readMerges(parts),
    worktrees: openWorktrees({ home: parts.home, state, now: Date.now }),
    keepText: async (text) => (await parts.artifacts.putText(text)).digest,
    attemptBehind: (connection) => attemptOfPeer(parts.door().port, connection.peer.port),
    newId: parts.newId,
  };
}

function definitionsIn(parts: CoreParts): Pick<Core, 'definition' | 'doneAgain' | 'extendRun' | 'forkRun' | 'planRun'> {
  const { coordinator, definitions, submit } = parts;
  const definition: Core['definition'] = (digest) => orRefuse(definitions.load(digest));
  const ports = { state: coordinator.state, submit, hash: sha256, keepDefinition: definitions.keep, loadDefinition: definition };
  const foldRun = (run: string, event: string) => readRunBefore(parts, run, event);
  const planning = { ...parts, state: coordinator.state, now: Date.now };
  return {
    definition,
    doneAgain: whatIsDoneAgain,
    extendRun: (params, origin) => extendRun(ports, params, origin),
    forkRun: (params, origin) => forkRun({ ...parts.runPorts, foldRun, definition }, params, origin),
    planRun: (params, origin) => planRun(planning, params, origin),
  };
}

function listTriggers({ triggers, door }: CoreParts): TriggerView[] {
  const address = (id: string) => ({ url: `http://127.0.0.1:${door().port}/hooks/${id}` });
  return triggers.list().map((one) => ({ ...one, ...(one.definition.kind === 'webhook' ? address(one.id) : {}) }));
}

/** Whoever subscribes to a run of the archive gets it whole; nothing more will come. */
async function subscribe(
  { coordinator, subscriptions, archive }: CoreParts,
  ...[connection, id, scope, cursor]: Parameters<Core['subscribe']>
): Promise<SubscribeResult> {
  const { state } = coordinator;
  const document = scope.kind === 'run' && !state.runs.has(scope.run) ? await archive.readRun(scope.run) : undefined;
  const result = await subscriptions.subscribe(connection, id, scope, cursor);
  if (!document || result.commits) return result;
  return { ...result, snapshot: toJson(stateOf(document, state)) };
}

/** What the store refuses is the client's to know, with the store's own code. */
async function orRefuse<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const code = error.code === 'artifact_redacted' ? error.code : 'not_found';
    throw new SignalboxError({
      code,
      message: error.message,
      facts: { ...error.facts, ...(code === 'not_found' ? { reason: error.code } : {}) },
    });
  }
}

type OfMerges = 'findParent' | 'listChanges' | 'findLaterMerges' | 'findLaterCommits' | 'readFileAt' | 'listMerges' | 'resolveConflicts';

/** What merges change, and what becomes of them. */
function readMerges({ coordinator: { state }, definitions, runPorts }: CoreParts): Pick<Core, OfMerges> {
  const definition = (digest: string) => orRefuse(definitions.load(digest));
  return {
    findParent,
    listChanges: listChangedFiles,
    findLaterMerges: (run) => findLaterMerges(state, run),
    findLaterCommits: (run) => findLaterCommits(state, run),
    readFileAt,
    listMerges: () => listMerges(state, definitions.get),
    resolveConflicts: (request, origin) => resolveConflicts({ state, runPorts, definition }, request, origin),
  };
}

async function pinArtifact(
  { artifacts, submit }: CoreParts,
  { digest, pinned, by, reason }: { digest: string; pinned: boolean; by: string; reason: string },
  origin: Origin,
): Promise<{ digest: string; existing: boolean }> {
  // What is not there cannot be kept; what is gone may still be unpinned.
  if (pinned) await artifacts.statArtifact(digest);
  const result = await submit(pinned ? { type: 'artifact/pin', digest, by, reason } : { type: 'artifact/unpin', digest, by }, origin);
  if (!result.ok) throw new SignalboxError(result.refusal);
  return { digest, existing: result.commit === undefined };
}

/** The content goes first, then the record says so; asked again after a crash in between, it goes on there. */
async function redactArtifact(
  { artifacts, submit }: CoreParts,
  { digest, by, reason }: { digest: string; by: string; reason: string },
  origin: Origin,
): Promise<{ digest: string; existing: boolean }> {
  const before = await artifacts.readTombstone(digest);
  if (before?.recorded) return { digest, existing: true };
  const tombstone = before ?? {
    at: new Date().toISOString(),
    by,
    reason,
    size: (await artifacts.statArtifact(digest)).size,
    recorded: false,
  };
  await artifacts.redactArtifact(digest, tombstone);
  const result = await submit({ type: 'artifact/redact', digest, by: tombstone.by, reason: tombstone.reason }, origin);
  if (!result.ok) throw new SignalboxError(result.refusal);
  await artifacts.redactArtifact(digest, { ...tombstone, recorded: true });
  return { digest, existing: false };
}

async function lookAt(path: string) {
  try {
    const info = await inspectRepo(path);
    return { info, configuration: await readConfiguration(info) };
  } catch (error) {
    if (!(error instanceof WorkspaceError)) throw error;
    throw new SignalboxError({ code: 'repository', message: error.message, facts: { ...error.facts, reason: error.code } });
  }
}

function waitUntil(coordinator: Coordinator, settled: () => boolean, timeoutMs: number): Promise<void> {
  if (settled()) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = coordinator.onRecorded(() => {
      if (!settled()) return;
      clearTimeout(timer);
      stop();
      resolve();
    });
    const timer = setTimeout(() => {
      stop();
      reject(new SignalboxError({ code: 'repository', message: `It was not done within ${timeoutMs / 1_000} s; it goes on.` }));
    }, timeoutMs);
  });
}

function describeDaemon({ coordinator, rulebook, notices, home, startedAt, door }: CoreParts): StatusResult {
  const { state } = coordinator;
  const runs = [...state.runs.values()].filter((r) => !runEnded(r));
  const { port, connections } = door();
  return {
    version: PROGRAM_VERSION,
    pid: process.pid,
    port,
    home,
    startedAt,
    seq: state.seq,
    runs: { active: runs.length, waiting: runs.filter((r) => r.status === 'waiting_approval').length },
    tasks: { pending: state.pending.size, running: state.active.size },
    approvals: state.asked.size,
    deadLetters: listDeadLetters(state).length,
    heldUp: runs.flatMap(({ id: run }) =>
      [...(state.stages.get(run)?.values() ?? [])].flatMap(({ id: stage, escalated, endedAt }) =>
        escalated?.level === 3 && endedAt === undefined ? [{ run, stage, why: escalated.why, since: escalated.since }] : [],
      ),
    ),
    agents: [...state.agents.values()],
    connections,
    memoryMb: Math.round(process.memoryUsage.rss() / 1024 / 1024),
    notices: notices(),
    problems: rulebook.problems().map(({ file, line, column, message }) => ({ file, line, column, message })),
  };
}
