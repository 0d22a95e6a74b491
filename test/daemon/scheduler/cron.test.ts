// Which times of a schedule start something: time zones, changes of the clock, leap days, and what was missed.
import assert from 'node:assert/strict';
import { findDue, MAX_CATCH_UP } from '../../../daemon/scheduler/cron.ts';

interface Row {
  name: string;
  cron: string;
  zone?: string;
  missed?: 'skip' | 'once' | 'all';
  after: string;
  now: string;
  fire: string[];
  passed?: [until: string, count: number];
}

const ROWS: Row[] = [
  { name: 'nothing before its time', cron: '0 3 * * *', after: '2026-03-01T03:00Z', now: '2026-03-02T02:59:59Z', fire: [] },
  { name: 'at its time', cron: '0 3 * * *', after: '2026-03-01T03:00Z', now: '2026-03-02T03:00Z', fire: ['2026-03-02T03:00Z'] },
  { name: 'not again for the time that is decided', cron: '0 3 * * *', after: '2026-03-02T03:00Z', now: '2026-03-02T03:00:59Z', fire: [] },
  {
    name: 'in its time zone',
    cron: '0 3 * * *',
    zone: 'Europe/Berlin',
    after: '2026-07-01T12:00Z',
    now: '2026-07-02T01:00Z',
    fire: ['2026-07-02T01:00Z'],
  },
  // The clock goes from 2:00 to 3:00: half past two does not come, and is made up for at three.
  {
    name: 'an hour that is left out',
    cron: '30 2 * * *',
    zone: 'America/New_York',
    after: '2027-03-13T12:00Z',
    now: '2027-03-14T07:00:10Z',
    fire: ['2027-03-14T07:00Z'],
  },
  // The clock goes from 2:00 back to 1:00: half past one comes twice, and counts once.
  {
    name: 'an hour that comes twice',
    cron: '30 1 * * *',
    zone: 'America/New_York',
    missed: 'all',
    after: '2026-10-31T12:00Z',
    now: '2026-11-01T12:00Z',
    fire: ['2026-11-01T05:30Z'],
  },
  {
    name: 'a leap day, years later',
    cron: '0 0 29 2 *',
    missed: 'once',
    after: '2026-10-31T12:00Z',
    now: '2028-03-01T12:00Z',
    fire: ['2028-02-29T00:00Z'],
  },
  {
    name: 'missed, and passed by',
    cron: '0 * * * *',
    missed: 'skip',
    after: '2026-01-01T00:00Z',
    now: '2026-01-01T05:30Z',
    fire: [],
    passed: ['2026-01-01T05:00Z', 5],
  },
  {
    name: 'missed but for the last',
    cron: '0 * * * *',
    missed: 'skip',
    after: '2026-01-01T00:00Z',
    now: '2026-01-01T05:01Z',
    fire: ['2026-01-01T05:00Z'],
    passed: ['2026-01-01T04:00Z', 4],
  },
  {
    name: 'missed, and made up for once',
    cron: '0 * * * *',
    missed: 'once',
    after: '2026-01-01T00:00Z',
    now: '2026-01-01T05:30Z',
    fire: ['2026-01-01T05:00Z'],
    passed: ['2026-01-01T04:00Z', 4],
  },
  {
    name: 'missed, and made up for each',
    cron: '0 * * * *',
    missed: 'all',
    after: '2026-01-01T00:00Z',
    now: '2026-01-01T02:30Z',
    fire: ['2026-01-01T01:00Z', '2026-01-01T02:00Z'],
  },
];
const iso = (time: number) => new Date(time).toISOString();
const full = (text: string) => iso(Date.parse(text));

describe('a schedule', () => {
  for (const { name, cron, zone = 'UTC', missed = 'once', after, now, fire, passed } of ROWS)
    it(name, () => {
      const due = findDue({ cron, zone, missed }, Date.parse(after), Date.parse(now));
      assert.deepEqual(due.fire.map(iso), fire.map(full));
      assert.deepEqual(due.passed && [iso(due.passed.until), due.passed.count], passed && [full(passed[0]), passed[1]]);
    });

  it('makes up for a bounded number, the newest, however long nobody looked', () => {
    const { fire, passed } = findDue(
      { cron: '0 */2 * * *', zone: 'UTC', missed: 'all' },
      Date.parse('2016-01-01T00:00Z'),
      Date.parse('2026-01-01T20:30Z'),
    );
    assert.equal(fire.length, MAX_CATCH_UP);
    assert.deepEqual([iso(fire[0] ?? 0), iso(fire.at(-1) ?? 0)], ['2025-12-30T22:00:00.000Z', '2026-01-01T20:00:00.000Z']);
    assert.deepEqual([iso(passed?.until ?? 0), passed?.more], ['2025-12-30T20:00:00.000Z', true]);
  });
});
