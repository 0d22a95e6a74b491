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
import { fromJson, toJson } from '../shared/state/serialize.ts';
import { createRemoteAgents } from './agents/remote/index.ts';
import { buildPorts, hostPolicies, readYamlFolder, registerAgents } from './boot/build.ts';
import { openStores } from './boot/stores.ts';
import { startClock } from './boot/clock.ts';
import type { Command } from './commands.ts';
import { createCoordinator } from './coordinator/coordinator.ts';
import { createDefinitions } from './coordinator/definitions.ts';
import { createReactor } from './coordinator/reactor.ts';
import { createRulebook } from './coordinator/rulebook.ts';
import { createSubscriptions } from './coordinator/subscriptions.ts';
import { assembleCore } from './boot/core.ts';
import { openRecord } from './boot/record.ts';
import { sealValue, sha256 } from './platform/digest.ts';
import { acquireLock } from './platform/lock.ts';
import { writeLog } from './platform/log.ts';
import { ensurePaths, resolvePaths } from './platform/paths.ts';
import { identifyProcess } from './platform/process.ts';
import { endLeftovers, restoreRuns } from './boot/recover.ts';
import { readEndpoint, removeEndpoint, writeEndpoint } from './rpc/endpoint.ts';
import { createHandlers } from './rpc/handlers/index.ts';
import { createPrincipals } from './rpc/principals.ts';
import { startServer, type RpcServer } from './rpc/server.ts';
import { readSettings } from './settings.ts';

const here = dirname(realpathSync(process.argv[1] ?? '.'));
/** Exit codes of sysexits.h. */
const EX_SOFTWARE = 70;
const EX_TEMPFAIL = 75;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const paths = await ensurePaths(resolvePaths(process.env, process.platform, homedir()));
  const home = paths.state;
  const lock = await acquireLock(home);
  if (!('release' in lock)) return refuseSecond(home, lock.heldBy.pid);

  const record = await openRecord(home, here);
  const { installation, state } = record;
  const identity = await identifyProcess(process.pid);
  const epoch = randomBytes(4).toString('hex');
  const startedAt = new Date().toISOString();
  const ended = await endLeftovers(state, identity?.host ?? '');
  if (ended > 0) writeLog('processes.ended', { attempts: ended });

  const stores = await openStores(home);
  const definitions = createDefinitions(stores.artifacts);
  const rulebook = createRulebook(await hostPolicies(here, paths.config), sha256);
  const newId = uuidv7;
  const coordinator = createCoordinator({
    journal: record.journal,
    published: state,
    tentative: fromJson(toJson(state)),
    now: Date.now,
    onFatal: (error) => die(error),
    context: {
      epoch,
      host: identity?.host ?? '',
      bootId: identity?.bootId ?? '',
      newId,
      judge: (action) => rulebook.judge(action),
      digest: (action, { reasons }) => sealValue(installation.key, { action, rules: reasons.map((r) => `${r.policy}@${r.version}/${r.rule}`) }),
      approvalMs: settings.approvalMs,
    },
  });
  const tell = (command: Command) => coordinator.submit(command, { principal: 'daemon', cause: `start/${epoch}` });
  await tell({ type: 'daemon/start', version: PROGRAM_VERSION, pid: process.pid, protocol: PROTOCOL.max });

  const subscriptions = createSubscriptions(state, installation.id);
  const remote = createRemoteAgents();
  const { ports, runPorts } = buildPorts({ here, home, stores, definitions, rulebook, remote, subscriptions, coordinator, workflows: await readYamlFolder(join(here, 'workflows')) });
  await restoreRuns({ state, definitions, runPorts, tell });
  await registerAgents(tell);
  coordinator.onRecorded(subscriptions.publish);
  coordinator.onRecorded(record.noteCommits);
  const reactor = createReactor(coordinator, ports, settings, newId);

  const principals = createPrincipals({ now: Date.now });
  let server: RpcServer | undefined;
  const stop = stopOnce(async (reason) => {
    writeLog('daemon.stopping', { reason });
    if (endpoint) await removeEndpoint(home, endpoint);
    stopClock();
    await reactor.drain(settings.drainMs);
    await tell({ type: 'daemon/stop', reason, drained: true });
    await coordinator.idle();
    await server?.close(reason);
    await record.close();
    await lock.release();
  });
  const core = assembleCore({
    ...{ coordinator, definitions, rulebook, runPorts, subscriptions, remote, principals, home, epoch, startedAt, newId, stop },
    journal: record.journal,
    installation: installation.id,
    artifacts: stores.artifacts,
    spools: stores.spools,
    door: () => ({ port: server?.port ?? 0, connections: server?.connections() ?? 0 }),
  });
  server = await startServer({ handlers: createHandlers(core), authenticate: principals.authenticate, log: writeLog, newId, now: Date.now });
  const endpoint = await writeEndpoint(home, { host: '127.0.0.1', port: server.port, protocol: PROTOCOL, token: principals.userToken, version: PROGRAM_VERSION });
  const stopClock = startClock(state, Date.now, tell);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
  writeLog('daemon.ready', { pid: process.pid, port: server.port, seq: state.seq, ms: Math.round(performance.now()), notices: [...record.notices, ...rulebook.notices()] });
  reactor.resume();
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
  writeLog('daemon.died', { error: error instanceof Error ? error : new Error(String(error)) });
  process.exit(EX_SOFTWARE);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
main().catch(die);
