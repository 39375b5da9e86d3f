import { Button, SegmentedControl, Select } from '@mantine/core';
import { IconDownload, IconPrinter } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { url } from '../api/client.ts';
import { download as save } from '../api/download.ts';
import { queries } from '../api/queries.ts';
import type { ComplianceRow, Figure } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { StatusMark } from '../components/Mark.tsx';
import { Matrix } from '../components/Matrix.tsx';
import { Page } from '../components/Page.tsx';
import { DateTime, DocumentRef } from '../components/refs.tsx';
import { ActProblem, Empty, ErrorState, Partial, Waiting } from '../components/states.tsx';
import { useAsOf, useCan, useSession } from '../lib/context.ts';
import { pivot } from '../lib/pivot.ts';
import { Groups, Sums } from './ComplianceTotals.tsx';

const CELLS_AT_MOST = 50_000;

/** How much of the required training is in place, for whom, at any instant, with everything left out shown beside it. */
export function Compliance() {
  const { t } = useTranslation();
  const search = useSearch({ from: '/app/compliance' });
  const navigate = useNavigate({ from: '/compliance' });
  const asOf = useAsOf();
  const { site } = useSession();
  const can = useCan();
  const sites = useQuery(queries.units('site'));
  const functions = useQuery(queries.units('job_function'));
  const frameworks = useQuery(queries.units('framework'));
  const filter = {
    site: search.site,
    department: search.department,
    job_function: search.job_function,
    framework: search.framework,
    figure: search.figure,
    at: asOf.at,
    known_at: asOf.known,
  };
  // A grid of some rows would show the others as not required: what a figure counts is a list.
  const view = search.figure ? 'list' : (search.view ?? 'grid');
  const detailed = search.job_function !== undefined || search.figure !== undefined;
  const report = useInfiniteQuery(queries.compliance(filter, detailed ? 500 : 1));
  const first = report.data?.pages[0];
  const cells = useMemo(
    () => (detailed ? (report.data?.pages.flatMap((page) => page.items) ?? []) : []),
    [detailed, report.data],
  );
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = report;
  useEffect(() => {
    if (detailed && hasNextPage && !isFetchingNextPage && cells.length < CELLS_AT_MOST) fetchNextPage();
  }, [detailed, hasNextPage, isFetchingNextPage, fetchNextPage, cells.length]);

  const set = (change: Partial<typeof search>) => navigate({ search: (old) => ({ ...old, ...change }) });
  const unitTitle = (code: string) => functions.data?.items.find((unit) => unit.code === code)?.title;
  const departments = [
    ...new Set(functions.data?.items.map((unit) => unit.department).filter((each) => each !== null)),
  ].sort();
  const options = (rows: { code: string; title: string }[] | undefined) =>
    (rows ?? []).map((unit) => ({ value: unit.code, label: `${unit.code} ${unit.title}` }));
  const percent = first?.totals.percent?.toFixed(1) ?? null;
  const download = useMutation({
    mutationFn: () =>
      save(
        url('/api/reports/compliance', filter),
        'text/csv',
        `compliance-${(first?.at ?? '').slice(0, 10)}.csv`,
      ),
  });

  return (
    <Page
      name={t('nav.compliance')}
      kicker={
        search.job_function ? (
          <>
            <Link to="/compliance" search={(old) => ({ ...old, job_function: undefined })}>
              {t('nav.compliance')}
            </Link>{' '}
            › {search.job_function} {unitTitle(search.job_function) ?? ''}
          </>
        ) : (
          t('nav.compliance')
        )
      }
      title={
        !first
          ? t('nav.compliance')
          : percent === null
            ? t('compliance.title_none')
            : t('compliance.title', { percent })
      }
      lead={
        first ? (
          <>
            {t('compliance.at')} <DateTime at={first.at} place={search.site ?? site} />,{' '}
            {t('compliance.known_at')} <DateTime at={first.known_at} place={search.site ?? site} />
            {first.provisional ? <> ({t('compliance.provisional')})</> : null}
            {first.complete_up_to ? (
              <>
                . {t('compliance.complete_up_to')}{' '}
                <DateTime at={first.complete_up_to} place={search.site ?? site} seconds />
              </>
            ) : null}
          </>
        ) : undefined
      }
      actions={
        <>
          {can('report.export') ? (
            <Button
              variant="default"
              leftSection={<IconDownload size={16} />}
              loading={download.isPending}
              onClick={() => download.mutate()}
            >
              {t('compliance.csv')}
            </Button>
          ) : null}
          <Button variant="default" leftSection={<IconPrinter size={16} />} onClick={() => window.print()}>
            {t('common.print')}
          </Button>
        </>
      }
    >
      <ActProblem error={download.error} />
      <fieldset className="filters">
        <legend className="visually-hidden">{t('common.filters')}</legend>
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
          label={t('field.department')}
          data={departments}
          value={search.department ?? null}
          onChange={(value) => set({ department: value ?? undefined })}
          placeholder={t('common.all')}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
        <Select
          label={t('field.job_function')}
          data={options(functions.data?.items)}
          value={search.job_function ?? null}
          onChange={(value) => set({ job_function: value ?? undefined })}
          placeholder={t('compliance.every_function')}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
        <Select
          label={t('field.framework')}
          data={options(frameworks.data?.items)}
          value={search.framework ?? null}
          onChange={(value) => set({ framework: value ?? undefined })}
          placeholder={t('common.all')}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
        {detailed && !search.figure ? (
          <SegmentedControl
            aria-label={t('compliance.view')}
            value={view}
            onChange={(view) => set({ view: view === 'list' ? 'list' : undefined })}
            data={[
              { value: 'grid', label: t('compliance.grid') },
              { value: 'list', label: t('compliance.list') },
            ]}
          />
        ) : null}
      </fieldset>
      {report.isError && !first ? <ErrorState error={report.error} retry={report.refetch} /> : null}
      {report.isPending ? <Waiting rows={8} /> : null}
      {first ? <Sums totals={first.totals} /> : null}
      {first && search.figure ? (
        <p className="figure-chosen" role="status">
          <strong>{t(`figure.${search.figure}`)}</strong> {t('table.all', { count: first.count })}{' '}
          <Link to="/compliance" search={(old) => ({ ...old, figure: undefined })}>
            {t('compliance.all_rows')}
          </Link>
        </p>
      ) : null}
      {detailed && hasNextPage ? (
        <Partial>
          {report.isError
            ? t('compliance.broken', { count: cells.length })
            : t('compliance.loading', { count: cells.length })}
        </Partial>
      ) : null}
      {first && !detailed ? <Groups functions={functions.data?.items ?? []} filter={filter} /> : null}
      {first && detailed ? <Details cells={cells} view={view} figure={search.figure} /> : null}
      {first && detailed && cells.length === 0 && !report.isFetching ? (
        <Empty title={t('compliance.empty')}>{t('compliance.empty_help')}</Empty>
      ) : null}
    </Page>
  );
}

function Details(props: { cells: ComplianceRow[]; view: string; figure: Figure | undefined }) {
  const { t } = useTranslation();
  const grid = useMemo(() => pivot(props.cells), [props.cells]);
  const columns: Column<ComplianceRow>[] = useMemo(
    () => [
      {
        id: 'person',
        header: t('field.person'),
        sort: (row) => row.name ?? row.person,
        cell: (row) => (
          <Link to="/people/$person" params={{ person: row.person }} className="ref">
            {row.name ?? row.person} <span className="dim">{row.person}</span>
          </Link>
        ),
      },
      {
        id: 'item',
        header: t('field.document'),
        sort: (row) => row.item,
        cell: (row) => <DocumentRef document={row.item} version={row.governing_version} />,
      },
      {
        id: 'status',
        header: t('field.status'),
        sort: (row) => row.status,
        cell: (row) => <StatusMark status={row.status} />,
      },
      {
        id: 'completed',
        header: t('field.trained_on'),
        numeric: true,
        sort: (row) => row.completed_version ?? 0,
        cell: (row) => (row.completed_version ? `v${row.completed_version}` : '–'),
      },
      {
        id: 'expires',
        header: t('field.expires'),
        sort: (row) => row.expires_at ?? '',
        cell: (row) => <DateTime at={row.expires_at} place={row.place} />,
      },
      {
        id: 'due',
        header: t('field.due'),
        sort: (row) => row.due_at ?? '',
        cell: (row) => <DateTime at={row.due_at} place={row.place} />,
      },
      { id: 'place', header: t('field.site'), sort: (row) => row.place, cell: (row) => row.place },
      // The sum of this column is the figure that led here.
      ...(props.figure === 'WITHDRAWN'
        ? [
            {
              id: 'withdrawn',
              header: t('compliance.withdrawn_of'),
              numeric: true,
              sort: (row: ComplianceRow) => row.withdrawn,
              cell: (row: ComplianceRow) => row.withdrawn,
            },
          ]
        : []),
    ],
    [t, props.figure],
  );
  if (props.cells.length === 0) return null;
  if (props.view === 'list')
    return (
      <DataTable
        caption={t('compliance.list')}
        columns={columns}
        rows={props.cells}
        rowKey={(row) => `${row.person}/${row.item}/${row.place}`}
      />
    );
  return <Matrix grid={grid} />;
}
