import { Button } from '@mantine/core';
import { IconFileText } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { LateEntry } from '../api/types.ts';
import { ActDialog, SignDialog, type SigningRequest } from '../components/dialogs.tsx';
import { Facts, Panel } from '../components/Page.tsx';
import { DateTime, DocumentRef, PersonRef } from '../components/refs.tsx';
import { useCan, useSession } from '../lib/context.ts';

/** Paper records that somebody has entered and nobody has checked yet; of one person, or of all whom the reader sees. */
export function WaitingLateEntries({ person }: { person?: string }) {
  const { t } = useTranslation();
  const waiting = useQuery(queries.lateEntries({ state: 'PROPOSED', person }));
  const rows = waiting.data?.items ?? [];
  if (rows.length === 0) return null;
  return (
    <Panel title={t('late.waiting')}>
      <p className="dim">{t('late.no_record_yet')}</p>
      <ul className="versions">
        {rows.map((entry) => (
          <Waits key={entry.late_entry} entry={entry} />
        ))}
      </ul>
    </Panel>
  );
}

function Waits({ entry }: { entry: LateEntry }) {
  const { t } = useTranslation();
  const can = useCan();
  const session = useSession();
  const client = useQueryClient();
  // The check is of what was typed against the paper: nobody is led to sign without having opened it.
  const [looked, look] = useState(false);
  const [request, setRequest] = useState<SigningRequest | null>(null);
  const [refusing, refuse] = useState(false);
  const mine = session.person === entry.proposed_by;
  const own = session.person === null || session.person === entry.person;
  const decides = can('record.late_entry') && !own;
  const refusal = mine ? t('late.take_back') : t('late.refuse');
  const renew = () => {
    for (const delay of [0, 1500, 4000]) setTimeout(() => client.invalidateQueries(), delay);
  };
  return (
    <li className="version-item">
      <header>
        <h3>
          <PersonRef person={entry.person} /> ·{' '}
          <DocumentRef document={entry.document} version={entry.version} />
        </h3>
      </header>
      <Facts
        facts={[
          [
            t('record.ink'),
            <DateTime key="i" at={entry.ink_signed_at} place={entry.place} zone={entry.time_zone} />,
          ],
          [
            t('field.methods'),
            entry.methods
              .map((method) => t(`method.${method}` as 'method.R', { defaultValue: method }))
              .join(', '),
          ],
          [
            t('field.result'),
            `${t(`result.${entry.result}` as 'result.PASS', { defaultValue: entry.result })}${entry.score === null ? '' : `, ${entry.score} %`}`,
          ],
          ...(entry.evaluator
            ? [
                [t('field.evaluator'), <PersonRef key="e" person={entry.evaluator} />] as [
                  string,
                  React.ReactNode,
                ],
              ]
            : []),
          [
            t('late.entered'),
            <span key="b">
              <PersonRef person={entry.proposed_by} />,{' '}
              <DateTime at={entry.recorded_at} place={entry.place} zone={entry.time_zone} />
            </span>,
          ],
          [t('late.reason'), entry.reason],
        ]}
      />
      <div className="banner-acts">
        <Button
          component="a"
          href={`/api/records/late-entries/${encodeURIComponent(entry.late_entry)}/scan`}
          target="_blank"
          rel="noreferrer"
          variant="default"
          leftSection={<IconFileText size={16} />}
          onClick={() => look(true)}
        >
          {t('late.open_scan')}
        </Button>
        {decides && !mine ? (
          <Button
            disabled={!looked}
            onClick={() =>
              setRequest({
                service: 'records',
                kind: 'late_entry',
                key: entry.late_entry,
                meaning: 'verify',
                reason: t('late.check_reason'),
              })
            }
          >
            {t('late.check')}
          </Button>
        ) : null}
        {decides ? (
          <Button variant="default" onClick={() => refuse(true)}>
            {refusal}
          </Button>
        ) : null}
        {decides && !mine && !looked ? <span className="dim">{t('late.scan_first')}</span> : null}
        {mine ? <span className="dim">{t('late.you_entered')}</span> : null}
        {own && session.person !== null ? <span className="dim">{t('late.yours')}</span> : null}
      </div>
      <SignDialog
        request={request}
        title={t('late.check')}
        close={() => setRequest(null)}
        signed={() => {
          setRequest(null);
          renew();
        }}
      >
        <p className="note">{t('late.check_effect')}</p>
      </SignDialog>
      <ActDialog
        title={refusal}
        act={refusal}
        opened={refusing}
        close={() => {
          refuse(false);
          renew();
        }}
        run={(reason, key) =>
          api.post(
            `/api/records/late-entries/${encodeURIComponent(entry.late_entry)}/refuse`,
            { reason },
            key,
          )
        }
      />
    </li>
  );
}
