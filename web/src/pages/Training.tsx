import { IconBook2, IconClock, IconPlayerPause } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import type { Assignment, Document, Shift } from '../api/types.ts';
import { Glyph } from '../components/Mark.tsx';
import { Page } from '../components/Page.tsx';
import { DateTime, DocumentRef } from '../components/refs.tsx';
import { Answer, Empty, ErrorState, Waiting } from '../components/states.tsx';
import { useNow, useSession, useSites } from '../lib/context.ts';
import { turnsUntil, type Urgency, urgency } from '../lib/shifts.ts';
import { dayOf } from '../lib/time.ts';

const GROUPS: Urgency[] = ['now', 'soon', 'later', 'paused'];

/** What the person has to do before the next shift, and what they may run now. */
export function Training() {
  const { t } = useTranslation();
  const session = useSession();
  const person = session.person ?? '';
  const { now } = useNow();
  const sites = useSites();
  const me = useQuery({ ...queries.person(person), retry: false, enabled: person !== '' });
  const assignments = useQuery({
    ...queries.assignments({ person, status: 'OPEN' }),
    enabled: person !== '',
  });
  const upcoming = useQuery({
    ...queries.assignments({ person, status: 'UPCOMING' }),
    enabled: person !== '',
  });
  const paused = useQuery({ ...queries.assignments({ person, status: 'PAUSED' }), enabled: person !== '' });

  if (person === '')
    return (
      <Page title={t('nav.training')}>
        <Empty title={t('training.no_person')} />
      </Page>
    );

  const open = [assignments, upcoming, paused].flatMap((query) => query.data?.items ?? []);
  const day = dayOf(now, sites.zone(session.site));
  const holds = (spell: { from: string; to: string | null }) =>
    spell.from <= day && (spell.to === null || spell.to > day);
  const shiftOf = (place: string): Shift | null => sites.shift(place, me.data?.shifts.find(holds)?.shift);
  const grouped = new Map<Urgency, Assignment[]>();
  for (const assignment of open) {
    const { place } = assignment;
    const group = urgency(
      assignment.due_at,
      now,
      shiftOf(place),
      sites.zone(place),
      assignment.state === 'PAUSED',
    );
    grouped.set(group, [...(grouped.get(group) ?? []), assignment]);
  }
  for (const rows of grouped.values())
    rows.sort((a, b) => (a.due_at ?? '9').localeCompare(b.due_at ?? '9') || a.item.localeCompare(b.item));
  const urgent = grouped.get('now')?.length ?? 0;
  const loaded = assignments.data !== undefined;

  return (
    <Page
      name={t('nav.training')}
      title={
        !loaded
          ? t('nav.training')
          : urgent > 0
            ? t('training.title_now', { count: urgent })
            : open.length > 0
              ? t('training.title_none_now')
              : t('training.title_done')
      }
      kicker={session.printed_name}
    >
      <div className="training">
        <div className="training-list">
          {assignments.isError ? (
            <ErrorState error={assignments.error} retry={assignments.refetch} />
          ) : !loaded ? (
            <Waiting rows={5} />
          ) : null}
          {loaded && open.length === 0 ? (
            <Empty title={t('training.nothing')}>{t('training.nothing_help')}</Empty>
          ) : null}
          {GROUPS.filter((group) => grouped.has(group)).map((group) => (
            <section key={group} className="group">
              <h2>
                {t(`training.group.${group}`)} <span className="count">{grouped.get(group)?.length}</span>
              </h2>
              <Cards rows={grouped.get(group) ?? []} now={now} shiftOf={shiftOf} />
            </section>
          ))}
        </div>
        <MayRun person={person} place={session.site} own />
      </div>
    </Page>
  );
}

function Cards(props: { rows: Assignment[]; now: number; shiftOf: (place: string) => Shift | null }) {
  const items = [...new Set(props.rows.map((row) => row.item))];
  const documents = useQueries({
    queries: items.map((item) => ({ ...queries.document(item), retry: false })),
  });
  return (
    <ul className="cards">
      {props.rows.map((row) => (
        <Card
          key={row.assignment}
          row={row}
          document={documents[items.indexOf(row.item)]?.data}
          now={props.now}
          shift={props.shiftOf(row.place)}
        />
      ))}
    </ul>
  );
}

function Card(props: { row: Assignment; document: Document | undefined; now: number; shift: Shift | null }) {
  const { t } = useTranslation();
  const sites = useSites();
  const { row } = props;
  const version = props.document?.versions.find((each) => each.version === row.target_version);
  const due = row.due_at ? Date.parse(row.due_at) : null;
  const late = due !== null && due <= props.now;
  const left =
    due === null || late
      ? null
      : props.shift
        ? t('training.in_shifts', { count: turnsUntil(props.shift, sites.zone(row.place), props.now, due) })
        : t('training.in_days', { count: Math.floor((due - props.now) / 86_400_000) });
  return (
    <li className="card" data-late={late || undefined}>
      <Link
        to="/read/$document/$version"
        params={{ document: row.item, version: String(row.target_version) }}
        className="card-link"
        data-stop=""
      >
        <span className="card-title">
          <DocumentRef document={row.item} version={row.target_version} plain /> {props.document?.title}
        </span>
        {version?.summary ? <span className="card-summary">{version.summary}</span> : null}
        <span className="card-facts">
          <span className="mark" data-tone={late ? 'deny' : undefined}>
            {row.state === 'PAUSED' ? (
              <IconPlayerPause size={16} aria-hidden="true" />
            ) : late ? (
              <Glyph shape="cross" tone="deny" />
            ) : (
              <IconClock size={16} aria-hidden="true" />
            )}
            <span>
              {row.state === 'PAUSED' ? (
                t('training.paused')
              ) : row.due_at ? (
                <>
                  {late ? t('training.late_since') : t('training.due')}{' '}
                  <DateTime at={row.due_at} place={row.place} />
                  {left ? <span className="dim"> · {left}</span> : null}
                </>
              ) : (
                t('training.no_due')
              )}
            </span>
          </span>
          <span>{t(`trigger.${row.trigger}` as 'trigger.REVISION', { defaultValue: row.trigger })}</span>
          {version?.minutes ? (
            <span>
              <IconBook2 size={16} aria-hidden="true" /> {t('training.minutes', { count: version.minutes })}
            </span>
          ) : null}
        </span>
      </Link>
    </li>
  );
}

/** "You may run: …. Not …: SOP-140 v2 missing." */
export function MayRun(props: { person: string; place: string | null | undefined; own?: boolean }) {
  const { person } = props;
  const { t } = useTranslation();
  const query = useQuery(queries.authorizations(person));
  return (
    <section className="panel may-run" aria-labelledby="may-run">
      <header className="panel-head">
        <h2 id="may-run">{props.own ? t('training.may_run') : t('training.may_run_person')}</h2>
      </header>
      <Answer query={query} rows={3}>
        {({ items }) => {
          const concerned = items.filter(
            (task) => !task.reasons.some((reason) => reason.code === 'NO_ACTIVE_SPELL'),
          );
          const others = items.length - concerned.length;
          return (
            <>
              {concerned.length === 0 ? (
                <p className="dim">{t('training.no_tasks')}</p>
              ) : (
                <ul className="plain-list tasks">
                  {concerned.map((task) => (
                    <li key={task.task}>
                      <Glyph
                        shape={
                          task.verdict === 'ALLOW'
                            ? 'dot'
                            : task.verdict === 'ALLOW_WITH_CONDITION'
                              ? 'half'
                              : 'cross'
                        }
                        tone={
                          task.verdict === 'ALLOW'
                            ? 'allow'
                            : task.verdict === 'ALLOW_WITH_CONDITION'
                              ? 'condition'
                              : 'deny'
                        }
                      />
                      <div>
                        <strong>{task.task}</strong> {task.title}
                        <div>{t(`verdict.${task.verdict}`)}</div>
                        {task.reasons.map((reason) => (
                          <div key={`${reason.item}${reason.code}`} className="small">
                            {reason.item ? <DocumentRef document={reason.item} /> : null}{' '}
                            {t(`reason.${reason.code}` as 'reason.NEVER_TRAINED', {
                              defaultValue: reason.code,
                            })}
                          </div>
                        ))}
                        {task.verdict === 'ALLOW' && task.valid_until ? (
                          <div className="small dim">
                            {t('training.until')} <DateTime at={task.valid_until} place={props.place} />
                          </div>
                        ) : null}
                      </div>
                    </li>
                  ))}
                </ul>
              )}
              {others > 0 ? (
                <p className="dim small">{t('training.other_tasks', { count: others })}</p>
              ) : null}
            </>
          );
        }}
      </Answer>
    </section>
  );
}
