import { Button, Modal, Select, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Version } from '../api/types.ts';
import { SignDialog, type SigningRequest } from '../components/dialogs.tsx';
import { DayInput } from '../components/fields.tsx';
import { useCan, useNow, useSites } from '../lib/context.ts';
import { dayOf, showDay } from '../lib/time.ts';
import { EVERYWHERE, hasGoverned, movableAt, statedFor } from '../lib/versions.ts';

/** What can still be decided about an approved version: another effective date, or that it ends. */
export function VersionActs({ version }: { version: Version }) {
  const { t } = useTranslation();
  const can = useCan();
  const client = useQueryClient();
  const [act, setAct] = useState<'move' | 'withdraw' | null>(null);
  const name = `${version.document} v${version.version}`;
  const governed = hasGoverned(version);
  const places = movableAt(version);
  const close = () => {
    setAct(null);
    client.invalidateQueries({ queryKey: [`/api/documents/${encodeURIComponent(version.document)}`] });
  };
  if (version.state !== 'APPROVED') return null;
  return (
    <>
      {can('change.sign') && places.length > 0 ? (
        <Button variant="default" size="xs" onClick={() => setAct('move')}>
          {t('date.move')}
        </Button>
      ) : null}
      {can('change.sign') ? (
        <Button variant="default" size="xs" onClick={() => setAct('withdraw')}>
          {t('withdraw.act_short')}
        </Button>
      ) : null}
      {act === 'move' ? <MoveDate version={version} name={name} places={places} close={close} /> : null}
      {act === 'withdraw' ? (
        <Withdraw version={version} name={name} governed={governed} close={close} />
      ) : null}
    </>
  );
}

/** Why it ends, then the signature over where that is so. */
function Withdraw(props: { version: Version; name: string; governed: boolean; close: () => void }) {
  const { t } = useTranslation();
  const { version, name } = props;
  const [reason, setReason] = useState('');
  const [request, setRequest] = useState<SigningRequest | null>(null);
  const title = t('withdraw.act', { version: name });
  const effect = <p className="note">{props.governed ? t('withdraw.governing') : t('withdraw.before')}</p>;
  if (request)
    return (
      <SignDialog request={request} title={title} close={props.close} signed={props.close}>
        {effect}
      </SignDialog>
    );
  return (
    <Modal opened onClose={props.close} title={title} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          setRequest({
            service: 'qms',
            kind: 'withdrawal',
            key: `${version.document}/${version.version}`,
            meaning: 'withdraw',
            reason: reason.trim(),
          });
        }}
      >
        {effect}
        <Reason value={reason} set={setReason} />
        <div className="form-actions">
          <Button variant="default" onClick={props.close}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" disabled={reason.trim() === ''}>
            {t('date.next')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

function Reason(props: { value: string; set: (reason: string) => void }) {
  const { t } = useTranslation();
  return (
    <Textarea
      label={t('common.reason')}
      description={t('common.reason_help')}
      required
      autosize
      minRows={2}
      maxLength={500}
      value={props.value}
      onChange={(event) => props.set(event.currentTarget.value)}
    />
  );
}

/** First what is to change and why, then the signature over exactly that. */
function MoveDate(props: { version: Version; name: string; places: string[]; close: () => void }) {
  const { t, i18n } = useTranslation();
  const { version, name, places } = props;
  const sites = useSites();
  const { now } = useNow();
  const [place, setPlace] = useState(places[0] ?? '');
  const [on, setOn] = useState('');
  const [reason, setReason] = useState('');
  const [request, setRequest] = useState<SigningRequest | null>(null);
  const title = t('date.move_title', { version: name });
  const stated = statedFor(version.effective, place)?.on;
  if (request)
    return (
      <SignDialog request={request} title={title} close={props.close} signed={props.close}>
        <p className="note">{t('date.effect', { version: name })}</p>
      </SignDialog>
    );
  return (
    <Modal opened onClose={props.close} title={title} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          setRequest({
            service: 'qms',
            kind: 'effective_date',
            key: `${version.document}/${version.version}`,
            meaning: 'approve',
            inputs: { place, on },
            reason: reason.trim(),
          });
        }}
      >
        <Select
          label={t('field.site')}
          description={stated ? t('date.stands', { date: showDay(stated, i18n.language) }) : undefined}
          allowDeselect={false}
          data={places.map((code) => ({
            value: code,
            label:
              code === EVERYWHERE
                ? t('document.every_site')
                : [code, sites.all.find((site) => site.code === code)?.title].filter(Boolean).join(' '),
          }))}
          value={place}
          onChange={(value) => value && setPlace(value)}
        />
        <DayInput
          label={t('date.new')}
          description={t('date.new_help')}
          required
          min={dayOf(now, sites.zone(place))}
          value={on}
          set={setOn}
        />
        <Reason value={reason} set={setReason} />
        <div className="form-actions">
          <Button variant="default" onClick={props.close}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" disabled={on === '' || on === stated || reason.trim() === ''}>
            {t('date.next')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
