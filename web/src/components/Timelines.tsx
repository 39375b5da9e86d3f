import { Popover } from '@mantine/core';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import type { Segment, Timeline } from '../api/types.ts';
import { useAsOf, useNow, useSites } from '../lib/context.ts';
import { statusOf } from '../lib/status.ts';
import { dayOf, instantOf, showDay } from '../lib/time.ts';
import { type Asked, CellFacts } from './CellFacts.tsx';
import { StatusMark } from './Mark.tsx';
import { Legend } from './Matrix.tsx';
import { DocumentRef } from './refs.tsx';
import { Answer, Empty } from './states.tsx';

const BEFORE = 18;
const AFTER = 9;

/** Bars by item over time, what is to come included. A bar is a button that explains itself. */
export function Timelines({ person }: { person: string }) {
  const { t } = useTranslation();
  const asOf = useAsOf();
  const { now } = useNow();
  const query = useQuery(queries.timelines(person, asOf.known));
  const at = asOf.at ? Date.parse(asOf.at) : now;
  return (
    <Answer query={query} rows={8}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title={t('timeline.none')}>{t('timeline.none_help')}</Empty>
        ) : (
          <Chart person={person} rows={items} at={at} />
        )
      }
    </Answer>
  );
}

/** Months from `BEFORE` before to `AFTER` after the instant, as local firsts of the month. */
function months(at: number, zone: string): string[] {
  const [year = 0, month = 1] = dayOf(at, zone).split('-').map(Number);
  return Array.from({ length: BEFORE + AFTER + 1 }, (_, index) => {
    const whole = year * 12 + (month - 1) - BEFORE + index;
    return `${Math.floor(whole / 12)}-${String((whole % 12) + 1).padStart(2, '0')}-01`;
  });
}

function Chart({ person, rows, at }: { person: string; rows: Timeline[]; at: number }) {
  const { t, i18n } = useTranslation();
  const sites = useSites();
  const zone = sites.zone(rows[0]?.place);
  const asking = useAsking();
  const marks = months(at, zone);
  const first = instantOf(marks[0] ?? '', '00:00', zone);
  const last = instantOf(marks[marks.length - 1] ?? '', '00:00', zone);
  const share = (instant: number) =>
    ((Math.min(Math.max(instant, first), last) - first) / (last - first)) * 100;
  const order = { DENY: 0, ALLOW_WITH_CONDITION: 1, ALLOW: 2, NONE: 3 };
  const current = (row: Timeline) =>
    row.segments.find(
      (segment) =>
        Date.parse(segment.since) <= at && (segment.until === null || Date.parse(segment.until) > at),
    );
  const sorted = rows
    .map((row) => ({ row, now: current(row) }))
    .sort(
      (a, b) =>
        order[a.now?.verdict ?? 'NONE'] - order[b.now?.verdict ?? 'NONE'] ||
        a.row.item.localeCompare(b.row.item),
    );
  return (
    <section className="timeline" aria-label={t('person.qualification')}>
      <div className="timeline-row timeline-head" aria-hidden="true">
        <span />
        <span />
        <div className="timeline-track">
          {marks.map((day, index) =>
            index % 3 === 0 && index < marks.length - 1 ? (
              <span
                key={day}
                className="timeline-month"
                style={{ left: `${share(instantOf(day, '00:00', zone))}%` }}
              >
                {showDay(day, i18n.language).slice(2)}
              </span>
            ) : null,
          )}
        </div>
      </div>
      <ul>
        {sorted.map(({ row, now }) => (
          <Row
            key={`${row.item}/${row.place}`}
            ask={asking(person)}
            row={row}
            now={now}
            share={share}
            shown={(segment) =>
              Date.parse(segment.since) < last &&
              (segment.until === null || Date.parse(segment.until) > first)
            }
            at={at}
          />
        ))}
      </ul>
      <Legend />
    </section>
  );
}

type Ask = (segment: Segment) => Asked | undefined;

/**
 * What a stretch of time can be compared about: the moment of the page where it lies in the stretch, else its
 * beginning; as known when the page says, else as known at that moment. Of the future nothing was known otherwise.
 */
function useAsking(): (person: string) => Ask {
  const asOf = useAsOf();
  const { now } = useNow();
  return (person) => (segment) => {
    const page = asOf.at ? Date.parse(asOf.at) : Number.NEGATIVE_INFINITY;
    const within =
      Date.parse(segment.since) <= page && (segment.until === null || page < Date.parse(segment.until));
    const at = within && asOf.at ? asOf.at : segment.since;
    const known = asOf.known ?? at;
    return Date.parse(known) < now ? { person, at, known } : undefined;
  };
}

function Row(props: {
  row: Timeline;
  ask: Ask;
  now: Segment | undefined;
  at: number;
  share: (instant: number) => number;
  shown: (segment: Segment) => boolean;
}) {
  const { t } = useTranslation();
  const { row, share } = props;
  const [pointed, setPointed] = useState<string | null>(null);
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <li>
      <div className="timeline-row">
        <span>
          <DocumentRef document={row.item} version={props.now?.governing_version} />
        </span>
        <button
          type="button"
          className="timeline-status"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
          data-stop=""
        >
          <StatusMark status={props.now?.status ?? 'NOT_REQUIRED'} />
          {open ? (
            <IconChevronUp size={14} aria-hidden="true" />
          ) : (
            <IconChevronDown size={14} aria-hidden="true" />
          )}
          <span className="visually-hidden">
            {row.item}: {t('timeline.history')}
          </span>
        </button>
        <div className="timeline-track">
          {row.segments.filter(props.shown).map((segment) => {
            const left = share(Date.parse(segment.since));
            const right = share(segment.until ? Date.parse(segment.until) : Number.POSITIVE_INFINITY);
            return (
              <Bar
                key={segment.since}
                row={row}
                ask={props.ask(segment)}
                segment={segment}
                left={left}
                width={right - left}
                opened={pointed === segment.since}
                toggle={(wanted) => setPointed(wanted ? segment.since : null)}
              />
            );
          })}
          <span className="timeline-now" style={{ left: `${share(props.at)}%` }} aria-hidden="true" />
        </div>
      </div>
      <div id={id} hidden={!open}>
        {open ? <History row={row} ask={props.ask} /> : null}
      </div>
    </li>
  );
}

/** A bar can be narrower than a finger; the history of its row says the same in words, and by keyboard. */
function Bar(props: {
  row: Timeline;
  ask: Asked | undefined;
  segment: Segment;
  left: number;
  width: number;
  opened: boolean;
  toggle: (open: boolean) => void;
}) {
  const { t } = useTranslation();
  const { row, segment } = props;
  const bar = (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the status button of the row opens the same for the keyboard
    // biome-ignore lint/a11y/noStaticElementInteractions: see above
    <div
      className="timeline-bar"
      data-tone={statusOf(segment.status).tone}
      data-status={segment.status}
      data-open={props.opened || undefined}
      style={{ left: `${props.left}%`, width: `${props.width}%` }}
      onClick={() => props.toggle(!props.opened)}
    />
  );
  if (!props.opened) return bar;
  return (
    <Popover
      opened
      onChange={props.toggle}
      position="bottom"
      withArrow
      width={360}
      shadow="md"
      withRoles={false}
    >
      <Popover.Target>{bar}</Popover.Target>
      <Popover.Dropdown role="dialog" aria-label={`${row.item} ${t('timeline.history')}`}>
        <CellFacts cell={{ ...segment, item: row.item, place: row.place }} ask={props.ask} />
      </Popover.Dropdown>
    </Popover>
  );
}

function History({ row, ask }: { row: Timeline; ask: Ask }) {
  return (
    <ol className="timeline-history">
      {row.segments.map((segment) => (
        <li key={segment.since}>
          <CellFacts cell={{ ...segment, item: row.item, place: row.place }} ask={ask(segment)} />
        </li>
      ))}
    </ol>
  );
}
