import { describe, expect, it } from 'vitest';
import { turns, turnsUntil, urgency } from './shifts.ts';

const NL = 'Europe/Amsterdam';
const night = { shift: 'N', starts: '22:00', ends: '06:00' };
const day = { shift: 'D', starts: '06:00', ends: '14:00' };
const at = (iso: string) => Date.parse(iso);

describe('shifts', () => {
  it('runs over midnight', () => {
    const [first] = turns(night, NL, at('2026-03-12T21:50:00+01:00'), 1);
    expect(first && new Date(first.starts).toISOString()).toBe('2026-03-12T21:00:00.000Z');
    expect(first && new Date(first.ends).toISOString()).toBe('2026-03-13T05:00:00.000Z');
  });
  it('still counts the turn that is running', () => {
    const [first] = turns(night, NL, at('2026-03-13T02:00:00+01:00'), 1);
    expect(first && new Date(first.starts).toISOString()).toBe('2026-03-12T21:00:00.000Z');
  });
  it('counts the turns in which it can still be done', () => {
    // ANA: due at the end of her night of 14 March.
    expect(turnsUntil(night, NL, at('2026-03-12T21:50:00+01:00'), at('2026-03-15T06:00:00+01:00'))).toBe(3);
    expect(turnsUntil(day, NL, at('2026-03-14T15:00:00+01:00'), at('2026-03-15T14:00:00+01:00'))).toBe(1);
    expect(turnsUntil(day, NL, at('2026-03-16T15:00:00+01:00'), at('2026-03-15T14:00:00+01:00'))).toBe(0);
  });
});

describe('groups of My training', () => {
  const due = '2026-03-15T06:00:00+01:00';
  it('is urgent when no turn is left after the coming one', () => {
    expect(urgency(due, at('2026-03-14T21:50:00+01:00'), night, NL, false)).toBe('now');
    expect(urgency(due, at('2026-03-16T10:00:00+01:00'), night, NL, false)).toBe('now');
  });
  it('is soon within seven days, later after that', () => {
    expect(urgency(due, at('2026-03-12T21:50:00+01:00'), night, NL, false)).toBe('soon');
    expect(urgency(due, at('2026-03-02T11:00:00+01:00'), night, NL, false)).toBe('later');
  });
  it('takes a day for a turn where there is no shift', () => {
    expect(urgency(due, at('2026-03-14T12:00:00+01:00'), null, NL, false)).toBe('now');
    expect(urgency(due, at('2026-03-13T12:00:00+01:00'), null, NL, false)).toBe('soon');
  });
  it('keeps leave apart and lets nothing without a date press', () => {
    expect(urgency(null, 0, night, NL, true)).toBe('paused');
    expect(urgency(null, 0, night, NL, false)).toBe('later');
  });
});
