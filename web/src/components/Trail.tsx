import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import type { AuditEntry } from '../api/types.ts';
import { label, show } from './dialogs.tsx';
import { ActorRef, DateTime } from './refs.tsx';
import { Empty, ErrorState, Waiting } from './states.tsx';

/**
 * The life of one or more things across the services: who, when with zone, what changed from what to what, why.
 * `place`, `zone`: the clock that all of it is told by; without them each entry is, by the one of whom it is about.
 */
export function Trail(props: { of: string; place?: string | null; zone?: string | null }) {
  const { of, place, zone } = props;
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
            <DateTime at={entry.at} place={place} zone={zone ?? entry.zone} seconds />
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
            {label(entry.entity.replace(/^\w+\./, ''))} <span className="mono small break">{entry.key}</span>
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
                  {entry.changes.flatMap(parts).map((change) => (
                    <tr key={change.column}>
                      <th scope="row">{change.column.split('.').map(label).join(' › ')}</th>
                      {[change.before, change.after].map((value, index) => (
                        // biome-ignore lint/suspicious/noArrayIndexKey: the old and the new value
                        <td key={index}>
                          {change.personal
                            ? t('trail.personal')
                            : show(value, zone ?? entry.zone, place ?? null)}
                        </td>
                      ))}
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

type ColumnChange = AuditEntry['changes'][number];

/** Of a column that holds a whole document, what in it changed. */
function parts(change: ColumnChange): ColumnChange[] {
  const { before, after, column, personal } = change;
  const [old, fresh] = [isDocument(before) ? before : {}, isDocument(after) ? after : {}];
  if (personal || (!isDocument(before) && !isDocument(after))) return [change];
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
    .filter((key) => JSON.stringify(old[key]) !== JSON.stringify(fresh[key]))
    .map((key) => ({ column: `${column}.${key}`, personal, before: old[key], after: fresh[key] }));
}

function isDocument(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
