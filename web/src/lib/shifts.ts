import type { Shift } from '../api/types.ts';
import { addDays, dayOf, instantOf } from './time.ts';

export interface Turn {
  /** Milliseconds since 1970. */
  starts: number;
  ends: number;
}

/** The turns of one shift letter that end after `from`, in order; without a roster the letter means every day (C-20). */
export function turns(shift: Shift, zone: string, from: number, count: number): Turn[] {
  const found: Turn[] = [];
  const first = addDays(dayOf(from, zone), -1);
  for (let index = 0; found.length < count; index++) {
    const day = addDays(first, index);
    const over = shift.ends <= shift.starts ? addDays(day, 1) : day;
    const turn = { starts: instantOf(day, shift.starts, zone), ends: instantOf(over, shift.ends, zone) };
    if (turn.ends > from) found.push(turn);
  }
  return found;
}

/** How many whole turns from `now` on still end at or before `due`; the running one counts. At most `limit`. */
export function turnsUntil(shift: Shift, zone: string, now: number, due: number, limit = 60): number {
  return turns(shift, zone, now, limit).filter((turn) => turn.ends <= due).length;
}

export type Urgency = 'now' | 'soon' | 'later' | 'paused';

/**
 * Which group of My training a due instant belongs to. `now`: no turn is left after the coming one (or it is past);
 * `soon`: within seven days; without a shift a day stands for a turn.
 */
export function urgency(
  dueAt: string | null,
  now: number,
  shift: Shift | null,
  zone: string,
  paused: boolean,
): Urgency {
  if (paused) return 'paused';
  if (dueAt === null) return 'later';
  const due = Date.parse(dueAt);
  const [, next] = shift ? turns(shift, zone, now, 2) : [];
  if (due < (next ? next.ends : now + 86_400_000)) return 'now';
  return due < now + 7 * 86_400_000 ? 'soon' : 'later';
}
