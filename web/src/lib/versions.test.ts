import { describe, expect, it } from 'vitest';
import { hasGoverned, movableAt, statedFor } from './versions.ts';

const at = (place: string, status: string) => ({ place, status, effective_at: null });
const on = (place: string, day: string, recorded_at: string) => ({
  place,
  on: day,
  at: null,
  at_approval: false,
  recorded_at,
});
const WAITS = 'APPROVED_FOR_TRAINING';

describe('dates of a version', () => {
  it('move where it has not taken effect, and nowhere once it has', () => {
    const effective = [on('NL1', '2026-03-16', '1'), on('US1', '2026-03-23', '1')];
    const places = [at('NL1', 'EFFECTIVE'), at('US1', WAITS)];
    expect(movableAt({ state: 'APPROVED', places, effective })).toEqual(['US1']);
    expect(movableAt({ state: 'APPROVED', places: [at('NL1', 'SUPERSEDED')], effective })).toEqual([]);
    expect(movableAt({ state: 'WITHDRAWN', places, effective })).toEqual([]);
    expect(movableAt({ state: 'DRAFT', places, effective })).toEqual([]);
  });
  it('move everywhere at once only while one date stands for all', () => {
    const effective = [on('*', '2026-03-16', '1')];
    const waiting = [at('NL1', WAITS), at('US1', WAITS)];
    expect(movableAt({ state: 'APPROVED', places: waiting, effective })).toEqual(['*', 'NL1', 'US1']);
    const begun = [at('NL1', 'EFFECTIVE'), at('US1', WAITS)];
    expect(movableAt({ state: 'APPROVED', places: begun, effective })).toEqual(['US1']);
  });
  it('are the latest said of the place, before what was said of every site', () => {
    const effective = [
      on('NL1', '2026-03-16', '2026-03-01T00:00:00Z'),
      on('NL1', '2026-03-20', '2026-03-05T00:00:00Z'),
      on('*', '2026-04-01', '2026-03-09T00:00:00Z'),
    ];
    expect(statedFor(effective, 'NL1')?.on).toBe('2026-03-20');
    expect(statedFor(effective, 'US1')?.on).toBe('2026-04-01');
    expect(statedFor([], 'US1')).toBeNull();
  });
  it('tells a version that has governed from one that waits', () => {
    expect(hasGoverned({ places: [at('NL1', WAITS)] })).toBe(false);
    expect(hasGoverned({ places: [at('NL1', WAITS), at('US1', 'SUPERSEDED')] })).toBe(true);
  });
});
