import { Button, SegmentedControl, Select } from '@mantine/core';
import { IconDownload, IconPrinter } from '@tabler/icons-react';
import { useInfiniteQuery, useMutation, useQueries, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { url } from '../api/client.ts';
import { download as save } from '../api/download.ts';
import { queries } from '../api/queries.ts';
import type { ComplianceRow, Totals, Unit } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Mark, StatusMark } from '../components/Mark.tsx';
import { Matrix } from '../components/Matrix.tsx';
import { Page } from '../components/Page.tsx';
import { DateTime, DocumentRef } from '../components/refs.tsx';
import { ActProblem, Empty, ErrorState, Partial, Waiting } from '../components/states.tsx';
import { useAsOf, useCan, useSession } from '../lib/context.ts';
import { pivot } from '../lib/pivot.ts';

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
    at: asOf.at,
    known_at: asOf.known,
  };
  const detailed = search.job_function !== undefined;
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
        {detailed ? (
          <SegmentedControl
            aria-label={t('compliance.view')}
            value={search.view ?? 'grid'}
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
      {detailed && hasNextPage ? (
        <Partial>
          {report.isError
            ? t('compliance.broken', { count: cells.length })
            : t('compliance.loading', { count: cells.length })}
        </Partial>
      ) : null}
      {first && !detailed ? <Groups functions={functions.data?.items ?? []} filter={filter} /> : null}
      {first && detailed ? <Details cells={cells} view={search.view ?? 'grid'} /> : null}
      {first && detailed && cells.length === 0 && !report.isFetching ? (
        <Empty title={t('compliance.empty')}>{t('compliance.empty_help')}</Empty>
      ) : null}
    </Page>
  );
}

/** Numerator, denominator, overdue, and each excluded class with its count: nothing is left out unseen. */
function Sums({ totals }: { totals: Totals }) {
  const { t } = useTranslation();
  return (
    <section className="sums" aria-label={t('compliance.totals')}>
      <div>
        <span className="sum">{totals.numerator}</span>
        <Mark shape="dot" tone="allow" word={t('compliance.in_place')} />
      </div>
      <div>
        <span className="sum">{totals.denominator - totals.numerator}</span>
        <span>{t('compliance.not_allowed')}</span>
      </div>
      <div>
        <span className="sum">{totals.denominator}</span>
        <span>{t('compliance.required')}</span>
      </div>
      <div>
        <span className="sum">{totals.overdue}</span>
        <span>{t('compliance.overdue')}</span>
      </div>
      <div>
        <span className="sum">{totals.approaching}</span>
        <span>{t('compliance.approaching')}</span>
      </div>
      {totals.conditional > 0 ? (
        <div>
          <span className="sum">{totals.conditional}</span>
          <Mark shape="half" tone="condition" word={t('compliance.conditional')} />
        </div>
      ) : null}
      {totals.held > 0 ? (
        <div>
          <span className="sum">{totals.held}</span>
          <Mark shape="pause" tone="deny" word={t('compliance.held')} />
        </div>
      ) : null}
      <div className="sums-excluded">
        <span>{t('compliance.excluded')}</span>
        <ul>
          {Object.entries(totals.excluded).map(([name, count]) => (
            <li key={name}>
              <strong>{count}</strong>{' '}
              {t(`excluded.${name}` as 'excluded.NOT_REQUIRED', { defaultValue: name })}
            </li>
          ))}
          {totals.withdrawn_assignments > 0 ? (
            <li>{t('compliance.withdrawn', { count: totals.withdrawn_assignments })}</li>
          ) : null}
        </ul>
      </div>
    </section>
  );
}

interface Group {
  code: string;
  title: string;
  /** Absent until it has come. */
  totals: Totals | undefined;
}

/** One line a function, each asked for by itself: the first ones stand while the others are counted. */
function Groups({ functions, filter }: { functions: Unit[]; filter: Record<string, string | undefined> }) {
  const { t } = useTranslation();
  const answers = useQueries({
    queries: functions.map((unit) => queries.complianceTotals({ ...filter, job_function: unit.code })),
  });
  const rows = functions.map(
    (unit, index): Group => ({
      code: unit.code,
      title: unit.title,
      totals: answers[index]?.data?.totals,
    }),
  );
  const failed = answers.find((answer) => answer.isError);
  const sum = (id: string, header: string, pick: (totals: Totals) => number): Column<Group> => ({
    id,
    header,
    numeric: true,
    sort: (row) => (row.totals ? pick(row.totals) : -1),
    cell: (row) => (row.totals ? pick(row.totals) : <span className="dim">…</span>),
  });
  const columns: Column<Group>[] = [
    {
      id: 'function',
      header: t('field.job_function'),
      sort: (row) => row.code,
      cell: (row) => (
        <Link to="/compliance" search={(old) => ({ ...old, job_function: row.code })} className="ref">
          {row.code} {row.title}
        </Link>
      ),
    },
    sum('required', t('compliance.required'), (totals) => totals.denominator),
    sum('missing', t('compliance.not_allowed'), (totals) => totals.denominator - totals.numerator),
    {
      id: 'percent',
      header: t('compliance.in_place'),
      sort: (row) => row.totals?.percent ?? 101,
      width: '16rem',
      cell: (row) => <Share totals={row.totals} />,
    },
    sum('overdue', t('compliance.overdue'), (totals) => totals.overdue),
    sum('approaching', t('compliance.approaching'), (totals) => totals.approaching),
    sum('excluded', t('compliance.excluded_short'), (totals) =>
      Object.values(totals.excluded).reduce((all, count) => all + count, 0),
    ),
  ];
  if (failed) return <ErrorState error={failed.error} retry={() => failed.refetch()} />;
  if (functions.length === 0)
    return <Empty title={t('compliance.empty')}>{t('compliance.empty_help')}</Empty>;
  return (
    <DataTable
      caption={t('compliance.by_function')}
      columns={columns}
      rows={rows}
      rowKey={(row) => row.code}
    />
  );
}

function Share({ totals }: { totals: Totals | undefined }) {
  const { t } = useTranslation();
  if (!totals) return <span className="dim">…</span>;
  if (totals.percent === null) return <span className="dim">{t('compliance.nothing_required')}</span>;
  const percent = totals.percent.toFixed(1);
  return (
    <span className="share">
      <span className="share-bar" aria-hidden="true">
        <span style={{ width: `${percent}%` }} />
      </span>
      <span className="share-text">{percent} %</span>
    </span>
  );
}

function Details(props: { cells: ComplianceRow[]; view: string }) {
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
    ],
    [t],
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
