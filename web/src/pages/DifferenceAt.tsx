import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Difference, DifferenceCause, Differences, KnownCell, KnownRecord } from '../api/types.ts';
import { flagsText, Reasons, RecordLinks, sourceText } from '../components/CellFacts.tsx';
import { StatusMark, VerdictMark } from '../components/Mark.tsx';
import { Panel } from '../components/Page.tsx';
import { ActorRef, DateTime, DocumentRef, PersonRef } from '../components/refs.tsx';

/** One site: both answers side by side, the records that came and went, and what made it so. */
export function DifferenceAt(props: { answer: Differences; found: Difference; several: boolean }) {
  const { t } = useTranslation();
  const { answer, found } = props;
  const { item } = answer;
  return (
    <>
      <Panel
        title={props.several ? t('differences.answers_at', { place: found.place }) : t('differences.answers')}
      >
        <Answers answer={answer} found={found} />
      </Panel>
      {found.records_gained.length > 0 ? (
        <Panel title={t('differences.gained')}>
          <Records item={item} place={found.place} rows={found.records_gained} />
        </Panel>
      ) : null}
      {found.records_lost.length > 0 ? (
        <Panel title={t('differences.lost')}>
          <Records item={item} place={found.place} rows={found.records_lost} />
        </Panel>
      ) : null}
      {found.records_gained.length + found.records_lost.length === 0 ? (
        <p className="dim">{t('differences.no_records')}</p>
      ) : null}
      <Panel title={t('differences.causes')}>
        {found.causes.length === 0 ? <p className="dim">{t('differences.no_causes')}</p> : null}
        <ol className="trail">
          {found.causes.map((cause) => (
            <Cause key={cause.event} cause={cause} place={found.place} />
          ))}
        </ol>
      </Panel>
    </>
  );
}

/** A fact of an answer; `fields`: what is compared. */
interface Fact {
  id: string;
  term: string;
  fields: (keyof KnownCell)[];
  show: (cell: KnownCell) => React.ReactNode;
}

function Answers({ answer, found }: { answer: Differences; found: Difference }) {
  const { t } = useTranslation();
  const { a, b, place } = found;
  const nothing = <span className="dim">–</span>;
  const facts: Fact[] = [
    {
      id: 'status',
      term: t('field.status'),
      fields: ['status'],
      show: (cell) => <StatusMark status={cell.status} />,
    },
    {
      id: 'verdict',
      term: t('field.verdict'),
      fields: ['verdict'],
      show: (cell) => <VerdictMark verdict={cell.verdict} />,
    },
    {
      id: 'why',
      term: t('field.why'),
      fields: ['reasons'],
      show: (cell) => (cell.reasons.length > 0 ? <Reasons reasons={cell.reasons} /> : nothing),
    },
    {
      id: 'period',
      term: t('field.period'),
      fields: ['since', 'until'],
      show: (cell) => (
        <>
          <DateTime at={cell.since} place={place} /> –{' '}
          {cell.until ? <DateTime at={cell.until} place={place} /> : t('common.open_end')}
        </>
      ),
    },
    {
      id: 'governs',
      term: t('differences.governs'),
      fields: ['governing_version'],
      show: (cell) =>
        cell.governing_version ? (
          <DocumentRef document={cell.item} version={cell.governing_version} />
        ) : (
          nothing
        ),
    },
    {
      id: 'trained',
      term: t('field.trained_on'),
      fields: ['completed_version', 'completed_at'],
      show: (cell) =>
        cell.completed_version ? (
          <>
            v{cell.completed_version}, <DateTime at={cell.completed_at} place={place} />
          </>
        ) : (
          nothing
        ),
    },
    {
      id: 'rests',
      term: t('differences.rests_on'),
      fields: ['records'],
      show: (cell) => (cell.records.length > 0 ? <RecordLinks records={cell.records} /> : nothing),
    },
    {
      id: 'expires',
      term: t('field.expires'),
      fields: ['expires_at'],
      show: (cell) => <DateTime at={cell.expires_at} place={place} />,
    },
    {
      id: 'due',
      term: t('field.due'),
      fields: ['due_at'],
      show: (cell) => <DateTime at={cell.due_at} place={place} />,
    },
    {
      id: 'flags',
      term: t('field.flags'),
      fields: ['flags'],
      show: (cell) => flagsText(cell.flags, t) || nothing,
    },
    {
      id: 'sources',
      term: t('field.required_by'),
      fields: ['sources'],
      show: (cell) => cell.sources.map((source) => sourceText(source, t)).join(', ') || nothing,
    },
  ];
  const value = (cell: KnownCell | null, fact: Fact) =>
    JSON.stringify(fact.fields.map((field) => cell?.[field] ?? null));
  const shown = (cell: KnownCell | null, fact: Fact, first: boolean) =>
    cell ? fact.show(cell) : first ? <span className="dim">{t('differences.unknown')}</span> : nothing;
  return (
    <section
      className="table-frame"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={t('differences.answers_at', { place })}
    >
      <table className="table compare">
        <thead>
          <tr>
            <td />
            {[answer.known_a, answer.known_b].map((known, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the first and the second, also when both are the same
              <th key={index} scope="col">
                {t('differences.as_known')} <DateTime at={known} place={place} seconds />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {facts.map((fact, index) => {
            const changed = value(a, fact) !== value(b, fact);
            return (
              <tr key={fact.id} data-changed={changed || undefined}>
                <th scope="row">
                  {fact.term} {changed ? <span className="changed">{t('differences.changed')}</span> : null}
                </th>
                <td>{shown(a, fact, index === 0)}</td>
                <td>{shown(b, fact, index === 0)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Records(props: { item: string; place: string; rows: KnownRecord[] }) {
  const { t } = useTranslation();
  const when = (at: string) => <DateTime at={at} place={props.place} />;
  return (
    <ul className="cards">
      {props.rows.map((row) => (
        <li key={row.record} className="card came">
          <p>
            <Link to="/records/$record" params={{ record: row.record }} className="ref">
              <DocumentRef document={props.item} version={row.version} plain />{' '}
              <span className="mono small break">{row.record}</span>
            </Link>
          </p>
          <p>
            {t(`source_class.${row.source_class}` as 'source_class.NATIVE', {
              defaultValue: row.source_class,
            })}
            {'. '}
            {t('field.completed')} {when(row.completed_at)}, {t('record.known')} {when(row.known_from)}
          </p>
          {row.late_entry ? (
            <p>
              {t('record.second')} <PersonRef person={row.late_entry.second_person} />:{' '}
              {row.late_entry.reason}
            </p>
          ) : null}
          {row.entered_in_error ? (
            <p>
              <strong>{t('record.in_error')}</strong> {when(row.entered_in_error.at)},{' '}
              <PersonRef person={row.entered_in_error.by} />: {row.entered_in_error.reason}
            </p>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

/** When it became known, who did it, what it was, and the thing that it was done to. */
function Cause({ cause, place }: { cause: DifferenceCause; place: string }) {
  const { t } = useTranslation();
  const kind = cause.type?.replace(/\.v\d+$/, '');
  return (
    <li>
      <p className="trail-head">
        <DateTime at={cause.at ?? cause.recorded_at} place={place} seconds />
        {cause.actor_name ? (
          <span>{cause.actor_name}</span>
        ) : cause.actor ? (
          <ActorRef actor={cause.actor} />
        ) : null}
        {cause.actor_roles.length > 0 ? (
          <span className="dim">{cause.actor_roles.map((role) => role.replaceAll('_', ' ')).join(', ')}</span>
        ) : null}
      </p>
      <p>
        {kind
          ? t(`event.${kind}` as 'event.qms.document-changed', { defaultValue: kind })
          : t('differences.cause_unknown')}{' '}
        {kind && cause.subject ? <Subject kind={kind} subject={cause.subject} /> : null}
      </p>
      <p className="dim small">
        {t('trail.correlation')} <span className="mono">{cause.correlation}</span>
      </p>
    </li>
  );
}

/** Where the thing has a page, a link to it. */
function Subject({ kind, subject }: { kind: string; subject: string }) {
  if (kind.startsWith('records.training-record'))
    return (
      <Link to="/records/$record" params={{ record: subject }} className="mono small break">
        {subject}
      </Link>
    );
  if (kind.startsWith('qms.document')) return <DocumentRef document={subject} />;
  if (kind.startsWith('matrix.person') || kind.startsWith('matrix.obligation'))
    return <PersonRef person={subject.split('/')[0] ?? subject} />;
  return <span className="mono small break">{subject}</span>;
}
