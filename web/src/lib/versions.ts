import type { Version } from '../api/types.ts';

export const EVERYWHERE = '*';

const DONE = new Set(['EFFECTIVE', 'SUPERSEDED', 'WITHDRAWN']);

/**
 * Where the effective date of a version can still move: the sites at which it has not taken effect, and every
 * site at once as long as it has taken effect at none and one date was stated for all.
 */
export function movableAt(version: Pick<Version, 'state' | 'places' | 'effective'>): string[] {
  if (version.state !== 'APPROVED') return [];
  const open = version.places.filter((each) => !DONE.has(each.status)).map((each) => each.place);
  if (open.length === 0) return [];
  const one = version.effective.some((each) => each.place === EVERYWHERE);
  return one && open.length === version.places.length ? [EVERYWHERE, ...open] : open;
}

/** The statement that holds at a place: the latest for the place itself, else the latest for every site. */
export function statedFor(
  effective: Version['effective'],
  place: string,
): Version['effective'][number] | null {
  const latest = (of: string) =>
    effective
      .filter((each) => each.place === of)
      .reduce<Version['effective'][number] | null>(
        (best, each) => (best && (best.recorded_at ?? '') > (each.recorded_at ?? '') ? best : each),
        null,
      );
  return latest(place) ?? latest(EVERYWHERE);
}

/** Whether it governs, or has governed, at any site. */
export function hasGoverned(version: Pick<Version, 'places'>): boolean {
  return version.places.some((each) => each.status === 'EFFECTIVE' || each.status === 'SUPERSEDED');
}
