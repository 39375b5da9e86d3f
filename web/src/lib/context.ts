import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useSyncExternalStore } from 'react';
import { queries } from '../api/queries.ts';
import type { Person, PersonRow, Session, Shift, Unit } from '../api/types.ts';

/** Who is logged in. Only inside pages that need a login. */
export function useSession(): Session {
  return useSuspenseQuery(queries.session()).data;
}

/** Hides what the server would refuse; the server decides. */
export function useCan(): (...actions: string[]) => boolean {
  const { actions } = useSession();
  return (...wanted) => wanted.some((action) => actions.includes(action));
}

export interface AsOf {
  /** RFC 3339, or undefined for now. */
  at: string | undefined;
  known: string | undefined;
  past: boolean;
}

/** The instant that the whole page is about: valid time and record time, both from the address. */
export function useAsOf(): AsOf {
  const search = useSearch({ strict: false });
  return { at: search.at, known: search.known, past: search.at !== undefined || search.known !== undefined };
}

const TICK = 10_000;
let tick = Math.floor(Date.now() / TICK);
function subscribe(changed: () => void): () => void {
  const timer = setInterval(() => {
    tick = Math.floor(Date.now() / TICK);
    changed();
  }, TICK);
  return () => clearInterval(timer);
}

/** The platform's present (milliseconds since 1970), which in a demo is not the browser's; renewed every ten seconds. */
export function useNow(): { now: number; movable: boolean } {
  const { data, dataUpdatedAt } = useQuery(queries.clock());
  useSyncExternalStore(subscribe, () => tick);
  if (!data) return { now: Date.now(), movable: false };
  return { now: Date.parse(data.now) + (Date.now() - dataUpdatedAt), movable: data.movable };
}

export interface Sites {
  all: Unit[];
  zone: (place: string | null | undefined) => string;
  shift: (place: string | null | undefined, letter: string | null | undefined) => Shift | null;
}

/** Sites with zone and shifts. A place that is not known is shown in UTC, and says so. */
export function useSites(): Sites {
  const { data } = useQuery(queries.units('site'));
  const all = data?.items ?? [];
  const of = (place: string | null | undefined) => all.find((unit) => unit.code === place);
  return {
    all,
    zone: (place) => of(place)?.time_zone ?? 'UTC',
    shift: (place, letter) => of(place)?.shifts.find((shift) => shift.shift === letter) ?? null,
  };
}

/** The printed name, or the id where the name is not known. */
export function nameOf(person: PersonRow | Person): string {
  const name = 'name' in person ? person.name : person;
  return [name?.given_name, name?.family_name].filter(Boolean).join(' ') || person.person;
}
