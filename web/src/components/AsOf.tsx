import { ActionIcon, Button, Popover, TextInput } from '@mantine/core';
import { IconCalendarTime, IconX } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useAsOf, useNow, useSession, useSites } from '../lib/context.ts';
import { fieldOf, ofField } from '../lib/time.ts';
import { DateTime } from './refs.tsx';

/** Turns the page to another instant: when it was true, and what was known then. */
export function AsOfControl() {
  const { t } = useTranslation();
  const asOf = useAsOf();
  const { site } = useSession();
  const zone = useSites().zone(site);
  const { now } = useNow();
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const initial = (iso: string | undefined) => {
    return fieldOf(iso ? Date.parse(iso) : now, zone);
  };
  const [at, setAt] = useState('');
  const [known, setKnown] = useState('');
  const go = (search: { at?: string; known?: string }) => {
    setOpened(false);
    navigate({ to: '.', search: (old: object) => ({ ...old, at: undefined, known: undefined, ...search }) });
  };
  const open = () => {
    setAt(initial(asOf.at));
    setKnown(asOf.known ? initial(asOf.known) : '');
    setOpened(!opened);
  };
  return (
    <div className="asof" data-past={asOf.past || undefined}>
      <Popover opened={opened} onChange={setOpened} position="bottom-end" width={320} trapFocus shadow="md">
        <Popover.Target>
          <Button
            variant={asOf.past ? 'filled' : 'subtle'}
            color={asOf.past ? 'petrol' : 'gray'}
            className="bar-button"
            leftSection={<IconCalendarTime size={16} />}
            onClick={open}
          >
            {asOf.past ? (
              <>
                {t('asof.as_of')}&nbsp;
                {asOf.at ? <DateTime at={asOf.at} place={site} /> : t('asof.now')}
                {', '}
                {asOf.known !== undefined && asOf.known === asOf.at ? (
                  t('asof.known_then_short')
                ) : asOf.known ? (
                  <>
                    {t('asof.known_at')}&nbsp;
                    <DateTime at={asOf.known} place={site} />
                  </>
                ) : (
                  t('asof.known_now')
                )}
              </>
            ) : (
              t('asof.now_button')
            )}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <form
            className="form"
            onSubmit={(event) => {
              event.preventDefault();
              if (at) go({ at: ofField(at, zone), known: known ? ofField(known, zone) : undefined });
            }}
          >
            <TextInput
              type="datetime-local"
              label={t('asof.at_label')}
              description={t('asof.zone', { zone: site ?? 'UTC' })}
              value={at}
              onChange={(event) => setAt(event.currentTarget.value)}
              required
            />
            <TextInput
              type="datetime-local"
              label={t('asof.known_label')}
              description={t('asof.known_help')}
              value={known}
              onChange={(event) => setKnown(event.currentTarget.value)}
            />
            <div className="form-actions">
              <Button variant="default" type="button" onClick={() => setKnown(at)}>
                {t('asof.known_then')}
              </Button>
              <Button type="submit">{t('asof.show')}</Button>
            </div>
          </form>
        </Popover.Dropdown>
      </Popover>
      {asOf.past ? (
        <ActionIcon
          variant="subtle"
          color="gray"
          className="bar-icon"
          aria-label={t('asof.back')}
          title={t('asof.back')}
          onClick={() => go({})}
        >
          <IconX size={18} />
        </ActionIcon>
      ) : null}
    </div>
  );
}
