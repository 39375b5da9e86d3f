import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import { FIGURES, type Figure, type Totals, type Unit } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Mark } from '../components/Mark.tsx';
import { Empty, ErrorState } from '../components/states.tsx';
import type { Shape, Tone } from '../lib/status.ts';

/** Numerator, denominator, overdue, and each excluded class with its count: nothing is left out unseen. */
export function Sums({ totals }: { totals: Totals }) {
  const { t } = useTranslation();
  return (
    <section className="sums" aria-label={t('compliance.totals')}>
      <Sum figure="IN_PLACE" totals={totals} shape="dot" tone="allow" />
      <Sum figure="NOT_IN_PLACE" totals={totals} />
      <Sum figure="REQUIRED" totals={totals} />
      <Sum figure="OVERDUE" totals={totals} />
      <Sum figure="APPROACHING" totals={totals} />
      {totals.figures.CONDITIONAL > 0 ? (
        <Sum figure="CONDITIONAL" totals={totals} shape="half" tone="condition" />
      ) : null}
      {totals.figures.HELD > 0 ? <Sum figure="HELD" totals={totals} shape="pause" tone="deny" /> : null}
      <div className="sums-excluded">
        <span>{t('figure.EXCLUDED')}</span>
        <ul>
          {Object.entries(totals.excluded).map(([name, count]) => (
            <li key={name}>
              <strong>
                <FigureLink figure={FIGURES.find((figure) => figure === name)} count={count} />
              </strong>{' '}
              {t(`excluded.${name}` as 'excluded.NOT_REQUIRED', { defaultValue: name })}
            </li>
          ))}
          {totals.withdrawn_assignments > 0 ? (
            <li>
              <FigureLink figure="WITHDRAWN" count={totals.withdrawn_assignments}>
                {t('compliance.withdrawn', { count: totals.withdrawn_assignments })}
              </FigureLink>
            </li>
          ) : null}
        </ul>
      </div>
    </section>
  );
}

function Sum(props: { figure: Figure; totals: Totals; shape?: Shape; tone?: Tone }) {
  const { t } = useTranslation();
  const word = t(`figure.${props.figure}`);
  return (
    <div>
      <span className="sum">
        <FigureLink figure={props.figure} count={props.totals.figures[props.figure]} />
      </span>
      {props.shape && props.tone ? (
        <Mark shape={props.shape} tone={props.tone} word={word} />
      ) : (
        <span>{word}</span>
      )}
    </div>
  );
}

/** A number and the rows that it counts. Of none there are no rows to go to. */
function FigureLink(props: {
  figure: Figure | undefined;
  count: number;
  job_function?: string;
  children?: React.ReactNode;
}) {
  const { t } = useTranslation();
  const { figure, count, job_function } = props;
  if (!figure || count === 0) return <>{props.children ?? count}</>;
  const rows = `${t(`figure.${figure}`)}: ${t('table.all', { count })}`;
  return (
    <Link
      to="/compliance"
      search={(old) => ({ ...old, figure, ...(job_function ? { job_function } : {}) })}
      aria-label={props.children ? undefined : job_function ? `${job_function}, ${rows}` : rows}
    >
      {props.children ?? count}
    </Link>
  );
}

interface Group {
  code: string;
  title: string;
  /** Absent until it has come. */
  totals: Totals | undefined;
}

/** One line a function, each asked for by itself: the first ones stand while the others are counted. */
export function Groups({
  functions,
  filter,
}: {
  functions: Unit[];
  filter: Record<string, string | undefined>;
}) {
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
  const sum = (figure: Figure): Column<Group> => ({
    id: figure,
    header: t(`figure.${figure}`),
    numeric: true,
    sort: (row) => row.totals?.figures[figure] ?? -1,
    cell: (row) =>
      row.totals ? (
        <FigureLink figure={figure} count={row.totals.figures[figure]} job_function={row.code} />
      ) : (
        <span className="dim">…</span>
      ),
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
    sum('REQUIRED'),
    sum('NOT_IN_PLACE'),
    {
      id: 'percent',
      header: t('figure.IN_PLACE'),
      sort: (row) => row.totals?.percent ?? 101,
      width: '16rem',
      cell: (row) => <Share totals={row.totals} />,
    },
    sum('OVERDUE'),
    sum('APPROACHING'),
    sum('EXCLUDED'),
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
