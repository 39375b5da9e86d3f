import { Button, NumberInput, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { MachineToken } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { ActDialog } from '../components/dialogs.tsx';
import { fieldError } from '../components/fields.tsx';
import { Mark } from '../components/Mark.tsx';
import { DateTime } from '../components/refs.tsx';
import { Secret } from '../components/Secret.tsx';
import { Answer, Empty } from '../components/states.tsx';
import { useAsOf, useCan, useSession } from '../lib/context.ts';
import { RoleScope, scopeText, useRoleTitle } from './AccountDialogs.tsx';

/** Machine tokens: hashed on the server, shown once, expiring, revoked with a reason. */
export function Tokens() {
  const { t } = useTranslation();
  const can = useCan();
  const { past } = useAsOf();
  const session = useSession();
  const client = useQueryClient();
  const tokens = useQuery(queries.tokens());
  const roleTitle = useRoleTitle();
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<MachineToken | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const [name, setName] = useState('');
  const [role, setRole] = useState('');
  const [site, setSite] = useState('');
  const [days, setDays] = useState<number | string>(90);
  const renew = () => client.invalidateQueries({ queryKey: ['/api/tokens'] });
  const may = can('token.write') && !past;
  const columns: Column<MachineToken>[] = [
    { id: 'name', header: t('access.token_name'), sort: (row) => row.name, cell: (row) => row.name },
    {
      id: 'role',
      header: t('access.role'),
      cell: (row) => `${roleTitle(row.role)} ${scopeText(row.scope, t('access.every_site'))}`,
    },
    {
      id: 'created',
      header: t('access.created'),
      sort: (row) => row.created_at,
      cell: (row) => <DateTime at={row.created_at} place={session.site} />,
    },
    {
      id: 'expires',
      header: t('field.expires'),
      sort: (row) => row.expires_at ?? '',
      cell: (row) => <DateTime at={row.expires_at} place={session.site} />,
    },
    {
      id: 'state',
      header: t('field.state'),
      cell: (row) =>
        row.revoked_at ? (
          <Mark shape="dash" tone="none" word={t('access.revoked')} />
        ) : (
          <Mark shape="dot" tone="allow" word={t('access.valid')} />
        ),
    },
    ...(may
      ? [
          {
            id: 'acts',
            header: t('access.acts'),
            cell: (row: MachineToken) =>
              row.revoked_at ? null : (
                <Button
                  variant="default"
                  size="compact-sm"
                  onClick={() => setRevoking(row)}
                  aria-label={`${t('access.token_revoke')} ${row.name}`}
                >
                  {t('access.token_revoke')}
                </Button>
              ),
          },
        ]
      : []),
  ];
  return (
    <>
      {secret ? <Secret title={t('access.token_once')} value={secret} done={() => setSecret(null)} /> : null}
      {may ? (
        <div className="filters">
          <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
            {t('access.token_new')}
          </Button>
        </div>
      ) : null}
      <Answer query={tokens}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title={t('access.no_tokens')}>{t('access.no_tokens_help')}</Empty>
          ) : (
            <DataTable
              caption={t('access.tokens')}
              columns={columns}
              rows={items}
              rowKey={(row) => row.token}
            />
          )
        }
      </Answer>
      <ActDialog
        title={t('access.token_new')}
        act={t('access.token_act')}
        opened={creating}
        close={() => {
          setCreating(false);
          renew();
        }}
        ready={name.trim() !== '' && role !== ''}
        run={async (reason, key) => {
          const made = await api.post<{ secret: string }>(
            '/api/tokens',
            {
              name: name.trim(),
              role,
              scope: { site: site || null },
              expires_in_days: Number(days) || 90,
              reason,
            },
            key,
          );
          setSecret(made.secret);
        }}
      >
        {(error) => (
          <>
            <TextInput
              label={t('access.token_name')}
              required
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              error={fieldError(error, 'name')}
            />
            <RoleScope role={role} setRole={setRole} site={site} setSite={setSite} machine error={error} />
            <NumberInput
              label={t('access.token_days')}
              min={1}
              max={366}
              allowDecimal={false}
              value={days}
              onChange={setDays}
              hideControls
              error={fieldError(error, 'expires_in_days')}
            />
          </>
        )}
      </ActDialog>
      {revoking ? (
        <ActDialog
          title={`${t('access.token_revoke')}: ${revoking.name}`}
          act={t('access.token_revoke')}
          danger
          opened
          close={() => {
            setRevoking(null);
            renew();
          }}
          run={(reason, key) =>
            api.post(`/api/tokens/${encodeURIComponent(revoking.token)}/revoke`, { reason }, key)
          }
        />
      ) : null}
    </>
  );
}
