/** Puts the impure rooms together into the ports that the coordinator takes. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterKind, Enforcement } from '../../shared/state/agent.ts';
import { createCommandAdapter } from '../agents/command/index.ts';
import type { RemoteAgents } from '../agents/remote/index.ts';
import type { Command, CommandResult } from '../commands.ts';
import type { Coordinator } from '../coordinator/coordinator.ts';
import type { Definitions } from '../coordinator/definitions.ts';
import type { Ports } from '../coordinator/ports.ts';
import type { Rulebook } from '../coordinator/rulebook.ts';
import type { RunPorts } from '../coordinator/submit-run.ts';
import type { Subscriptions } from '../coordinator/subscriptions.ts';
import { sha256 } from '../platform/digest.ts';
import { writeLog } from '../platform/log.ts';
import { listSecretKinds, redact } from '../platform/redact.ts';
import type { AcpAgents } from './acp.ts';
import { loadedOnDemand } from './adapter-on-demand.ts';
import { validateOpenApi } from './openapi.ts';
import { recordPolicies } from './policies.ts';
import type { Stores } from './stores.ts';
import { readRun } from '../rpc/handlers/archived.ts';
import { workspace } from './workspace.ts';
import { readBase, setUpBy } from './worktree-setup.ts';
import type { Sandbox } from '../platform/sandbox/sandbox.ts';
import { readConfiguration } from '../workspace/configuration.ts';
import { deskOf, layOut, readOutput, readReport } from '../workspace/desk.ts';
import { inspectRepo, placeOf, readCommit } from '../workspace/inspect.ts';
import { readBranch } from '../workspace/resolve.ts';

/** Attempts that each kind of agent of ours takes at once. */
const SLOTS = { builtin: 2, command: 2 } as const;

interface Parts {
  /** Folder of the bundles. */
  here: string;
  home: string;
  stores: Stores;
  definitions: Definitions;
  rulebook: Rulebook;
  remote: RemoteAgents;
  subscriptions: Subscriptions;
  acp: AcpAgents;
  coordinator: Coordinator;
  /** The way in for what clients ask. */
  submit: Coordinator['submit'];
  tell(command: Command): Promise<CommandResult>;
  sandbox: Sandbox;
  workflows: ReadonlyMap<string, { file: string; text: string }>;
}

/** Where what belongs to an attempt lies, below the state folder. */
function foldersOf(home: string): Pick<Ports, 'homeFor' | 'worktreeFor' | 'lentFor'> {
  return {
    async homeFor(attempt) {
      const path = join(home, 'homes', attempt);
      await mkdir(path, { recursive: true, mode: 0o700 });
      return path;
    },
    worktreeFor: (attempt) => join(home, 'worktrees', attempt),
    lentFor: (attempt) => join(home, 'lent', attempt),
  };
}

export function buildPorts(parts: Parts): { ports: Ports; runPorts: RunPorts } {
  const { here, home, stores, definitions, rulebook, remote, subscriptions, coordinator, sandbox } = parts;
  const ports: Ports = {
    adapters: {
      builtin: loadedOnDemand(async () => {
        const { createBuiltinAdapter } = await import('../agents/builtin/index.ts');
        return createBuiltinAdapter({ childPath: join(here, 'builtin.cjs') });
      }),
      command: createCommandAdapter({ sandbox }),
      acp: parts.acp.adapter,
    },
    artifacts: stores.artifacts,
    spools: stores.spools,
    workspace,
    remote,
    validateOpenApi,
    desk: { layOut, readReport, readOutput, outputsOf: (folder) => deskOf(folder).outputs },
    ...{ definitionOf: definitions.get, keepDefinition: definitions.keep, loadDefinition: definitions.load },
    ...foldersOf(home),
    ...setUpBy(coordinator.state),
    findTests: async (repo, commit) => (await import('../agents/builtin/data-plane/find-tests.ts')).findTests(placeOf(repo), commit),
    listSecretKinds,
    mask: (text) => redact(text),
    hash: sha256,
    progress: subscriptions.progress,
    log: writeLog,
  };
  const runPorts: RunPorts = {
    rulebook,
    inspectRepo,
    readBranch,
    readCommit: (repo, revision) => readCommit(placeOf(repo), revision),
    baseOf: (repo) => readBase(coordinator.state, repo),
    readConfiguration,
    builtinWorkflow: (name) => parts.workflows.get(name),
    keepDefinition: definitions.keep,
    hash: sha256,
    readRun: (id) => readRun({ state: coordinator.state, archive: stores.archive }, id),
    readSpoolEnd: stores.spools.readEnd,
    diffCommits: workspace.diffCommits,
    ...sourcesIn(stores),
    policiesLoaded: (repo) => recordPolicies({ rulebook, artifacts: stores.artifacts, tell: parts.tell }, repo),
    trustedDigest: (repo) => coordinator.state.trust.get(repo)?.digest,
    submit: parts.submit,
  };
  return { ports, runPorts };
}

/** Texts of workflows and policies, as artifacts. */
function sourcesIn({ artifacts }: Stores): Pick<RunPorts, 'readSource' | 'keepSource'> {
  return { readSource: (digest) => artifacts.readText(digest), keepSource: async (text) => (await artifacts.putText(text)).digest };
}

const AGENTS: readonly { agent: string; role: string; capabilities: string[]; adapter: Extract<AdapterKind, 'builtin' | 'command'> }[] = [
  { agent: 'data-plane', role: 'Looks at repositories', capabilities: ['scan', 'verify'], adapter: 'builtin' },
  { agent: 'reasoning', role: 'Plans repairs and writes reports', capabilities: ['plan', 'report'], adapter: 'builtin' },
  { agent: 'control-plane', role: 'Makes the repairs', capabilities: ['repair'], adapter: 'builtin' },
  { agent: 'command', role: 'Runs one command for each task', capabilities: ['run'], adapter: 'command' },
];

/** Registers the agents that come with the daemon; only what runs programs of others needs a sandbox. */
export async function registerAgents(tell: (command: Command) => Promise<CommandResult>, enforcement: Enforcement): Promise<void> {
  const register = (agent: (typeof AGENTS)[number]) =>
    tell({
      type: 'agent/register',
      tags: [],
      slots: SLOTS[agent.adapter],
      ...agent,
      ...(agent.adapter === 'command' ? { enforcement } : {}),
    });
  await Promise.all(AGENTS.map(register));
}
