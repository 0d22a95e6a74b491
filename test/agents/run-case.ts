// Runs one case with one real agent, in a repository and a HOME of its own.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listDecoyFiles } from '../../daemon/agents/acp/canary/decoys.ts';
import { startModelServer } from '../../daemon/agents/acp/canary/model-server.ts';
import { markScript } from '../../daemon/agents/acp/canary/script.ts';
import { createAcpAdapter } from '../../daemon/agents/acp/index.ts';
import type { Profile } from '../../daemon/agents/acp/profiles.ts';
import type { AttemptEvent, AttemptSpec, Outcome } from '../../daemon/agents/agent.ts';
import { describeWanted } from '../../daemon/boot/wanted.ts';
import { findTagged } from '../../daemon/platform/process.ts';
import type { Sandbox } from '../../daemon/platform/sandbox/sandbox.ts';
import { bashOf, type Case, type Seen } from './cases.ts';
import { ledTo, recordPipes, type Recording } from './recording.ts';

export const FIXTURES = fileURLToPath(new URL('../fixtures/acp', import.meta.url));

/** What a case leaves for one that goes on from it. */
export interface Left {
  folder: string;
  session: string;
  remove(): void;
}

interface Conditions {
  installed: string;
  sandbox: Sandbox | undefined;
  record: boolean;
  before: Left | undefined;
}

function makePlace(row: Case, before: Left | undefined): { folder: string; worktree: string; outside: string; home: string } {
  const folder = before?.folder ?? realpathSync(mkdtempSync(join(tmpdir(), 'signalbox-agents-')));
  const place = { folder, worktree: join(folder, 'worktree'), outside: join(folder, 'outside'), home: join(folder, 'home') };
  if (before) return place;
  for (const path of [place.worktree, place.outside, place.home]) mkdirSync(path);
  if (row.hooks)
    for (const [path, text] of Object.entries(listDecoyFiles({ ...place, endpoint: '', port: 0 }))) {
      mkdirSync(dirname(join(place.worktree, path)), { recursive: true });
      if (!path.startsWith('.git/')) writeFileSync(join(place.worktree, path), text);
    }
  writeFileSync(join(place.worktree, 'README.md'), '# demo\n');
  execFileSync('git', ['init', '-q', '-b', 'main', place.worktree]);
  return place;
}

/** Runs it; what it leaves is removed by whoever calls. */
export async function runCase(profile: Profile, row: Case, conditions: Conditions): Promise<{ seen: Seen; left: Left }> {
  const { installed, sandbox, record, before } = conditions;
  const place = makePlace(row, before);
  const { worktree, outside, home, folder } = place;
  const model = await startModelServer();
  const recording: Recording = [];
  const adapter = createAcpAdapter({
    profileOf: () => ledTo(profile, model.url),
    installed,
    personHome: folder,
    personEnv: {},
    describe: describeWanted,
    ...(sandbox ? { sandbox } : {}),
    ...(record ? { launch: recordPipes(recording) } : {}),
  });
  const attempt = `agents-${row.name}-${process.pid}-${Date.now()}`;
  const earlier = before && { attempt: 'before', session: before.session, lead: 'Go on. ', summary: 'You did this before. ' };
  const spec: AttemptSpec = {
    ...{ attempt, task: 't', run: 'r', stage: 's', agent: profile.agent, action: 'prompt', inputs: {}, timeoutMs: 90_000, home },
    prompt: `Do what the script says. ${markScript([...row.steps(place, bashOf(profile.agent)), { text: 'done' }])}`,
    worktree: { path: worktree, gitDir: join(worktree, '.git'), branch: 'main' },
    ...(earlier ? { earlier } : {}),
  };
  const seen: Seen = {
    outcome: { status: 'failed', values: {} },
    asked: [],
    files: [],
    escaped: false,
    left: 0,
    session: undefined,
    called: [],
  };
  seen.outcome = await new Promise<Outcome>((resolve) => {
    const running = adapter.start(spec, (event) => {
      note(seen, row, event);
      if (event.type === 'started' && row.interrupt === 'kill') void killWhenBusy(event.process?.pid, worktree);
      if (event.type === 'output' && event.stream === 'stdout' && row.interrupt === 'cancel') void running.cancel('the test wants it');
      if (event.type === 'ended') resolve(event.outcome);
    });
  });
  await model.close();
  Object.assign(seen, { files: readdirSync(worktree), escaped: readdirSync(outside).length > 0, left: (await findTagged(attempt)).length });
  // What is cut off ends somewhere else each time.
  if (record && row.interrupt !== 'kill' && !row.hooks)
    writeRecording(`${profile.agent}-${row.name}`, recording, { worktree, outside, home, model: model.url });
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return { seen, left: { folder, session: seen.session?.id ?? '', remove } };
}

function note(seen: Seen, row: Case, event: AttemptEvent): void {
  if (event.type === 'session') seen.session = event.session;
  if (event.type === 'called') seen.called.push(event.call.summary);
  if (event.type !== 'wants') return;
  // What it wants of the network by itself says nothing about the case.
  if (!event.wanted.key.startsWith('fetch ')) seen.asked.push(event.wanted.action.kind);
  event.answer(event.wanted.key.startsWith('fetch ') ? { allowed: false, reason: 'Not in this test.' } : row.answer);
}

/** Kills the agent's own process once the command that it was led to has begun. */
async function killWhenBusy(pid: number | undefined, worktree: string): Promise<void> {
  const until = Date.now() + 60_000;
  // The folder is gone once the case is over without it.
  while (existsSync(worktree) && !readdirSync(worktree).includes('begun.txt') && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 50));
  // What the agent remembers of the call is written soon after it has begun.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  if (pid !== undefined)
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself, and the row says so.
    }
}

function writeRecording(name: string, recording: Recording, places: Record<string, string>): void {
  const lines = recording.filter(({ line }) => !line.includes('"available_commands_update"')).map(({ from, line }) => `${from} ${line}`);
  const text = Object.entries(places).reduce((all, [place, value]) => all.replaceAll(value, `{${place}}`), lines.join('\n'));
  mkdirSync(FIXTURES, { recursive: true });
  writeFileSync(join(FIXTURES, `${name}.txt`), `${text}\n`);
}
