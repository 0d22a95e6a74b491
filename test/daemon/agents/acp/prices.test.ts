import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPrices } from '../../../../daemon/agents/acp/prices.ts';
import { loadProfiles } from '../../../../daemon/agents/acp/profile-files.ts';
import { priced, readTurnUsage } from '../../../../daemon/agents/acp/usage.ts';
import { removeTempFolders, tempFolder } from '../../../support/repos.ts';
import { drive } from './scripted.ts';

const TABLE = 'date: "2026-01-31"\nmodels:\n  big-1: { input: 3, output: 15, cached: 0.3 }\n  small: { input: 1, output: 2 }\n';

describe('agents: prices', () => {
  afterEach(removeTempFolders);

  const load = (text: string) => {
    const folder = tempFolder('agents');
    writeFileSync(join(folder, 'prices.yaml'), text);
    return { folder, loaded: loadPrices(folder) };
  };
  const turn = (model: string, configured?: string) =>
    readTurnUsage(
      { stopReason: 'end_turn', usage: { inputTokens: 1_000_000, outputTokens: 100_000, cachedReadTokens: 2_000_000 } } as never,
      model,
      configured,
    )!;

  it('compute what an agent does not tell, for models that have a price, and say from which table', async () => {
    const { table: prices, problems } = await load(TABLE).loaded;
    assert.deepEqual(problems, []);
    const none = { cost: 0, told: false, prices };
    const tokens = 3_100_000;
    assert.deepEqual(priced(turn('big-1'), none), { tokens, cost: 5.1, source: 'price-table 2026-01-31' });
    assert.deepEqual(priced(turn('', 'small'), none), { tokens, cost: 3.2, source: 'price-table 2026-01-31' });
    for (const model of ['other', 'toString', '']) assert.deepEqual(priced(turn(model), none), { tokens, cost: 0, source: 'agent' });
    assert.deepEqual(priced(turn('big-1'), { cost: 2, told: true, prices }), { tokens, cost: 2, source: 'agent' });
    assert.deepEqual(priced(turn('big-1'), { ...none, prices: undefined }), { tokens, cost: 0, source: 'agent' });
  });

  it('are looked at for an attempt', async () => {
    const { table } = await load(TABLE).loaded;
    const options = { prices: async () => table };
    const attempt = drive([{ usage: { inputTokens: 1_000_000, outputTokens: 0 } }], { options, profile: { model: 'small' } });
    await attempt.ended;
    assert.deepEqual(
      attempt.events.find((e) => e.type === 'used'),
      { type: 'used', tokens: 1_000_000, cost: 1, source: 'price-table 2026-01-31' },
    );
  });

  it('say where a table is wrong, and are no profile', async () => {
    for (const [text, at, says] of [
      ['models: {}\n', '1:1', /date/],
      [TABLE.replace('15', '"a lot"'), '3:30', /number/],
      [TABLE.replace('2026-01-31', 'soon'), '1:7', /a date such as/],
    ] as const) {
      const { table, problems } = await load(text).loaded;
      assert.equal(table, undefined);
      assert.deepEqual(
        [`${problems[0]?.line}:${problems[0]?.column}`, says.test(problems[0]?.message ?? '')],
        [at, true],
        problems[0]?.message,
      );
    }
    const { folder, loaded } = load('# nothing yet\n\n');
    assert.deepEqual(await loaded, { problems: [] });
    assert.deepEqual((await loadProfiles(folder)).problems, []);
  });
});
