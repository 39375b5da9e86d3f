import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import { DataTable } from '../components/DataTable.tsx';
import { Facts, Page, Panel } from '../components/Page.tsx';
import { Answer } from '../components/states.tsx';

/** Which build this is, to the letter: what a validation report names. */
export function AboutPage() {
  const { t } = useTranslation();
  const query = useQuery(queries.about());
  return (
    <Page title={t('about.title')} lead={t('about.lead')}>
      <Answer query={query}>
        {(about) => (
          <>
            <Panel title={t('about.build')}>
              <Facts
                facts={[
                  [t('about.version'), about.version],
                  [
                    t('about.commit'),
                    about.build ? (
                      <span key="b" className="mono">
                        {about.build}
                      </span>
                    ) : null,
                  ],
                  [t('about.tzdata'), about.tzdata],
                  [t('about.mode'), about.mode],
                  [
                    t('about.policy'),
                    <span key="p" className="mono small break">
                      {about.policy}
                    </span>,
                  ],
                ]}
              />
            </Panel>
            <Panel title={t('about.services')}>
              <DataTable
                caption={t('about.services')}
                rows={about.services}
                rowKey={(row) => row.service}
                columns={[
                  { id: 'service', header: t('health.service'), cell: (row) => row.service },
                  { id: 'version', header: t('about.version'), cell: (row) => row.version },
                  {
                    id: 'schema',
                    header: t('about.schema'),
                    cell: (row) => <span className="mono small">{row.schema}</span>,
                  },
                ]}
              />
            </Panel>
            <Panel title={t('about.contracts')}>
              <DataTable
                caption={t('about.contracts')}
                rows={about.contracts}
                rowKey={(row) => row.topic}
                columns={[
                  { id: 'topic', header: t('health.topic'), cell: (row) => row.topic },
                  { id: 'version', header: t('about.version'), cell: (row) => row.version },
                  {
                    id: 'digest',
                    header: t('about.digest'),
                    cell: (row) => <span className="mono small break">{row.digest ?? '–'}</span>,
                  },
                ]}
              />
            </Panel>
          </>
        )}
      </Answer>
    </Page>
  );
}
