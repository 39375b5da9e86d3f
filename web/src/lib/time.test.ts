import { describe, expect, it } from 'vitest';
import {
  addDays,
  clockName,
  dayOf,
  fieldOf,
  instantOf,
  ofField,
  showDay,
  showInstant,
  timeOf,
  withOffset,
} from './time.ts';

const NL = 'Europe/Amsterdam';
const US = 'America/New_York';

describe('instants and zones', () => {
  it('shows an instant on the wall clock of the site', () => {
    expect(showInstant('2026-03-15T23:00:00Z', NL, 'en')).toBe('16 Mar 2026 00:00');
    expect(showInstant('2026-03-12T21:30:05Z', NL, 'nl', true)).toBe('12 mrt 2026 22:30:05');
    expect(showInstant('2026-03-23T04:00:00Z', US, 'es')).toBe('23 mar 2026 00:00');
  });
  it('finds the instant of a local day, on both sides of a change of clocks', () => {
    expect(new Date(instantOf('2026-03-16', '00:00', NL)).toISOString()).toBe('2026-03-15T23:00:00.000Z');
    expect(new Date(instantOf('2026-04-16', '00:00', NL)).toISOString()).toBe('2026-04-15T22:00:00.000Z');
    expect(new Date(instantOf('2026-03-08', '06:00', US)).toISOString()).toBe('2026-03-08T10:00:00.000Z');
  });
  it('takes the earlier of a repeated time and moves past a skipped one', () => {
    expect(new Date(instantOf('2026-10-25', '02:30', NL)).toISOString()).toBe('2026-10-25T00:30:00.000Z');
    expect(new Date(instantOf('2026-03-29', '02:30', NL)).toISOString()).toBe('2026-03-29T01:30:00.000Z');
  });
  it('writes the offset that holds at that instant', () => {
    expect(withOffset(Date.parse('2026-03-15T05:00:00Z'), NL)).toBe('2026-03-15T06:00:00+01:00');
    expect(withOffset(Date.parse('2026-04-09T22:00:00Z'), NL)).toBe('2026-04-10T00:00:00+02:00');
    expect(withOffset(Date.parse('2026-03-22T18:00:00Z'), US)).toBe('2026-03-22T14:00:00-04:00');
    expect(withOffset(Date.parse('2026-03-22T18:00:00Z'), 'Asia/Kolkata')).toBe('2026-03-22T23:30:00+05:30');
  });
  it('reads from a field what it shows there, by the clock of the site', () => {
    expect(fieldOf(Date.parse('2026-03-17T11:00:59Z'), NL)).toBe('2026-03-17T12:00');
    expect(ofField('2026-03-17T12:00', NL)).toBe('2026-03-17T12:00:00+01:00');
    // Some browsers add the seconds.
    expect(ofField('2026-07-01T06:00:00', US)).toBe('2026-07-01T06:00:00-04:00');
  });
  it('names a site only for the time on its own wall', () => {
    const site = { code: 'NL1', time_zone: NL };
    expect(clockName(NL, site)).toBe('NL1');
    expect(clockName('UTC', site)).toBe('UTC');
    expect(clockName(US, undefined)).toBe('New York');
  });
  it('keeps days apart from instants', () => {
    expect(dayOf(Date.parse('2026-03-15T23:00:00Z'), NL)).toBe('2026-03-16');
    expect(timeOf(Date.parse('2026-03-15T23:00:00Z'), NL)).toBe('00:00');
    expect(addDays('2026-02-28', 1)).toBe('2026-03-01');
    expect(showDay('2026-09-05', 'en')).toBe('5 Sep 2026');
  });
});
