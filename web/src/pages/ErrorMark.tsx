import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import type { TrainingRecord } from '../api/types.ts';
import { ActDialog, SignDialog, type SigningRequest } from '../components/dialogs.tsx';
import { PersonRef } from '../components/refs.tsx';
import { useAsOf, useCan, useSession } from '../lib/context.ts';

const path = (record: string, rest: string) => `/api/records/${encodeURIComponent(record)}/${rest}`;

function useRenew() {
  const client = useQueryClient();
  // What the record covered is derived again within seconds.
  return () => {
    for (const delay of [0, 1500, 4000]) setTimeout(() => client.invalidateQueries(), delay);
  };
}

/** The first of two people says that the record was made in error. */
export function ProposeErrorMark({ record }: { record: TrainingRecord }) {
  const { t } = useTranslation();
  const can = useCan();
  const { person } = useSession();
  const { past } = useAsOf();
  const renew = useRenew();
  const [opened, open] = useState(false);
  const { entered_in_error: marked, proposed } = record.corrections;
  const own = person === null || person === record.person || person === record.evaluator;
  if (marked || proposed || own || past || !can('record.mark_in_error', 'record.late_entry')) return null;
  return (
    <>
      <Button variant="default" onClick={() => open(true)}>
        {t('error_mark.propose')}
      </Button>
      <ActDialog
        title={t('error_mark.propose')}
        act={t('error_mark.propose_act')}
        opened={opened}
        close={() => {
          open(false);
          renew();
        }}
        run={(reason, key) => api.post(path(record.record, 'entered-in-error'), { reason }, key)}
      >
        <p className="note">{t('error_mark.propose_effect')}</p>
      </ActDialog>
    </>
  );
}

/** The proposal, and what the second person decides about it. */
export function ProposedErrorMark({ record }: { record: TrainingRecord }) {
  const { t } = useTranslation();
  const can = useCan();
  const { person } = useSession();
  const { past } = useAsOf();
  const renew = useRenew();
  const [request, setRequest] = useState<SigningRequest | null>(null);
  const [refusing, refuse] = useState(false);
  const { proposed } = record.corrections;
  if (!proposed) return null;
  const mine = person === proposed.proposed_by;
  const own = person === null || person === record.person || person === record.evaluator;
  const refusal = mine ? t('error_mark.take_back') : t('error_mark.refuse');
  return (
    <div className="banner" data-tone="condition" role="note">
      <p>
        <strong>{t('record.proposed_error')}</strong> <PersonRef person={proposed.proposed_by} />:{' '}
        {proposed.reason}
      </p>
      {own || past ? null : (
        <div className="banner-acts">
          {can('record.mark_in_error') && !mine ? (
            <Button
              onClick={() =>
                setRequest({
                  service: 'records',
                  kind: 'record_error',
                  key: record.record,
                  meaning: 'mark_in_error',
                  reason: t('error_mark.sign_reason'),
                })
              }
            >
              {t('error_mark.sign')}
            </Button>
          ) : null}
          {can('record.mark_in_error', 'record.late_entry') ? (
            <Button variant="default" onClick={() => refuse(true)}>
              {refusal}
            </Button>
          ) : null}
        </div>
      )}
      <SignDialog
        request={request}
        title={t('error_mark.propose')}
        close={() => setRequest(null)}
        signed={() => {
          setRequest(null);
          renew();
        }}
      >
        <p className="note">{t('error_mark.sign_effect')}</p>
      </SignDialog>
      <ActDialog
        title={refusal}
        act={refusal}
        opened={refusing}
        close={() => {
          refuse(false);
          renew();
        }}
        run={(reason, key) => api.post(path(record.record, 'entered-in-error/refuse'), { reason }, key)}
      />
    </div>
  );
}
