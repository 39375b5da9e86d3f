import { Button, Select, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconFileText, IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries.ts';
import type { Content, Document, DocumentRow, Governs, Version } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Mark } from '../components/Mark.tsx';
import { Facts, Page, Panel } from '../components/Page.tsx';
import { DateTime, Day, DocumentRef } from '../components/refs.tsx';
import { Answer, Empty } from '../components/states.tsx';
import { useCan } from '../lib/context.ts';
import { languageName } from './Read.tsx';
import { VersionActs } from './VersionDialogs.tsx';

export function Documents() {
  const { t } = useTranslation();
  const search = useSearch({ from: '/app/documents' });
  const navigate = useNavigate({ from: '/documents' });
  const [text, setText] = useState(search.q ?? '');
  const [q] = useDebouncedValue(text.trim(), 250);
  useEffect(() => {
    if ((search.q ?? '') !== q) navigate({ search: (old) => ({ ...old, q: q || undefined }), replace: true });
  }, [q, search.q, navigate]);
  const frameworks = useQuery(queries.units('framework'));
  const documents = useInfiniteQuery(queries.documents({ q: search.q, framework: search.framework }));
  const columns: Column<DocumentRow>[] = [
    {
      id: 'document',
      header: t('field.document'),
      cell: (row) => <DocumentRef document={row.document} version={row.latest_version} />,
      width: '10rem',
    },
    {
      id: 'title',
      header: t('field.title'),
      cell: (row) => (
        <>
          {row.title}{' '}
          {row.draft_version ? (
            <span className="count">{t('document.draft', { version: row.draft_version })}</span>
          ) : null}
          {row.retired ? <Mark shape="dash" tone="none" word={t('document.retired')} /> : null}
        </>
      ),
    },
    { id: 'type', header: t('field.type'), cell: (row) => row.document_type, width: '6rem' },
    { id: 'framework', header: t('field.framework'), cell: (row) => row.framework, width: '8rem' },
    { id: 'owner', header: t('field.owner'), cell: (row) => row.owner_department ?? '–' },
  ];
  return (
    <Page title={t('nav.documents')}>
      <fieldset className="filters">
        <legend className="visually-hidden">{t('common.filters')}</legend>
        <TextInput
          label={t('documents.search')}
          placeholder={t('documents.search_hint')}
          leftSection={<IconSearch size={16} />}
          type="search"
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Select
          label={t('field.framework')}
          data={(frameworks.data?.items ?? []).map((unit) => ({
            value: unit.code,
            label: `${unit.code} ${unit.title}`,
          }))}
          value={search.framework ?? null}
          onChange={(value) => navigate({ search: (old) => ({ ...old, framework: value ?? undefined }) })}
          placeholder={t('common.all')}
          clearable
          clearButtonProps={{ 'aria-label': t('common.clear') }}
        />
      </fieldset>
      <Answer query={documents} rows={10}>
        {(data) => {
          const rows = data.pages.flatMap((page) => page.items);
          if (rows.length === 0) return <Empty title={t('documents.none')}>{t('people.none_help')}</Empty>;
          return (
            <>
              <p className="dim small">
                {documents.hasNextPage
                  ? t('table.first', { count: rows.length })
                  : t('table.all', { count: rows.length })}
              </p>
              <DataTable
                caption={t('nav.documents')}
                columns={columns}
                rows={rows}
                rowKey={(row) => row.document}
                more={
                  documents.hasNextPage && !documents.isFetchingNextPage
                    ? () => documents.fetchNextPage()
                    : undefined
                }
              />
            </>
          );
        }}
      </Answer>
    </Page>
  );
}

export function DocumentPage() {
  const { document } = useParams({ from: '/app/documents/$document' });
  const query = useQuery(queries.document(document));
  return (
    <Answer query={query} page>
      {(data) => <Details document={data} />}
    </Answer>
  );
}

function Details({ document }: { document: Document }) {
  const { t } = useTranslation();
  const columns: Column<Governs>[] = [
    { id: 'place', header: t('field.site'), cell: (row) => row.place, sort: (row) => row.place },
    {
      id: 'governs',
      header: t('document.governs'),
      cell: (row) =>
        row.governing_version ? (
          <Mark shape="dot" tone="allow" word={`v${row.governing_version}`} />
        ) : (
          <Mark shape="dash" tone="none" word={t('document.nothing_governs')} />
        ),
    },
    {
      id: 'since',
      header: t('document.since'),
      cell: (row) => <DateTime at={row.since} place={row.place} />,
    },
    {
      id: 'next',
      header: t('document.next'),
      cell: (row) => (row.next_version ? `v${row.next_version}` : '–'),
    },
    {
      id: 'from',
      header: t('document.next_from'),
      cell: (row) => <DateTime at={row.next_from} place={row.place} />,
    },
  ];
  return (
    <Page
      name={document.document}
      kicker={`${document.document_type} · ${document.framework}${document.owner_department ? ` · ${document.owner_department}` : ''}`}
      title={
        <>
          {document.document} {document.title}
        </>
      }
    >
      <Panel title={t('document.where')}>
        {document.places.length > 0 ? (
          <DataTable
            caption={t('document.where')}
            columns={columns}
            rows={document.places}
            rowKey={(row) => row.place}
          />
        ) : (
          <p className="dim">{t('document.nothing_governs')}</p>
        )}
      </Panel>
      <Panel title={t('document.versions')}>
        <ol className="versions">
          {[...document.versions]
            .sort((a, b) => b.version - a.version)
            .map((version) => (
              <VersionItem key={version.version} document={document.document} version={version} />
            ))}
        </ol>
      </Panel>
    </Page>
  );
}

export function VersionState({ state }: { state: string }) {
  const { t } = useTranslation();
  const looks = {
    DRAFT: 'ring',
    IN_REVIEW: 'half',
    APPROVED: 'dot',
    WITHDRAWN: 'cross',
    RETIRED: 'dash',
  } as const;
  const shape = looks[state as keyof typeof looks] ?? 'ring';
  return (
    <Mark
      shape={shape}
      tone={shape === 'dot' ? 'allow' : shape === 'cross' ? 'deny' : 'none'}
      word={t(`version_state.${state}` as 'version_state.DRAFT', { defaultValue: state })}
    />
  );
}

export function EffectiveList({ version }: { version: Version }) {
  const { t } = useTranslation();
  // The later statement for a place wins; the earlier ones stay in the trail.
  const latest = new Map<string, Version['effective'][number]>();
  const stated = [...version.effective].sort((a, b) =>
    (a.recorded_at ?? '').localeCompare(b.recorded_at ?? ''),
  );
  for (const each of stated) latest.set(each.place, each);
  if (latest.size === 0) return <span className="dim">–</span>;
  return (
    <ul className="plain-list">
      {[...latest.values()].map((each) => {
        const place = each.place === '*' ? t('document.every_site') : each.place;
        const status = version.places.find((one) => one.place === each.place)?.status;
        return (
          <li key={each.place}>
            {each.on ? (
              <Day on={each.on} place={place} />
            ) : each.at ? (
              <DateTime at={each.at} place={each.place} />
            ) : (
              `${place}: ${each.at_approval ? t('document.at_approval') : t('document.gated')}`
            )}
            {status ? (
              <span className="dim">
                {' '}
                · {t(`place_status.${status}` as 'place_status.EFFECTIVE', { defaultValue: status })}
              </span>
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}

export function Files({ content }: { content: Content[] }) {
  const { i18n } = useTranslation();
  if (content.length === 0) return <span className="dim">–</span>;
  return (
    <ul className="plain-list">
      {content.map((file) => (
        <li key={file.sha256}>
          <a href={`/api/content/${file.sha256}`} target="_blank" rel="noreferrer">
            {languageName(file.language, i18n.language)}
          </a>{' '}
          <span className="dim small">
            {file.media_type}, {Math.ceil(file.size / 1024)} kB
          </span>{' '}
          <span className="dim small mono break">{file.sha256}</span>
        </li>
      ))}
    </ul>
  );
}

function VersionItem({ document, version }: { document: string; version: Version }) {
  const { t } = useTranslation();
  const can = useCan();
  return (
    <li className="version-item">
      <header>
        <h3>v{version.version}</h3>
        <VersionState state={version.state} />
        {can('record.sign_own') && version.state === 'APPROVED' && version.content.length > 0 ? (
          <Button
            component={Link}
            to={`/read/${encodeURIComponent(document)}/${version.version}`}
            variant="default"
            size="xs"
            leftSection={<IconFileText size={16} />}
          >
            {t('document.read')}
          </Button>
        ) : null}
        <VersionActs version={version} />
      </header>
      {version.summary ? <p>{version.summary}</p> : null}
      <Facts
        facts={[
          [t('document.effective'), <EffectiveList key="e" version={version} />],
          [
            t('document.approved'),
            version.approved_at ? (
              <DateTime key="a" at={version.approved_at} zone="UTC" />
            ) : (
              <Day key="a" on={version.approved_on} />
            ),
          ],
          [
            t('document.decision'),
            version.training_decision
              ? t(`decision.${version.training_decision}` as 'decision.read', {
                  defaultValue: version.training_decision,
                })
              : null,
          ],
          [
            t('document.class'),
            version.change_class
              ? t(`change_class.${version.change_class}` as 'change_class.major', {
                  defaultValue: version.change_class,
                })
              : null,
          ],
          [
            t('document.change'),
            version.change ? (
              <Link key="c" to="/changes/$change" params={{ change: version.change }}>
                {version.change}
              </Link>
            ) : null,
          ],
          [t('document.files'), <Files key="f" content={version.content} />],
        ]}
      />
    </li>
  );
}
