import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPlus, IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import type { PersonRow } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Mark } from '../components/Mark.tsx';
import { Page } from '../components/Page.tsx';
import { Day } from '../components/refs.tsx';
import { Answer, Empty } from '../components/states.tsx';
import { nameOf, useCan, useNow } from '../lib/context.ts';
import { dayOf } from '../lib/time.ts';
import { WaitingLateEntries } from './LateEntries.tsx';

export function People() {
  const { t } = useTranslation();
  const search = useSearch({ from: '/app/people' });
  const navigate = useNavigate({ from: '/people' });
  const can = useCan();
  const { now } = useNow();
  const today = dayOf(now, 'UTC');
  const [text, setText] = useState(search.q ?? '');
  const [q] = useDebouncedValue(text.trim(), 250);
  useEffect(() => {
    if ((search.q ?? '') !== q) navigate({ search: (old) => ({ ...old, q: q || undefined }), replace: true });
  }, [q, search.q, navigate]);
  const set = (change: Partial<typeof search>) => navigate({ search: (old) => ({ ...old, ...change }) });
  const sites = useQuery(queries.units('site'));
  const functions = useQuery(queries.units('job_function'));
  const people = useInfiniteQuery(
    queries.people({
      q: search.q,
      site: search.site,
      job_function: search.job_function,
      active: search.former ? undefined : true,
    }),
  );
  const options = (rows: { code: string; title: string }[] | undefined) =>
    (rows ?? []).map((unit) => ({ value: unit.code, label: `${unit.code} ${unit.title}` }));
  const columns: Column<PersonRow>[] = [
    {
      id: 'name',
      header: t('field.person'),
      cell: (row) => (
        <Link to="/people/$person" params={{ person: row.person }} className="ref">
          {nameOf(row)}
        </Link>
      ),
    },
    { id: 'id', header: t('field.number'), cell: (row) => row.person, width: '7rem' },
    { id: 'function', header: t('field.job_function'), cell: (row) => row.job_functions.join(', ') || '–' },
    { id: 'site', header: t('field.site'), cell: (row) => row.site ?? '–', width: '5rem' },
    { id: 'department', header: t('field.department'), cell: (row) => row.department ?? '–' },
    { id: 'area', header: t('field.area'), cell: (row) => row.area ?? '–', width: '6rem' },
    { id: 'shift', header: t('field.shift'), cell: (row) => row.shift ?? '–', width: '4.5rem' },
    { id: 'hired', header: t('field.hired_on'), cell: (row) => <Day on={row.hired_on} /> },
    {
      id: 'state',
      header: t('field.state'),
      cell: (row) =>
        row.ended_on && row.ended_on <= today ? (
          <Mark shape="dash" tone="none" word={t('person.left')} />
        ) : row.ended_on ? (
          <Mark shape="half" tone="none" word={t('person.leaves')} />
        ) : row.hired_on && row.hired_on > today ? (
          <Mark shape="ring" tone="none" word={t('person.starts')} />
        ) : (
          <Mark shape="dot" tone="allow" word={t('person.employed')} />
        ),
    },
  ];
  return (
    <Page
      title={t('nav.people')}
      actions={
        can('person.write') ? (
          <Button component={Link} to="/people/new" leftSection={<IconPlus size={16} />}>
            {t('hire.act_short')}
          </Button>
        ) : null
      }
    >
      <fieldset className="filters">
        <legend className="visually-hidden">{t('common.filters')}</legend>
        <TextInput
          label={t('people.search')}
          placeholder={t('people.search_hint')}
          leftSection={<IconSearch size={16} />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          type="search"
        />
        <Select
          label={t('field.site')}
          data={options(sites.data?.items)}
          value={search.site ?? null}
          onChange={(value) => set({ site: value ?? undefined })}
          placeholder={t('common.all')}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
        <Select
          label={t('field.job_function')}
          data={options(functions.data?.items)}
          value={search.job_function ?? null}
          onChange={(value) => set({ job_function: value ?? undefined })}
          placeholder={t('common.all')}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
        <Checkbox
          label={t('people.former')}
          checked={search.former ?? false}
          onChange={(event) => set({ former: event.currentTarget.checked || undefined })}
        />
      </fieldset>
      {can('record.late_entry') ? <WaitingLateEntries /> : null}
      <Answer query={people} rows={10}>
        {(data) => {
          const rows = data.pages.flatMap((page) => page.items);
          if (rows.length === 0) return <Empty title={t('people.none')}>{t('people.none_help')}</Empty>;
          return (
            <>
              <p className="dim small">
                {people.hasNextPage
                  ? t('table.first', { count: rows.length })
                  : t('table.all', { count: rows.length })}
              </p>
              <DataTable
                caption={t('nav.people')}
                columns={columns}
                rows={rows}
                rowKey={(row) => row.person}
                more={
                  people.hasNextPage && !people.isFetchingNextPage ? () => people.fetchNextPage() : undefined
                }
              />
            </>
          );
        }}
      </Answer>
    </Page>
  );
}
