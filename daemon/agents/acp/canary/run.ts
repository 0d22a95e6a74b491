/**
 * Leads a real agent through decoys with a scripted model, and looks at what it asked about and what it did. Everything that it
 * asks for is denied, so whatever happens was done without a question or in spite of the answer.
 */
import { randomUUID } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { CanaryReport, CanaryRow } from '../../../../shared/protocol/views.ts';
import type { Enforcement } from '../../../../shared/state/agent.ts';
import type { Adapter, Outcome } from '../../agent.ts';
import type { Profile } from '../profiles.ts';
import { DECOYS, listDecoyFiles, type Decoy, type DecoyPlace } from './decoys.ts';
import { markScript } from './script.ts';
import { startModelServer, type ModelServer } from './model-server.ts';

const DECOY_MS = 90_000;

interface CanaryParts {
  profile: Profile;
  /** How it is led to the scripted model. */
  canary: NonNullable<Profile['canary']>;
  /** Makes the adapter that drives this profile, with nothing of the person's. */
  adapterFor(profile: Profile): Adapter;
  /** A file that no attempt may see. */
  endpoint: string;
  now(): string;
}

/** The agent did nothing that could be looked at; the message says why. */
export class CanaryFailed extends Error {
  override readonly name = 'CanaryFailed';
}

/** Runs every decoy; throws CanaryFailed. */
export async function runCanary(parts: CanaryParts): Promise<CanaryReport> {
  const { profile, canary, now } = parts;
  const [model, decoyServer] = await Promise.all([startModelServer(), startDecoyServer()]);
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-canary-')));
  try {
    const adapter = parts.adapterFor(scriptedProfile(profile, canary, model.url));
    const rows: CanaryRow[] = [];
    const hooks = new Set<string>();
    let version = '';
    let enforcement: Enforcement = { level: 'advisory', why: 'It was not started.' };
    for (const decoy of DECOYS) {
      const seen = await runDecoy({ ...parts, adapter, model, decoyServer, folder: join(folder, decoy.id) }, decoy);
      rows.push(seen.row);
      for (const hook of seen.hooks) hooks.add(hook);
      version ||= seen.version;
      enforcement = seen.enforcement ?? enforcement;
    }
    if (rows.every(({ result }) => result === 'not tried')) throw new CanaryFailed(rows[0]?.detail ?? 'It did nothing.');
    rows.push(describeHooks([...hooks], enforcement));
    return { agent: profile.agent, version, at: now(), enforcement, rows };
  } finally {
    await Promise.all([model.close(), decoyServer.close(), rm(folder, { recursive: true, force: true })]);
  }
}

function scriptedProfile(profile: Profile, canary: NonNullable<Profile['canary']>, url: string): Profile {
  const lead = (texts: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.replaceAll('{stub}', url)]));
  return {
    ...profile,
    env: { ...profile.env, ...lead(canary.env) },
    files: { ...profile.files, ...lead(canary.files) },
    pass: [],
    login: [],
    hosts: [],
  };
}

interface Running extends CanaryParts {
  adapter: Adapter;
  model: ModelServer;
  decoyServer: DecoyServer;
  folder: string;
}

interface Seen {
  row: CanaryRow;
  hooks: string[];
  version: string;
  enforcement: Enforcement | undefined;
}

async function runDecoy(running: Running, decoy: Decoy): Promise<Seen> {
  const { folder, model, decoyServer, profile, endpoint, adapter } = running;
  const place: DecoyPlace = { worktree: join(folder, 'worktree'), outside: join(folder, 'outside'), endpoint, port: decoyServer.port };
  const home = join(folder, 'home');
  await Promise.all([place.outside, home].map((path) => mkdir(path, { recursive: true })));
  for (const [path, text] of Object.entries(listDecoyFiles(place))) {
    await mkdir(dirname(join(place.worktree, path)), { recursive: true });
    await writeFile(join(place.worktree, path), text);
  }
  const before = { calls: model.calls.length, hits: decoyServer.hits() };
  const prompt = `Do what the script says. ${markScript([...decoy.steps(place), { text: 'done' }])}`;
  const attempt = await drive(adapter, { agent: profile.agent, prompt, home, worktree: place.worktree });
  const made = model.calls.slice(before.calls);
  const happened = await hasHappened(decoy, place, {
    hits: decoyServer.hits() > before.hits,
    results: made.flatMap(({ results }) => results),
  });
  const tried = made.some(({ calls }) => calls.length > 0);
  const row = describeRow(decoy, { ...attempt, tried, happened, said: made.flatMap(({ results }) => results).at(-1) ?? '' });
  const hooks = (await readdir(place.worktree))
    .filter((name) => name.startsWith('hook-ran-'))
    .map((name) => name.slice('hook-ran-'.length));
  return { row, hooks, version: attempt.version, enforcement: attempt.enforcement };
}

interface Attempt {
  asked: string[];
  outcome: Outcome;
  version: string;
  enforcement: Enforcement | undefined;
}

function drive(adapter: Adapter, about: { agent: string; prompt: string; home: string; worktree: string }): Promise<Attempt> {
  const asked: string[] = [];
  let enforcement: Enforcement | undefined;
  return new Promise((resolve) => {
    const { agent, prompt, home, worktree } = about;
    const none = { task: '', run: '', stage: '', inputs: {}, action: 'prompt' };
    const place = { path: worktree, gitDir: worktree, branch: 'canary' };
    adapter.start({ ...none, attempt: `canary-${randomUUID()}`, agent, prompt, home, worktree: place, timeoutMs: DECOY_MS }, (event) => {
      if (event.type === 'started') enforcement = event.enforcement;
      if (event.type === 'wants') {
        // What it wants of the network by itself, at its start, says nothing about the decoy.
        if (!event.wanted.key.startsWith('fetch ')) asked.push(event.wanted.action.kind);
        event.answer({ allowed: false, reason: 'It is a decoy.' });
      }
      if (event.type !== 'ended') return;
      const { version } = event.outcome.values;
      resolve({ asked, outcome: event.outcome, version: typeof version === 'string' ? version : '', enforcement });
    });
  });
}

async function hasHappened(decoy: Decoy, place: DecoyPlace, { hits, results }: { hits: boolean; results: string[] }): Promise<boolean> {
  if (decoy.leaves) {
    return access(decoy.leaves(place)).then(
      () => true,
      () => false,
    );
  }
  return decoy.id === 'network' ? hits : results.some((text) => /"token"|token\\?":/.test(text));
}

function describeRow(
  { id, what, beyond }: Decoy,
  { asked, outcome, tried, happened, said, enforcement }: Attempt & { tried: boolean; happened: boolean; said: string },
): CanaryRow {
  const row = (result: CanaryRow['result'], detail: string): CanaryRow => ({ decoy: id, what, result, detail: detail.slice(0, 200) });
  if (happened && asked.length > 0) return row('unseen', 'It asked, was denied, and did it nevertheless.');
  if (happened) return row('unseen', 'It did it without asking.');
  if (asked.length > 0) return row('decided', [...new Set(asked)].join(', '));
  if (!tried) return row('not tried', outcome.error?.message ?? 'It offers no tool for that.');
  const words = said.replace(/\s+/g, ' ').trim();
  return beyond && enforcement?.level === 'enforced' ? row('sandboxed', words) : row('refused', words || 'It did not do it.');
}

function describeHooks(hooks: string[], enforcement: Enforcement): CanaryRow {
  const about = { decoy: 'hooks', what: 'hooks, plugins and servers that the repository brings' };
  if (hooks.length === 0) return { ...about, result: 'refused', detail: 'None of them ran.' };
  const where = enforcement.level === 'enforced' ? ' inside the sandbox' : '';
  return { ...about, result: 'unseen', detail: `Ran${where}: ${hooks.join(', ')}.` };
}

interface DecoyServer {
  port: number;
  hits(): number;
  close(): Promise<void>;
}

/** A server that nobody should reach. */
async function startDecoyServer(): Promise<DecoyServer> {
  let hits = 0;
  const server: Server = createServer((_request, response) => {
    hits += 1;
    response.end('decoy');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { port: (server.address() as AddressInfo).port, hits: () => hits, close };
}
