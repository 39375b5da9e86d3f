import { Modal, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import { nameOf, useCan } from '../lib/context.ts';
import { NAVIGATION } from './Layout.tsx';

interface Hit {
  key: string;
  kind: string;
  text: string;
  detail?: string;
  href: string;
}

/** Ctrl-K: any person, document, change or record by a few letters, and every page. */
export function Palette({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t('palette.title')}
      size="lg"
      centered={false}
      yOffset="12vh"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {opened ? <Search close={close} /> : null}
    </Modal>
  );
}

function Search({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const can = useCan();
  const router = useRouter();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const [q] = useDebouncedValue(text.trim(), 150);
  const wanted = q.length >= 2;
  const people = useQuery({ ...queries.findPeople(q), enabled: wanted && can('person.read'), retry: false });
  const documents = useQuery({
    ...queries.findDocuments(q),
    enabled: wanted && can('document.read'),
    retry: false,
  });
  const isRecord = /^(rec-)?[0-9a-f]{8}-[0-9a-f-]{20,}$/i.test(q);
  const record = useQuery({ ...queries.record(q), enabled: isRecord, retry: false });
  const changes = useQuery({
    ...queries.changes(),
    enabled: wanted && can('change.read'),
    retry: false,
    staleTime: 60_000,
  });

  const small = text.trim().toLowerCase();
  const hits: Hit[] = [
    ...(people.data?.items ?? []).map((row) => ({
      key: `p${row.person}`,
      kind: t('palette.person'),
      text: nameOf(row),
      detail: `${row.person} · ${row.job_functions.join(', ')} ${row.site ?? ''}`,
      href: `/people/${encodeURIComponent(row.person)}`,
    })),
    ...(documents.data?.items ?? []).map((row) => ({
      key: `d${row.document}`,
      kind: t('palette.document'),
      text: row.document,
      detail: row.title,
      href: `/documents/${encodeURIComponent(row.document)}`,
    })),
    ...(wanted ? (changes.data?.items ?? []) : [])
      .filter((row) => `${row.change} ${row.title}`.toLowerCase().includes(small))
      .slice(0, 6)
      .map((row) => ({
        key: `c${row.change}`,
        kind: t('palette.change'),
        text: row.change,
        detail: row.title,
        href: `/changes/${encodeURIComponent(row.change)}`,
      })),
    ...(record.data
      ? [
          {
            key: 'record',
            kind: t('palette.record'),
            text: record.data.record,
            detail: `${record.data.person} · ${record.data.item} v${record.data.version}`,
            href: `/records/${encodeURIComponent(record.data.record)}`,
          },
        ]
      : []),
    ...NAVIGATION.filter(
      (entry) => can(...entry.actions) && t(`nav.${entry.key}`).toLowerCase().includes(small),
    ).map((entry) => ({
      key: entry.to,
      kind: t('palette.page'),
      text: t(`nav.${entry.key}`),
      href: entry.to,
    })),
  ];
  const active = Math.min(chosen, Math.max(0, hits.length - 1));
  const go = (hit: Hit | undefined) => {
    if (!hit) return;
    close();
    router.history.push(hit.href);
  };
  return (
    <div className="palette">
      <TextInput
        aria-label={t('palette.label')}
        placeholder={t('palette.placeholder')}
        leftSection={<IconSearch size={18} />}
        size="md"
        data-autofocus
        role="combobox"
        aria-expanded={hits.length > 0}
        aria-controls="palette-hits"
        aria-activedescendant={hits[active] ? `hit-${active}` : undefined}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setChosen(Math.min(active + 1, hits.length - 1));
          else if (event.key === 'ArrowUp') setChosen(Math.max(active - 1, 0));
          else if (event.key === 'Enter') go(hits[active]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="palette-hits" role="listbox" aria-label={t('palette.hits')} className="palette-hits">
        {hits.map((hit, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the combobox above
          // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the combobox above, which names the active option
          <div
            key={hit.key}
            id={`hit-${index}`}
            role="option"
            aria-selected={index === active}
            className="palette-hit"
            onClick={() => go(hit)}
          >
            <span>{hit.text}</span>
            <span className="dim">{hit.detail}</span>
            <span className="palette-kind">{hit.kind}</span>
          </div>
        ))}
      </div>
      {wanted && hits.length === 0 && !people.isFetching && !documents.isFetching ? (
        <p className="dim">{t('palette.none')}</p>
      ) : null}
    </div>
  );
}
