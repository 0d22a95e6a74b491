// What real agents are led to do, and what has to come of it.
import type { Step } from '../../daemon/agents/acp/canary/script.ts';
import type { Outcome, Permission } from '../../daemon/agents/agent.ts';
import type { AgentSession } from '../../shared/state/agent-session.ts';

/** Where a case happens. */
export interface CasePlace {
  worktree: string;
  outside: string;
}

/** One attempt of an agent, as it looked from outside. */
export interface Seen {
  outcome: Outcome;
  /** Kinds of the actions that it asked for. */
  asked: string[];
  files: string[];
  escaped: boolean;
  /** Processes that were left. */
  left: number;
  session: AgentSession | undefined;
  /** Tool calls that were told as over, by what they did. */
  called: string[];
}

export interface Case {
  name: string;
  steps(place: CasePlace, bash: (command: string) => Step): Step[];
  answer: Permission;
  /** Canceled, or its process killed, as soon as it says something (`cancel`) or does something (`kill`). */
  interrupt?: 'cancel' | 'kill';
  /** The repository brings hooks, plugins, servers and settings. */
  hooks?: true;
  /** It goes on from the attempt of this case, in the same worktree and HOME. */
  after?: string;
  /** Why the row is wrong, or nothing. */
  check(seen: Seen): string | undefined;
  /** What agents do that do not ask for it, or have no tool for it. */
  except?: Partial<Record<string, (seen: Seen) => string | undefined>>;
}

const YES: Permission = { allowed: true };
const NO: Permission = { allowed: false, reason: 'Not in this test.' };
const asks = (kind: string) => (seen: Seen) =>
  seen.asked.includes(kind) ? undefined : `it asked for ${seen.asked.join(', ') || 'nothing'}`;
const plain = (command: string): Step => ({ op: 'bash', command });
/** What models do that were told by Codex that its own sandbox, which cannot start inside of ours, refused a command. */
const escalated = (cmd: string): Step => ({
  op: 'tool',
  name: 'exec_command',
  args: { cmd, sandbox_permissions: 'require_escalated', justification: 'as the script says' },
});

/** How a model of that agent runs a command. */
export const bashOf = (agent: string): ((command: string) => Step) => (agent === 'codex' ? escalated : plain);

const made = (file: string) => (seen: Seen) => (seen.files.includes(file) ? undefined : `it made no ${file}`);
const both =
  (...checks: ((seen: Seen) => string | undefined)[]) =>
  (seen: Seen) =>
    checks.map((check) => check(seen)).find((fault) => fault !== undefined);
const isKept = (seen: Seen) => (seen.escaped ? 'it escaped' : undefined);
/** Gemini does not say which command it is about. */
const gemini = asks('agent.other');
const ran = ({ files }: Seen): string | undefined => {
  const hooks = files.filter((name) => name.startsWith('hook-ran-'));
  return hooks.length === 0 ? undefined : `these ran: ${hooks.join(', ')}`;
};
const ended = (status: string, code?: string) => (seen: Seen) =>
  seen.outcome.status === status && (code === undefined || seen.outcome.error?.code === code)
    ? undefined
    : `it ended as ${seen.outcome.status} (${seen.outcome.error?.code ?? '-'})`;

export const CASES: readonly Case[] = [
  {
    name: 'allow',
    steps: (_place, bash) => [bash('echo yes > made.txt')],
    answer: YES,
    check: both(made('made.txt'), asks('agent.execute')),
    except: { gemini: both(made('made.txt'), gemini) },
  },
  {
    name: 'deny',
    steps: (_place, bash) => [bash('echo yes > made.txt')],
    answer: NO,
    check: (s) => (s.files.includes('made.txt') ? 'it made the file' : asks('agent.execute')(s)),
    except: { gemini },
  },
  {
    name: 'edit',
    steps: ({ worktree }) => [
      { op: 'read', path: `${worktree}/README.md` },
      { op: 'edit', path: `${worktree}/README.md`, old: 'demo', new: 'edited' },
    ],
    answer: YES,
    check: asks('agent.edit'),
    // It offers its tool for edits to models that it knows only.
    except: { codex: isKept },
  },
  {
    name: 'outside',
    steps: ({ outside }) => [{ op: 'write', path: `${outside}/x.txt`, content: 'x\n' }],
    answer: NO,
    check: isKept,
  },
  { name: 'hooks', steps: () => [{ text: 'nothing' }], answer: NO, hooks: true, check: ran },
  { name: 'cancel', steps: () => [{ hang: 20_000 }], answer: YES, interrupt: 'cancel', check: ended('canceled') },
  {
    name: 'kill',
    steps: (_place, bash) => [bash('echo begun > begun.txt; sleep 60')],
    answer: YES,
    interrupt: 'kill',
    check: both(ended('failed', 'agent_exited'), made('begun.txt')),
  },
  {
    name: 'resume',
    steps: (_place, bash) => [bash('echo done > done.txt')],
    answer: YES,
    after: 'kill',
    check: (s) => {
      const old = s.called.find((what) => /begun/.test(what));
      if (old !== undefined) return `it told an old call as new: ${old}`;
      const how = s.session?.how === 'loaded' ? undefined : `it began anew: ${s.session?.why ?? ''}`;
      return how ?? made('done.txt')(s);
    },
    // It answers with an error when its process was killed in the middle of a call, and is told what the record says.
    except: {
      gemini: (s) => (s.session?.how === 'summary' ? made('done.txt')(s) : 'it loaded the session: the note on it is out of date'),
    },
  },
];
