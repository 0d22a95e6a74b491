/**
 * The composition root: the only file that knows everyone. It puts the daemon together in an order that matters:
 * the lock, the record, what a crash left behind, the agents, and only then the door.
 */
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { uuidv7 } from 'uuidv7';
import { PROGRAM_VERSION, PROTOCOL } from '../shared/protocol/version.ts';
import type { Endpoint } from '../shared/protocol/endpoint.ts';
import type { Action, Decision } from '../shared/state/action.ts';
import { fromJson, toJson } from '../shared/state/serialize.ts';
import { createRemoteAgents } from './agents/remote/index.ts';
import { openAcpOnDemand } from './boot/acp-on-demand.ts';
import { buildPorts, registerAgents } from './boot/build.ts';
import { hostPolicies, lastGoodPolicies, watchPolicies } from './boot/policies.ts';
import { openStores, type Stores } from './boot/stores.ts';
import { startClock } from './boot/clock.ts';
import { createHookReceiver, createListening } from './boot/triggers.ts';
import type { Command } from './commands.ts';
import { startArchivist } from './coordinator/archivist.ts';
import { createCoordinator, type Coordinator } from './coordinator/coordinator.ts';
import { createDefinitions } from './coordinator/definitions.ts';
import { createDoor } from './coordinator/door.ts';
import { createReactor } from './coordinator/reactor.ts';
import { createRulebook, type Rulebook } from './coordinator/rulebook.ts';
import { createSubscriptions } from './coordinator/subscriptions.ts';
import { createTriggers } from './coordinator/triggers.ts';
import { bindingOf } from './decide/binding.ts';
import { assembleCore } from './boot/core.ts';
import { openRecord, type OpenRecord } from './boot/record.ts';
import { sealValue, sha256 } from './platform/digest.ts';
import { acquireLock, type HeldLock } from './platform/lock.ts';
import { writeLog } from './platform/log.ts';
import { ensurePaths, resolvePaths } from './platform/paths.ts';
import { ATTEMPT_TAG, identifyProcess } from './platform/process.ts';
import { readYamlFolder } from './platform/yaml-folder.ts';
import { inspectMachine, type Machine } from './platform/sandbox/machine.ts';
import { createSandbox } from './platform/sandbox/sandbox.ts';
import { endLeftovers, forgetRules, restoreRuns } from './boot/recover.ts';
import { readEndpoint, removeEndpoint, writeEndpoint } from './rpc/endpoint.ts';
import type { PolicySource } from './policy/load.ts';
import { createHandlers } from './rpc/handlers/index.ts';
import { createPrincipals } from './rpc/principals.ts';
import { startServer, type RpcServer } from './rpc/server.ts';
import { readSettings, type Settings } from './settings.ts';

const here = dirname(realpathSync(process.argv[1] ?? '.'));
/** Exit codes of sysexits.h. */
const EX_SOFTWARE = 70;
const EX_TEMPFAIL = 75;

interface Stage {
  home: string;
  config: string;
  settings: Settings;
  record: OpenRecord;
  lock: HeldLock;
  machine: Promise<Machine>;
  epoch: string;
  startedAt: string;
}

async function main(): Promise<void> {
  const startedAt = new Date().toISOString();
  // Whoever starts a daemon out of an attempt must not make it a part of that attempt.
  delete process.env[ATTEMPT_TAG];
  const settings = readSettings(process.env);
  const { state: home, config } = await ensurePaths(resolvePaths(process.env, process.platform, homedir()));
  const lock = await acquireLock(home);
  if (lock.kind === 'foreign') return refuseSecond(home, lock.heldBy.pid);
  // A sandbox is tried meanwhile: that waits for other processes.
  const machine = inspectMachine(settings.sandbox);
  const record = await openRecord(home, here, settings.minFreeBytes);
  await serve({ home, config, settings, record, lock, machine, epoch: randomBytes(4).toString('hex'), startedAt });
}

/** The coordinator of the record, with everything that deciding needs. */
async function startCoordinator(
  { config, record, settings, epoch }: Stage,
  { artifacts }: Stores,
): Promise<{ coordinator: Coordinator; rulebook: Rulebook; sources: PolicySource[] }> {
  const { installation, journal, state } = record;
  const identity = await identifyProcess(process.pid);
  const ended = await endLeftovers(state, identity?.host ?? '');
  if (ended > 0) writeLog('processes.ended', { attempts: ended });
  const sources = await hostPolicies(here, config);
  const lastGood = await lastGoodPolicies(state, artifacts, sources);
  const rulebook = createRulebook({ sources, ...(lastGood ? { lastGood } : {}) }, sha256);
  const context = {
    epoch,
    host: identity?.host ?? '',
    bootId: identity?.bootId ?? '',
    newId: uuidv7,
    random: Math.random,
    judge: rulebook.judge,
    admits: rulebook.admits,
    permits: rulebook.permits,
    digest: (action: Action, { reasons }: Decision) =>
      sealValue(installation.key, { action: bindingOf(action), rules: reasons.map((r) => `${r.policy}@${r.version}/${r.rule}`) }),
    approvalMs: settings.approvalMs,
    ...(settings.escalation ? { escalation: settings.escalation } : {}),
    taskTimeoutMs: settings.taskTimeoutMs,
    ...(settings.breaker.failures > 0 ? { breaker: settings.breaker } : {}),
  };
  const coordinator = createCoordinator({
    journal,
    published: state,
    tentative: fromJson(toJson(state)),
    now: Date.now,
    onFatal: die,
    context,
    refuseNewWork: record.refuseNewWork,
  });
  return { coordinator, rulebook, sources };
}

/** Everything between the record and the door: stores, runs that go on, agents, subscriptions. */
async function furnish(stage: Stage) {
  const { home, config, settings, record, epoch } = stage;
  const { state, installation, journal } = record;
  const stores = await openStores(home);
  const { coordinator, rulebook, sources } = await startCoordinator(stage, stores);
  const tell = (command: Command) => coordinator.submit(command, { principal: 'daemon', cause: `start/${epoch}` });
  await tell({ type: 'daemon/start', version: PROGRAM_VERSION, pid: process.pid, protocol: PROTOCOL.max });

  const definitions = createDefinitions(stores.artifacts);
  const subscriptions = createSubscriptions({ state, installation: installation.id, journal, log: writeLog });
  const remote = createRemoteAgents();
  const submit = createDoor(coordinator, stores.archive);
  const workflows = await readYamlFolder(join(here, 'workflows'));
  const sandbox = createSandbox({
    machine: await stage.machine,
    bridgePath: join(here, 'bridge.cjs'),
    hidden: [home, config],
    personHome: homedir(),
    readable: settings.sandboxRead,
  });
  const acp = await openAcpOnDemand({ here, home, config, state, sandbox });
  const made = { sandbox, definitions, rulebook, remote, subscriptions, acp, coordinator, submit };
  const { ports, runPorts } = buildPorts({ here, home, stores, workflows, tell, ...made });
  await runPorts.policiesLoaded('');
  await restoreRuns({ state, definitions, runPorts, tell });
  await registerAgents(tell, sandbox.enforcement);
  await acp.restore(tell);
  coordinator.onRecorded(record.noteCommits);
  const archivist = startArchivist({ state, archive: stores.archive, keep: settings.keep, now: Date.now, tell, log: writeLog });
  coordinator.onRecorded(archivist.note);
  coordinator.onRecorded(forgetRules(rulebook));
  const reactor = createReactor(coordinator, ports, settings, uuidv7);
  const triggers = createTriggers({
    ...{ coordinator, runPorts, definitions, now: Date.now, hash: sha256, log: writeLog, mask: ports.mask, keepText: runPorts.keepSource },
    listen: createListening({
      ...{ home, state, hidden: [home, config], secrets: { env: process.env, config } },
      ...{ rulebook, sandbox, submit: coordinator.submit, keepText: runPorts.keepSource, newId: uuidv7 },
    }),
  });
  // After the reactor: work goes out before the news of it.
  coordinator.onRecorded(subscriptions.publish);
  return { ...made, sources, stores, ports, runPorts, archivist, reactor, triggers, tell };
}

async function serve(stage: Stage): Promise<void> {
  const { home, config, settings, record, epoch, startedAt, lock } = stage;
  const { archivist, reactor, sources, stores, tell, ...made } = await furnish(stage);
  const principals = createPrincipals({ now: Date.now });
  const { retryHeld, callFrom } = reactor;
  const stopClock = startClock({ state: record.state, settings, now: Date.now, tell, retryHeld });
  const { rulebook, runPorts } = made;
  const stopWatch = watchPolicies({ state: record.state, rulebook, runPorts, here, config, read: sources });
  const end = { server: undefined as RpcServer | undefined, endpoint: undefined as Endpoint | undefined };
  const stop = stopOnce(async (reason) => {
    writeLog('daemon.stopping', { reason });
    if (end.endpoint) await removeEndpoint(home, end.endpoint);
    stopClock();
    stopWatch();
    archivist.stop();
    made.triggers.stop();
    await reactor.drain(settings.drainMs);
    await tell({ type: 'daemon/stop', reason, drained: true });
    await made.coordinator.idle();
    await end.server?.close(reason);
    await record.close();
    await lock.release();
  });
  const door = () => ({ port: end.server?.port ?? 0, connections: end.server?.connections() ?? 0 });
  const notices = () => [...record.notices(), ...made.rulebook.notices(), ...made.acp.notices()];
  const about = {
    journal: record.journal,
    installation: record.installation.id,
    home,
    epoch,
    startedAt,
    taskTimeoutMs: settings.taskTimeoutMs,
  };
  const remembering = { config: stage.config, hostPolicies: () => hostPolicies(here, stage.config) };
  const core = assembleCore({ callFrom, remembering, ...made, ...stores, ...about, principals, newId: uuidv7, stop, door, notices });
  const { authenticate, userToken: token } = principals;
  const receiveHook = createHookReceiver({ state: record.state, triggers: made.triggers, secrets: { env: process.env, config } });
  const server = { handlers: createHandlers(core), authenticate, receiveHook, log: writeLog, newId: uuidv7, now: Date.now };
  end.server = await startServer({ ...server, port: settings.port });
  const { port } = end.server;
  end.endpoint = await writeEndpoint(home, { host: '127.0.0.1', port, protocol: PROTOCOL, token, version: PROGRAM_VERSION });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
  writeLog('daemon.ready', { pid: process.pid, port, seq: record.state.seq, ms: Math.round(performance.now()), notices: notices() });
  reactor.resume();
  made.triggers.resume();
}

async function refuseSecond(home: string, pid: number): Promise<void> {
  const found = await readEndpoint(home);
  const where = found.kind === 'running' ? `, on 127.0.0.1:${found.endpoint.port}` : '';
  process.stderr.write(`A daemon is running already: process ${pid}${where}, in ${home}. Use it, or stop it with \`signalbox down\`.\n`);
  process.exitCode = EX_TEMPFAIL;
}

function stopOnce(work: (reason: string) => Promise<void>): (reason: string) => void {
  let stopping = false;
  return (reason) => {
    if (stopping) return;
    stopping = true;
    work(reason).then(() => process.exit(0), die);
  };
}

/** The last word: nothing is answered any more, because the disk may not have it. */
function die(error: unknown): never {
  const { message } = error instanceof Error ? error : new Error(String(error));
  writeLog('daemon.died', { error: error instanceof Error ? error : new Error(message) });
  process.stderr.write(`signalbox: the daemon stopped. ${message}\n`);
  process.exit(EX_SOFTWARE);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
main().catch(die);
