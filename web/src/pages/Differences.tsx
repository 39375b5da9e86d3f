import { Button, TextInput } from '@mantine/core';
import { IconArrowLeft, IconPrinter } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import type { Differences } from '../api/types.ts';
import { Page } from '../components/Page.tsx';
import { DateTime, PersonRef } from '../components/refs.tsx';
import { Empty, ErrorState, Waiting } from '../components/states.tsx';
import { useNow, useSession, useSites } from '../lib/context.ts';
import { fieldOf, ofField } from '../lib/time.ts';
import { DifferenceAt } from './DifferenceAt.tsx';

const ASK_AGAIN_MS = 5_000;

/**
 * Two right answers about one moment: as known first, and as known later, with what came in between (RP-04). The
 * address names all three instants, so whoever gets it sees the same.
 */
export function DifferencesPage() {
  const { t } = useTranslation();
  const { person, item } = useParams({ from: '/app/people/$person/differences/$item' });
  const search = useSearch({ from: '/app/people/$person/differences/$item' });
  const navigate = useNavigate();
  const session = useSession();
  const who = useQuery({ ...queries.person(person), retry: false, staleTime: 300_000 });
  const { at, known, known_b } = search;
  const query = useQuery({
    ...queries.differences({ person, item, at, known_a: known, known_b }),
    enabled: known !== undefined,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.provisional ? ASK_AGAIN_MS : false),
  });
  const answer = known === undefined ? undefined : query.data;
  const place = answer?.items[0]?.place ?? who.data?.places[who.data.places.length - 1]?.site ?? session.site;
  const { data: fresh, isPlaceholderData } = query;
  const pinned = at !== undefined && known_b !== undefined;
  useEffect(() => {
    // "Now" would be another moment for whoever opens the address next.
    if (fresh && known !== undefined && !isPlaceholderData && !pinned)
      navigate({
        to: '.',
        search: (old: object) => ({ ...old, at: at ?? fresh.at, known_b: fresh.known_b }),
        replace: true,
      });
  }, [fresh, isPlaceholderData, pinned, known, at, navigate]);

  return (
    <Page
      name={`${t('differences.kicker')}: ${person} ${item}`}
      kicker={
        <>
          <Link to="/people/$person" params={{ person }} className="back">
            <IconArrowLeft size={14} aria-hidden="true" /> <PersonRef person={person} plain />
          </Link>
          {' · '}
          {t('differences.kicker')}
        </>
      }
      title={answer ? titleOf(answer, item, t) : t('differences.ask', { document: item })}
      lead={
        answer ? (
          <>
            {t('compliance.at')} <DateTime at={answer.at} place={place} seconds />, {t('compliance.known_at')}{' '}
            <DateTime at={answer.known_a} place={place} seconds /> {t('differences.and')}{' '}
            <DateTime at={answer.known_b} place={place} seconds />
            {answer.complete_up_to ? (
              <>
                . {t('compliance.complete_up_to')}{' '}
                <DateTime at={answer.complete_up_to} place={place} seconds />
              </>
            ) : null}
          </>
        ) : (
          t('differences.lead')
        )
      }
      actions={
        <Button variant="default" leftSection={<IconPrinter size={16} />} onClick={() => window.print()}>
          {t('common.print')}
        </Button>
      }
    >
      <Ask
        key={`${at} ${known} ${known_b} ${place}`}
        at={at}
        known={known}
        known_b={known_b}
        place={place}
        go={(wanted) => navigate({ to: '.', search: (old: object) => ({ ...old, ...wanted }) })}
      />
      {query.isError && !answer ? <ErrorState error={query.error} retry={query.refetch} /> : null}
      {known !== undefined && query.isPending ? <Waiting rows={8} /> : null}
      {answer ? (
        <p className="note" role="status">
          {answer.provisional ? t('differences.provisional') : t('differences.final')}
        </p>
      ) : null}
      {answer?.items.length === 0 ? (
        <Empty title={t('differences.nothing')}>{t('differences.nothing_help')}</Empty>
      ) : null}
      {answer?.items.map((each) => (
        <DifferenceAt key={each.place} answer={answer} found={each} several={answer.items.length > 1} />
      ))}
    </Page>
  );
}

/** The question's answer in words, where one site is asked about; else how many of them differ. */
function titleOf(answer: Differences, document: string, t: ReturnType<typeof useTranslation>['t']): string {
  const [first] = answer.items;
  if (!first) return t('differences.title_none', { document });
  if (answer.items.length > 1)
    return t('differences.title_places', {
      document,
      count: answer.items.filter((each) => !each.same).length,
      all: answer.items.length,
    });
  const word = (cell: typeof first.a) =>
    cell ? t(`status.${cell.status}`, { defaultValue: cell.status }) : t('differences.unknown');
  const [a, b] = [word(first.a), word(first.b)];
  if (first.same) return t('differences.title_same', { document, a });
  return a === b ? t('differences.title_facts', { document, a }) : t('differences.title', { document, a, b });
}

interface Instants {
  at?: string;
  known?: string;
  known_b?: string;
}

/** The three instants, by the wall clock of the place. A field that is left alone keeps its seconds. */
function Ask(props: Instants & { place: string | null | undefined; go: (wanted: Instants) => void }) {
  const { t } = useTranslation();
  const zone = useSites().zone(props.place);
  const { now } = useNow();
  const shown = (iso: string | undefined) => (iso ? fieldOf(Date.parse(iso), zone) : '');
  const [at, setAt] = useState(() => shown(props.at));
  const [first, setFirst] = useState(() => shown(props.known));
  const [second, setSecond] = useState(() => shown(props.known_b));
  const instant = (text: string, was: string | undefined) =>
    text === shown(was) ? was : text ? ofField(text, zone) : undefined;
  const wanted = {
    at: instant(at, props.at),
    known: instant(first, props.known),
    known_b: instant(second, props.known_b),
  };
  const disordered =
    wanted.known !== undefined &&
    Date.parse(wanted.known) > (wanted.known_b ? Date.parse(wanted.known_b) : now);
  const field = (
    label: string,
    value: string,
    set: (value: string) => void,
    more: { description: string; required?: boolean; error?: string },
  ) => (
    <TextInput
      type="datetime-local"
      label={label}
      value={value}
      onChange={(event) => set(event.currentTarget.value)}
      {...more}
    />
  );
  const clock = t('asof.zone', { zone: props.place ?? 'UTC' });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted.known && !disordered) props.go(wanted);
      }}
    >
      <fieldset className="filters instants">
        <legend className="visually-hidden">{t('differences.lead')}</legend>
        {field(t('asof.at_label'), at, setAt, { description: `${clock}. ${t('differences.at_help')}` })}
        {field(t('differences.first'), first, setFirst, {
          description: clock,
          required: true,
          error: disordered ? t('differences.order') : undefined,
        })}
        {field(t('differences.second'), second, setSecond, {
          description: `${clock}. ${t('differences.second_help')}`,
        })}
        <Button type="submit" variant="default">
          {t('differences.compare')}
        </Button>
      </fieldset>
    </form>
  );
}
