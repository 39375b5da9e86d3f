import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { ServiceHealth } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { ActDialog } from '../components/dialogs.tsx';
import { Mark } from '../components/Mark.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { DateTime } from '../components/refs.tsx';
import { Answer, Empty } from '../components/states.tsx';
import { useAsOf, useCan, useSession } from '../lib/context.ts';

const SLOW = 60;

/** Is every part alive, is anything waiting, and is anything stuck. */
export function HealthPage() {
  const { t } = useTranslation();
  const { site } = useSession();
  const can = useCan();
  const { past } = useAsOf();
  const may = can('platform.repair') && !past;
  const [act, setAct] = useState<{
    act: 'retry' | 'discard';
    service: string;
    id: number;
    subject: string;
  } | null>(null);
  const query = useQuery(queries.health());
  const seconds = (value: number | null | undefined) =>
    value === null || value === undefined ? (
      <span className="dim">–</span>
    ) : (
      <Mark
        shape={value > SLOW ? 'clock' : 'dot'}
        tone={value > SLOW ? 'condition' : 'allow'}
        word={t('health.seconds', { count: Math.round(value * 10) / 10 })}
      />
    );
  const services: Column<ServiceHealth>[] = [
    { id: 'service', header: t('health.service'), cell: (row) => row.service },
    {
      id: 'ready',
      header: t('field.state'),
      cell: (row) => (
        <>
          <Mark
            shape={row.ready ? 'dot' : 'cross'}
            tone={row.ready ? 'allow' : 'deny'}
            word={row.ready ? t('health.ready') : t('health.not_ready')}
          />{' '}
          <span className="small">{row.reasons.join('; ')}</span>
        </>
      ),
    },
    { id: 'pending', header: t('health.pending'), numeric: true, cell: (row) => row.pending ?? '–' },
    { id: 'age', header: t('health.oldest'), cell: (row) => seconds(row.oldest_pending_seconds) },
    { id: 'marks', header: t('health.marks'), numeric: true, cell: (row) => row.marks ?? '–' },
    { id: 'version', header: t('about.version'), cell: (row) => row.version ?? '–' },
  ];
  return (
    <Answer query={query} rows={8} page>
      {(health) => {
        const down = health.services.filter((each) => !each.ready);
        const topics = health.services.flatMap((each) =>
          each.consumers.map((consumer) => ({ service: each.service, ...consumer })),
        );
        const parked = health.services.flatMap((each) =>
          each.parked.map((event) => ({ service: each.service, ...event })),
        );
        return (
          <Page
            name={t('nav.health')}
            kicker={t('nav.health')}
            title={
              down.length > 0
                ? t('health.down', {
                    count: down.length,
                    services: down.map((each) => each.service).join(', '),
                  })
                : parked.length > 0
                  ? t('health.parked_title', { count: parked.length })
                  : t('health.well')
            }
            lead={
              <>
                {t('health.as_of')} <DateTime at={health.at} place={site} seconds />
              </>
            }
          >
            <Panel title={t('health.services')}>
              <DataTable
                caption={t('health.services')}
                columns={services}
                rows={health.services}
                rowKey={(row) => row.service}
              />
            </Panel>
            <Panel title={t('health.parked')}>
              {parked.length === 0 ? (
                <Empty title={t('health.none_parked')} />
              ) : (
                <DataTable
                  caption={t('health.parked')}
                  rows={parked}
                  rowKey={(row) => `${row.service}/${row.id}`}
                  columns={[
                    {
                      id: 'subject',
                      header: t('health.subject'),
                      cell: (row) => <span className="mono small">{row.subject}</span>,
                    },
                    { id: 'topic', header: t('health.topic'), cell: (row) => row.topic },
                    { id: 'service', header: t('health.service'), cell: (row) => row.service },
                    { id: 'reason', header: t('common.reason'), cell: (row) => row.reason },
                    {
                      id: 'attempts',
                      header: t('health.attempts'),
                      numeric: true,
                      cell: (row) => row.attempts,
                    },
                    ...(may
                      ? [
                          {
                            id: 'acts',
                            header: t('health.acts'),
                            cell: (row: (typeof parked)[number]) => (
                              <span className="row-acts">
                                {(['retry', 'discard'] as const).map((act) => (
                                  <Button
                                    key={act}
                                    variant="default"
                                    size="compact-sm"
                                    aria-label={`${t(`health.${act}`)} ${row.subject}`}
                                    onClick={() =>
                                      setAct({
                                        act,
                                        service: row.service,
                                        id: Number(row.id),
                                        subject: row.subject,
                                      })
                                    }
                                  >
                                    {t(`health.${act}`)}
                                  </Button>
                                ))}
                              </span>
                            ),
                          },
                        ]
                      : []),
                    {
                      id: 'at',
                      header: t('health.since'),
                      cell: (row) => <DateTime at={row.at} place={site} seconds />,
                    },
                  ]}
                />
              )}
              <p className="dim small">{t('health.parked_help')}</p>
              {act ? (
                <ActDialog
                  title={`${t(`health.${act.act}`)}: ${act.service} ${act.subject}`}
                  act={t(`health.${act.act}`)}
                  danger={act.act === 'discard'}
                  opened
                  close={() => {
                    setAct(null);
                    query.refetch();
                  }}
                  run={(reason, key) =>
                    api.post(
                      `/api/dead-letters/${act.act}`,
                      { service: act.service, id: act.id, reason },
                      key,
                    )
                  }
                />
              ) : null}
            </Panel>
            <Panel title={t('health.topics')}>
              <DataTable
                caption={t('health.topics')}
                rows={topics}
                rowKey={(row) => `${row.service}/${row.topic}`}
                columns={[
                  {
                    id: 'service',
                    header: t('health.service'),
                    sort: (row) => row.service,
                    cell: (row) => row.service,
                  },
                  {
                    id: 'topic',
                    header: t('health.topic'),
                    sort: (row) => row.topic,
                    cell: (row) => row.topic,
                  },
                  {
                    id: 'lag',
                    header: t('health.lag'),
                    sort: (row) => row.lag_seconds ?? -1,
                    cell: (row) => seconds(row.lag_seconds),
                  },
                  {
                    id: 'behind',
                    header: t('health.behind'),
                    numeric: true,
                    sort: (row) => row.events_behind ?? -1,
                    cell: (row) => row.events_behind ?? '–',
                  },
                  {
                    id: 'parked',
                    header: t('health.parked_short'),
                    numeric: true,
                    sort: (row) => row.parked,
                    cell: (row) => row.parked,
                  },
                ]}
              />
            </Panel>
          </Page>
        );
      }}
    </Answer>
  );
}
