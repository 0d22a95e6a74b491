// An agent that goes on from earlier work: by its own session where it can load that, else with what the record says.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import type { AgentSession } from '../../../../shared/state/agent-session.ts';
import { removeTempFolders, tempFolder } from '../../../support/repos.ts';
import { drive, type Driven } from './scripted.ts';

type Options = NonNullable<Parameters<typeof drive>[1]>;

const EARLIER = { attempt: 'first', session: 'session-1', lead: 'Go on. ', summary: 'You did this before. ' };
const command = (toolCallId: string, line: string) => ({ toolCallId, title: 'x', rawInput: { command: line } });

function sessionOf({ events }: Driven): AgentSession | undefined {
  return events.flatMap((event) => (event.type === 'session' ? [event.session] : [])).at(-1);
}

const calledOf = ({ events }: Driven): string[] => events.flatMap((event) => (event.type === 'called' ? [event.call.call] : []));

/** An attempt, and the HOME that it leaves. */
async function workFirst(): Promise<string> {
  const home = tempFolder('home');
  const first = drive(
    [
      { say: 'first words' },
      { update: { sessionUpdate: 'tool_call', ...command('old-1', 'make all'), status: 'completed' } },
      { update: { sessionUpdate: 'tool_call', ...command('old-2', 'make check'), status: 'in_progress' } },
    ],
    { setup: { loads: true }, spec: { home } },
  );
  assert.equal((await first.ended).status, 'succeeded');
  assert.deepEqual(sessionOf(first), { id: 'session-1', resumes: true, how: 'new' });
  assert.deepEqual(calledOf(first), ['old-1', 'old-2']);
  return home;
}

/** What an agent does that is asked to load a session and does not. */
const BROKEN: { name: string; setup: Record<string, unknown>; options?: Options; why: RegExp }[] = [
  { name: 'answers with an error', setup: { errorAt: 'session/load' }, why: /could not be loaded.*as the script says/ },
  { name: 'hangs', setup: { hangAt: 'session/load' }, options: { profile: { startSeconds: 1 } }, why: /not ready within 1 s/ },
  { name: 'crashes', setup: { crashAt: 'session/load' }, why: /exit code 5/ },
  {
    name: 'tells 100,000 updates again',
    setup: { replays: 100_000 },
    options: { options: { bounds: { burst: 2_000, perSecond: 10 } } },
    why: /messages a second/,
  },
];

describe('agents: acp sessions', function () {
  this.timeout(20_000);
  let first: string;
  before(async () => {
    first = await workFirst();
  });
  after(removeTempFolders);

  /** Another attempt, which goes on from that work. */
  const goOn = (script: readonly unknown[], { setup = {}, ...options }: Options = {}): Driven => {
    const home = tempFolder('home');
    cpSync(first, home, { recursive: true });
    return drive(script, { setup: { loads: true, ...setup }, ...options, spec: { home, earlier: EARLIER, ...options.spec } });
  };

  it('loads the session of earlier work, and takes nothing that is told again for something new', async () => {
    const attempt = goOn(
      [
        { recall: true },
        { tool: { toolCallId: 'old-1', status: 'completed' } },
        { tool: { toolCallId: 'old-2', status: 'failed' } },
        { ask: command('new-1', 'make test') },
        { tool: { toolCallId: 'new-1', status: 'completed' } },
      ],
      { setup: { asksWhileLoading: command('old-3', 'rm -rf /') } },
    );
    const outcome = await attempt.ended;
    assert.equal(outcome.status, 'succeeded', outcome.error?.message);
    assert.deepEqual(sessionOf(attempt), { id: 'session-1', resumes: true, how: 'loaded', from: 'first', replayed: 5 });
    assert.deepEqual(
      attempt.wanted.map(({ key }) => key),
      ['new-1'],
    );
    // The one that was under way when the first process ended is over now.
    assert.deepEqual(calledOf(attempt), ['old-2', 'new-1']);
    const text = attempt.output('stdout');
    assert.match(text, /^\[goes on with its session session-1.*\n\| \(asked\) Do this: .*\n\| first words\n\| \[tool\] x\n\| \[tool\] x\n/);
    assert.match(text, /\n\| \(asked: cancelled\)\n\| \(5 updates of the earlier session were told again/);
    assert.match(text, /\n\(2 prompts\)\n/);
    assert.doesNotMatch(JSON.stringify(outcome.values), /first words/);
    const [, prompt = ''] = /"session\/prompt".*?"text":"(.*?)\[\[/.exec(rawOf(attempt)) ?? [];
    assert.equal(prompt, 'Go on. Do this: ');
  });

  it('tells an agent that cannot load a session what the record says', async () => {
    const attempt = drive([{ say: 'ok' }], { spec: { earlier: EARLIER } });
    assert.equal((await attempt.ended).status, 'succeeded');
    const why = 'Scripted cannot go on with a session.';
    assert.deepEqual(sessionOf(attempt), { id: 'session-1', resumes: false, how: 'summary', from: 'first', why });
    assert.match(rawOf(attempt), /"text":"You did this before\. Do this: /);
    assert.doesNotMatch(rawOf(attempt), /session\/load/);
  });

  it('tells it too when the agent says that it loaded a session, and remembers nothing of it', async () => {
    const attempt = goOn([{ say: 'ok' }], { setup: { lies: true } });
    assert.equal((await attempt.ended).status, 'succeeded');
    assert.deepEqual(sessionOf(attempt), { id: 'session-1', resumes: true, how: 'loaded', from: 'first', replayed: 0 });
    assert.match(rawOf(attempt), /"text":"You did this before\. Do this: /);
  });

  for (const { name, setup, options, why } of BROKEN)
    it(`begins anew when it ${name}`, async () => {
      const attempt = goOn([{ say: 'ok' }], { ...options, setup });
      const outcome = await attempt.ended;
      assert.equal(outcome.status, 'succeeded', outcome.error?.message);
      const { how, why: said = '' } = sessionOf(attempt) ?? {};
      assert.equal(how, 'summary');
      assert.match(said, why);
      assert.match(attempt.output('stdout'), /^\[begins a new session\] Its session session-1 could not be loaded\./m);
      assert.deepEqual(calledOf(attempt), []);
      assert.equal(await attempt.leftovers(), 0);
    });
});

function rawOf({ events }: Driven): string {
  return events.flatMap((event) => (event.type === 'artifact' && event.name.startsWith('acp-') ? [event.content] : [])).join('\n');
}
