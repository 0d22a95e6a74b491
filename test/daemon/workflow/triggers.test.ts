// Triggers as they are written, and what a run is given of what fired it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readItems } from '../../../daemon/triggers/command.ts';
import { loadWorkflow } from '../../../daemon/workflow/load.ts';
import { settleFiring } from '../../../daemon/workflow/triggers.ts';
import type { TriggerDefinition } from '../../../shared/state/trigger-definition.ts';

const file = (triggers: string): string =>
  `workflow: w\nversion: 1\ninputs: { goal: { type: string }, files: { type: list } }\ntriggers:\n${triggers}\nstages:\n  - { id: s, agent: command, command: [echo, "{inputs.goal}"] }\n`;
const load = (triggers: string) => loadWorkflow({ file: 'w.yaml', text: file(triggers) });
const problems = (triggers: string): string[] => {
  const loaded = load(triggers);
  return loaded.ok ? [] : loaded.problems.map((p) => `${p.line}:${p.column} ${p.message}${p.hint === undefined ? '' : ` ${p.hint}`}`);
};

describe('triggers of a workflow', () => {
  it('load with their defaults', () => {
    const loaded = load(
      '  - { cron: "0 3 * * 1-5" }\n  - { id: again, event: run.failed, when: trigger.run.workflow == "w", inputs: { goal: "{trigger.event.run}" } }',
    );
    assert.ok(loaded.ok);
    assert.deepEqual(loaded.definition.triggers, [
      { kind: 'cron', id: 'cron', inputs: {}, overlap: 'skip', cron: '0 3 * * 1-5', zone: 'UTC', missed: 'once' },
      {
        kind: 'event',
        id: 'again',
        when: 'trigger.run.workflow == "w"',
        inputs: { goal: '{trigger.event.run}' },
        overlap: 'queue',
        types: ['run.failed'],
      },
    ]);
  });

  const WRONG: [string, string[]][] = [
    [
      '  - { cron: "61 * * * *" }',
      ['5:13 `triggers.0.cron`: Invalid value for minute: 61; write five fields: minute, hour, day of the month, month, day of the week'],
    ],
    ['  - { cron: "* * * * * *" }', ['5:13 `triggers.0.cron`: write five fields: minute, hour, day of the month, month, day of the week']],
    ['  - { cron: "0 0 31 2 *" }', ['5:13 `triggers.0.cron`: such a time never comes']],
    [
      '  - { cron: "0 3 * * *", zone: Mars }',
      ['5:32 `triggers.0.zone`: there is no time zone `Mars`; write one such as `Europe/Berlin` or `UTC`'],
    ],
    ['  - { cron: "0 3 * * *", when: "true" }', ['5:32 `triggers.0.when`: a schedule has no condition']],
    ['  - { event: run.suceeded }', ['5:14 `triggers.0.event`: the record has no event `run.suceeded`. Did you mean `run.succeeded`?']],
    [
      '  - { event: [run.failed, trigger.fired] }',
      ['5:27 `triggers.0.event.1`: the record has no event `trigger.fired`. See `signalbox events`.'],
    ],
    ['  - { event: run.failed, missed: all }', ['5:34 `triggers.0.missed`: it belongs to `cron`']],
    [
      '  - { evnt: run.failed }',
      [
        '5:5 `triggers.0`: a trigger has one of `cron`, `files`, `webhook`, `source`, `event`',
        '5:7 `evnt` is not a key that is known here. Did you mean `event`?',
      ],
    ],
    ['  - { event: run.failed, when: "trigger.x ==" }', ['5:32 Unexpected token: EOF (character 13)']],
    ['  - { event: run.failed, inputs: { gaol: x } }', ['5:36 The workflow has no input `gaol`. Did you mean `goal`?']],
    [
      '  - { event: run.failed, inputs: { goal: "{trigger.evnt.id}" } }',
      ['5:42 There is no `trigger.evnt` here, only `trigger.event`, `trigger.run`. Did you mean `event`?'],
    ],
    ['  - { event: run.failed }\n  - { event: run.canceled }', ['6:5 Two triggers have the id `event`; give this one another `id`.']],
    ['  - { files: ../x }', ['5:14 `triggers.0.files`: write paths in the repository, with `*`, `**` and `?`']],
    [
      '  - { webhook: { secret: abc, signature: github } }',
      [
        '5:26 `triggers.0.webhook.secret`: write `{ env: NAME }` for a variable of the daemon, or `{ file: name }` for a file in the folder `secrets` of your configuration',
      ],
    ],
    [
      '  - { webhook: { secret: { env: S }, signature: hmac } }',
      ['5:49 `triggers.0.webhook.signature`: write `github` or `standard` (Standard Webhooks)'],
    ],
    ['  - { source: { every: 5m } }', ['5:15 `triggers.0.source`: a source has a `folder` or a `command`']],
    ['  - { source: { folder: in, timeout: 5s } }', ['5:38 `triggers.0.source.timeout`: it belongs to `command`']],
    ['  - { source: { folder: in }, overlap: skip }', ['5:40 `triggers.0.overlap`: a source loses nothing; write `queue` or `allow`']],
  ];
  for (const [text, expected] of WRONG) it(`say what is wrong with ${text.trim()}`, () => assert.deepEqual(problems(text), expected));
});

describe('a source that a workflow of the other dialect names', () => {
  const read = (name: string) => ({ file: name, text: readFileSync(new URL(`../../../examples/aos/${name}`, import.meta.url), 'utf8') });

  it('is what the bindings say', () => {
    const loaded = loadWorkflow({ ...read('bug-fix.yaml'), parts: [read('bindings.yaml')] });
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const common = { kind: 'command', id: 'linear-bug-ticket', inputs: {}, overlap: 'queue' };
    assert.deepEqual(loaded.definition.triggers, [
      { ...common, command: ['node', 'agents/tickets.mjs'], everyMs: 300_000, timeoutMs: 30_000, env: {} },
    ]);
  });
});

describe('items that a program prints', () => {
  const WRONG: [string, RegExp][] = [
    ['nonsense', /^poll printed no JSON: /],
    ['{"id":1}', /has to print a list of at most 500 objects with an `id`/],
    ['[{"title":"no id"}]', /0\.id/],
    [JSON.stringify(Array.from({ length: 501 }, (_, id) => ({ id }))), /at most 500/],
  ];
  it('are a bounded list of objects with ids, or nothing', () => {
    assert.deepEqual(readItems('', 'poll'), []);
    assert.deepEqual(readItems('[{"id":7,"title":"seven"}]', 'poll'), [
      { id: '7', summary: 'seven came', facts: { item: { id: 7, title: 'seven' } } },
    ]);
    for (const [text, message] of WRONG) assert.throws(() => readItems(text, 'poll'), { message });
  });
});

describe('inputs from what fired', () => {
  const facts = { event: { type: 'run.failed', run: 'r1', data: { code: 'x', list: ['a', 'b'], none: null } }, run: { workflow: 'w' } };
  const trigger = (inputs: TriggerDefinition['inputs'], when?: string): TriggerDefinition => ({
    ...{ kind: 'event', id: 'e', inputs, overlap: 'queue', types: ['run.failed'] },
    ...(when === undefined ? {} : { when }),
  });
  const settle = (inputs: TriggerDefinition['inputs'], when?: string, given = {}) => settleFiring(trigger(inputs, when), facts, given);

  it('are texts with facts in them, or a fact as it is', () => {
    assert.deepEqual(
      settle({ a: '{trigger.event.run} of {trigger.run.workflow}', b: '{trigger.event.data.list}', c: ['{trigger.event.run}'], d: 3 }),
      {
        fires: true,
        inputs: { a: 'r1 of w', b: ['a', 'b'], c: ['r1'], d: 3 },
      },
    );
  });

  it('never become a template again, and reach nothing but facts', () => {
    const hostile = settleFiring(trigger({ a: 'x {trigger.event.run}' }), { event: { run: '{trigger.run.secret}' }, run: { secret: 's' } });
    assert.deepEqual(hostile, { fires: true, inputs: { a: 'x {trigger.run.secret}' } });
    assert.deepEqual(settle({ a: '{trigger.constructor.name}' }), {
      fires: false,
      problem: 'The input a needs trigger.constructor.name, which is not there.',
    });
  });

  it('that are not there fire nothing, unless somebody gives them', () => {
    assert.deepEqual(settle({ a: '{trigger.event.data.none}' }), {
      fires: false,
      problem: 'The input a needs trigger.event.data.none, which is not there.',
    });
    assert.deepEqual(settle({ a: '{trigger.event.data.none}' }, undefined, { a: 'mine' }), { fires: true, inputs: { a: 'mine' } });
  });

  it('are bounded', () => {
    const settled = settleFiring(trigger({ a: '{trigger.event.big}' }), { event: { big: 'x'.repeat(9_000) } });
    assert.deepEqual(settled, { fires: false, problem: 'The input a is larger than 8192 bytes.' });
  });

  it('fire only where the condition holds; one that cannot be evaluated is a problem', () => {
    assert.deepEqual(settle({}, 'trigger.event.data.code == "x"'), { fires: true, inputs: {} });
    assert.deepEqual(settle({}, 'trigger.event.data.code == "y"'), { fires: false });
    const broken = settle({}, 'trigger.event.data.nothing == "y"');
    assert.ok(!broken.fires && /nothing/.test(broken.problem ?? ''), JSON.stringify(broken));
  });
});
