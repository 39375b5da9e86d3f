import { Button, Textarea, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { Change, ChangeRow } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { ActDialog } from '../components/dialogs.tsx';
import { fieldError } from '../components/fields.tsx';
import { Mark } from '../components/Mark.tsx';
import { Page } from '../components/Page.tsx';
import { DocumentRef, PersonRef } from '../components/refs.tsx';
import { Answer, Empty } from '../components/states.tsx';
import { useAsOf, useCan } from '../lib/context.ts';

export function ChangeState({ state }: { state: string }) {
  const { t } = useTranslation();
  const shape =
    state === 'APPROVED' ? 'dot' : state === 'CANCELLED' ? 'dash' : state === 'DRAFT' ? 'ring' : 'half';
  return (
    <Mark
      shape={shape}
      tone={shape === 'dot' ? 'allow' : 'none'}
      word={t(`change_state.${state}` as 'change_state.DRAFT', { defaultValue: state })}
    />
  );
}

export function Changes() {
  const { t } = useTranslation();
  const can = useCan();
  const { past } = useAsOf();
  const client = useQueryClient();
  const navigate = useNavigate();
  const changes = useQuery(queries.changes());
  const [drafting, setDrafting] = useState(false);
  const [title, setTitle] = useState('');
  const [id, setId] = useState('');
  const [risk, setRisk] = useState('');
  const made = useRef<string | null>(null);
  const columns: Column<ChangeRow>[] = [
    {
      id: 'change',
      header: t('field.change'),
      sort: (row) => row.change,
      width: '8rem',
      cell: (row) => (
        <Link to="/changes/$change" params={{ change: row.change }} className="ref">
          {row.change}
        </Link>
      ),
    },
    { id: 'title', header: t('field.title'), sort: (row) => row.title, cell: (row) => row.title },
    {
      id: 'state',
      header: t('field.state'),
      sort: (row) => row.state,
      cell: (row) => <ChangeState state={row.state} />,
    },
    {
      id: 'documents',
      header: t('field.document'),
      cell: (row) =>
        row.documents.map((each, index) => {
          const [document = each, version] = each.split('/');
          return (
            <span key={each}>
              {index > 0 ? ', ' : ''}
              <DocumentRef document={document} version={Number(version)} />
            </span>
          );
        }),
    },
    {
      id: 'author',
      header: t('field.author'),
      sort: (row) => row.author,
      cell: (row) => <PersonRef person={row.author} />,
    },
  ];
  const order = (change: ChangeRow) => (change.state === 'IN_REVIEW' ? 0 : change.state === 'DRAFT' ? 1 : 2);
  return (
    <Page
      title={t('nav.changes')}
      actions={
        can('change.write') && !past ? (
          <Button leftSection={<IconPlus size={16} />} onClick={() => setDrafting(true)}>
            {t('change.draft')}
          </Button>
        ) : null
      }
    >
      <Answer query={changes}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t('change.none')}>{t('change.none_help')}</Empty>
          ) : (
            <DataTable
              caption={t('nav.changes')}
              columns={columns}
              rows={[...items].sort((a, b) => order(a) - order(b))}
              rowKey={(row) => row.change}
            />
          )
        }
      </Answer>
      <ActDialog
        title={t('change.draft')}
        act={t('change.draft_act')}
        opened={drafting}
        close={() => {
          setDrafting(false);
          if (made.current) navigate({ to: '/changes/$change', params: { change: made.current } });
        }}
        ready={title.trim() !== ''}
        run={async (reason, key) => {
          const done = await api.post<Change>(
            '/api/changes',
            {
              change: id.trim() || undefined,
              title: title.trim(),
              risk_reason: risk.trim() || undefined,
              reason,
            },
            key,
          );
          await client.invalidateQueries({ queryKey: ['/api/changes'] });
          made.current = done.change;
        }}
      >
        {(error) => (
          <>
            <TextInput
              label={t('field.title')}
              required
              value={title}
              onChange={(event) => setTitle(event.currentTarget.value)}
              error={fieldError(error, 'title')}
            />
            <TextInput
              label={t('change.id')}
              description={t('change.id_help')}
              value={id}
              onChange={(event) => setId(event.currentTarget.value)}
              error={fieldError(error, 'change')}
            />
            <Textarea
              label={t('change.risk_reason')}
              description={t('change.risk_reason_help')}
              autosize
              minRows={2}
              value={risk}
              onChange={(event) => setRisk(event.currentTarget.value)}
              error={fieldError(error, 'risk_reason')}
            />
          </>
        )}
      </ActDialog>
    </Page>
  );
}
