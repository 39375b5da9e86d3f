import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import { label } from './dialogs.tsx';
import { ActorRef, DateTime } from './refs.tsx';
import { Empty, ErrorState, Waiting } from './states.tsx';

/** The life of one or more things across the services: who, when with zone, what changed from what to what, why. */
export function Trail({ of }: { of: string }) {
  const { t } = useTranslation();
  const query = useQuery(queries.audit({ id: of }));
  if (query.isError) return <ErrorState error={query.error} retry={query.refetch} />;
  if (!query.data) return <Waiting rows={4} />;
  const rows = query.data.items;
  if (rows.length === 0) return <Empty title={t('trail.none')} />;
  return (
    <ol className="trail">
      {rows.map((entry) => (
        <li key={`${entry.service}/${entry.entry}`}>
          <p className="trail-head">
            <DateTime at={entry.at} zone={entry.zone} seconds />
            {entry.actor_name ? <span>{entry.actor_name}</span> : <ActorRef actor={entry.actor} />}
            {entry.actor_roles.length > 0 ? (
              <span className="dim">
                {entry.actor_roles.map((role) => role.replaceAll('_', ' ')).join(', ')}
              </span>
            ) : null}
            {entry.on_behalf_of ? (
              <>
                {' '}
                {t('trail.on_behalf')} <ActorRef actor={entry.on_behalf_of} />
              </>
            ) : null}
          </p>
          <p>
            <strong>{t(`op.${entry.op}` as 'op.INSERT', { defaultValue: entry.op })}</strong>{' '}
            {label(entry.entity.replace(/^app\./, ''))} <span className="mono small break">{entry.key}</span>
            {entry.service ? <span className="dim"> · {entry.service}</span> : null}
          </p>
          <p>
            {t('common.reason')}: {entry.reason}
          </p>
          {entry.changes.length > 0 ? (
            <details>
              <summary>{t('trail.changes', { count: entry.changes.length })}</summary>
              <table className="table trail-table">
                <thead>
                  <tr>
                    <th scope="col">{t('trail.column')}</th>
                    <th scope="col">{t('trail.before')}</th>
                    <th scope="col">{t('trail.after')}</th>
                  </tr>
                </thead>
                <tbody>
                  {entry.changes.map((change) => (
                    <tr key={change.column}>
                      <th scope="row">{label(change.column)}</th>
                      <td>{change.personal ? t('trail.personal') : text(change.before)}</td>
                      <td>{change.personal ? t('trail.personal') : text(change.after)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </details>
          ) : null}
          <p className="dim small">
            {t('trail.correlation')} <span className="mono">{entry.correlation}</span>
          </p>
        </li>
      ))}
    </ol>
  );
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
