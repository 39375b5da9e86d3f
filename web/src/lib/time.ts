/** Instants and local days, always with the zone that they are meant in; never the browser's own. */

const MONTHS: Record<string, string[]> = {
  en: ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
  nl: ['jan', 'feb', 'mrt', 'apr', 'mei', 'jun', 'jul', 'aug', 'sep', 'okt', 'nov', 'dec'],
  es: ['ene', 'feb', 'mar', 'abr', 'may', 'jun', 'jul', 'ago', 'sep', 'oct', 'nov', 'dic'],
};

export interface Local {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  return format;
}

/** The wall clock at `instant` (milliseconds since 1970) in an IANA zone. */
export function localOf(instant: number, zone: string): Local {
  const parts: Record<string, number> = {};
  for (const part of formatOf(zone).formatToParts(instant))
    if (part.type !== 'literal') parts[part.type] = Number(part.value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return { year, month, day, hour, minute, second };
}

/** How far the zone is ahead of UTC at `instant`, in milliseconds. */
export function offsetAt(instant: number, zone: string): number {
  const local = localOf(instant, zone);
  const asUtc = Date.UTC(local.year, local.month - 1, local.day, local.hour, local.minute, local.second);
  return asUtc - Math.floor(instant / 1000) * 1000;
}

/**
 * The instant at which the wall clock of the zone shows `day` and `time` (`HH:MM`). Of a repeated time the earlier
 * instant; a time that a change of clocks skips: the instant at which the clock would have shown it without the change.
 */
export function instantOf(day: string, time: string, zone: string): number {
  const naive = Date.parse(`${day}T${time}:00Z`);
  const before = naive - offsetAt(naive - 86_400_000, zone);
  const after = naive - offsetAt(naive + 86_400_000, zone);
  const shows = (instant: number) => instant + offsetAt(instant, zone) === naive;
  if (shows(before)) return before;
  return shows(after) ? after : before;
}

const two = (value: number) => String(value).padStart(2, '0');

/** `YYYY-MM-DD` of the wall clock. */
export function dayOf(instant: number, zone: string): string {
  const { year, month, day } = localOf(instant, zone);
  return `${year}-${two(month)}-${two(day)}`;
}

/** `HH:MM` of the wall clock. */
export function timeOf(instant: number, zone: string): string {
  const { hour, minute } = localOf(instant, zone);
  return `${two(hour)}:${two(minute)}`;
}

export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** RFC 3339 with the zone's offset, as the API wants instants. */
export function withOffset(instant: number, zone: string): string {
  const offset = offsetAt(instant, zone) / 60_000;
  const local = localOf(instant, zone);
  const sign = offset < 0 ? '-' : '+';
  const minutes = Math.abs(offset);
  return (
    `${local.year}-${two(local.month)}-${two(local.day)}T${two(local.hour)}:${two(local.minute)}:${two(local.second)}` +
    `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
  );
}

/** What a field for day and time shows for an instant: the wall clock of the zone, to the minute. */
export function fieldOf(instant: number, zone: string): string {
  return `${dayOf(instant, zone)}T${timeOf(instant, zone)}`;
}

/** The instant that such a field means, as the API wants it. */
export function ofField(text: string, zone: string): string {
  return withOffset(instantOf(text.slice(0, 10), text.slice(11, 16), zone), zone);
}

/** `16 Mar 2026` */
export function showDay(day: string, language: string): string {
  const [year = '', month = '1', date = ''] = day.slice(0, 10).split('-');
  return `${Number(date)} ${(MONTHS[language] ?? MONTHS.en)?.[Number(month) - 1] ?? month} ${year}`;
}

/** `16 Mar 2026 00:00`, with seconds where a signature or a trail is shown. */
export function showInstant(iso: string, zone: string, language: string, seconds = false): string {
  const instant = Date.parse(iso);
  if (Number.isNaN(instant)) return iso;
  const local = localOf(instant, zone);
  const day = showDay(`${local.year}-${two(local.month)}-${two(local.day)}`, language);
  return `${day} ${two(local.hour)}:${two(local.minute)}${seconds ? `:${two(local.second)}` : ''}`;
}

/** Whose clock shows the time: the site's code only when the time is in the zone of that site, else the zone. */
export function clockName(zone: string, site?: { code: string; time_zone: string | null }): string {
  return site && site.time_zone === zone ? site.code : zoneName(zone);
}

/** A short name of a zone for readers where no site code is known: `Europe/Amsterdam` -> `Amsterdam`. */
export function zoneName(zone: string): string {
  return zone.split('/').pop()?.replaceAll('_', ' ') ?? zone;
}
