import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { ComplianceRow, Segment } from '../api/types.ts';
import { useCan } from '../lib/context.ts';
import { StatusMark, VerdictMark } from './Mark.tsx';
import { Facts } from './Page.tsx';
import { DateTime, DocumentRef } from './refs.tsx';

type Explained = Pick<
  ComplianceRow & Segment,
  | 'item'
  | 'place'
  | 'status'
  | 'verdict'
  | 'flags'
  | 'governing_version'
  | 'completed_version'
  | 'completed_at'
  | 'expires_at'
  | 'reasons'
  | 'sources'
> &
  Partial<Pick<ComplianceRow & Segment, 'since' | 'until' | 'due_at' | 'records'>>;

/**
 * A verdict that explains itself: what governs, what was trained, until when, and why it is needed at all. `ask`: the
 * person and the moment that it can be compared about, as known then and now.
 */
export function CellFacts({ cell, ask }: { cell: Explained; ask?: Asked }) {
  const { t } = useTranslation();
  const can = useCan();
  const facts: [string, React.ReactNode][] = [
    [t('field.document'), <DocumentRef key="d" document={cell.item} version={cell.governing_version} />],
    [t('field.verdict'), <VerdictMark key="v" verdict={cell.verdict} />],
  ];
  if (cell.since)
    facts.push([
      t('field.period'),
      <span key="p">
        <DateTime at={cell.since} place={cell.place} /> –{' '}
        {cell.until ? <DateTime at={cell.until} place={cell.place} /> : t('common.open_end')}
      </span>,
    ]);
  if (cell.completed_version)
    facts.push([
      t('field.trained_on'),
      <span key="c">
        v{cell.completed_version}, <DateTime at={cell.completed_at} place={cell.place} />
      </span>,
    ]);
  if (cell.expires_at)
    facts.push([t('field.expires'), <DateTime key="e" at={cell.expires_at} place={cell.place} />]);
  if (cell.due_at) facts.push([t('field.due'), <DateTime key="u" at={cell.due_at} place={cell.place} />]);
  if (cell.reasons.length > 0) facts.push([t('field.why'), <Reasons key="r" reasons={cell.reasons} />]);
  if (cell.flags.length > 0) facts.push([t('field.flags'), flagsText(cell.flags, t)]);
  if (cell.sources.length > 0)
    facts.push([t('field.required_by'), cell.sources.map((source) => sourceText(source, t)).join(', ')]);
  if (cell.records?.length) facts.push([t('field.record'), <RecordLinks key="rec" records={cell.records} />]);
  return (
    <div className="cell-facts">
      <p className="cell-status">
        <StatusMark status={cell.status} />
      </p>
      <Facts facts={facts} />
      {ask && can('report.read') ? (
        <p className="cell-ask">
          <Link
            to="/people/$person/differences/$item"
            params={{ person: ask.person, item: cell.item }}
            search={{ at: ask.at, known: ask.known, known_b: undefined }}
          >
            {t('differences.open')}
          </Link>
        </p>
      ) : null}
    </div>
  );
}

export interface Asked {
  person: string;
  at: string;
  /** As known when; the other side is now. */
  known: string;
}

/** Codes whose words say the detail; of the others it stands behind them. */
const SAYS_DETAIL = [
  'VERSION_SUPERSEDED',
  'NEXT_VERSION_OPEN',
  'CARRIED_FROM',
  'METHOD_MISSING',
  'EQUIVALENCE',
];

export function Reasons({ reasons }: { reasons: Explained['reasons'] }) {
  const { t } = useTranslation();
  const detail = (reason: Explained['reasons'][number]) =>
    reason.code === 'METHOD_MISSING'
      ? t(`method.${reason.detail}` as 'method.R', { defaultValue: reason.detail ?? '' })
      : reason.detail;
  return (
    <ul className="plain-list">
      {reasons.map((reason) => (
        <li key={reason.code + (reason.detail ?? '')}>
          {t(`reason.${reason.code}` as 'reason.CARRIED_FROM', {
            defaultValue: reason.code,
            detail: detail(reason) ?? '',
          })}{' '}
          {SAYS_DETAIL.includes(reason.code) ? null : (
            <span className="dim small break">{reason.detail}</span>
          )}
        </li>
      ))}
    </ul>
  );
}

export function RecordLinks({ records }: { records: string[] }) {
  return (
    <ul className="plain-list">
      {records.map((record) => (
        <li key={record}>
          <Link to="/records/$record" params={{ record }} className="mono break small">
            {record}
          </Link>
        </li>
      ))}
    </ul>
  );
}

export function flagsText(flags: string[], t: ReturnType<typeof useTranslation>['t']): string {
  return flags.map((flag) => t(`flag.${flag}` as 'flag.MIGRATED', { defaultValue: flag })).join(', ');
}

/** `job_function/OPR` -> `Job function OPR` */
export function sourceText(source: string, t: ReturnType<typeof useTranslation>['t']): string {
  const [kind = '', ...rest] = source.split('/');
  return `${t(`source.${kind}` as 'source.job_function', { defaultValue: kind })} ${rest.join('/')}`;
}
