import { Button, Menu, Tabs, TextInput } from '@mantine/core';
import { IconChevronDown, IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { Account, Grant, OneTimePassword } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { ActDialog } from '../components/dialogs.tsx';
import { Mark } from '../components/Mark.tsx';
import { Page } from '../components/Page.tsx';
import { DateTime, PersonRef } from '../components/refs.tsx';
import { Secret } from '../components/Secret.tsx';
import { Answer, Empty } from '../components/states.tsx';
import { useAsOf, useCan, useSession } from '../lib/context.ts';
import { AccountDialog, GrantDialog, scopeText, useRoleTitle } from './AccountDialogs.tsx';
import { Tokens } from './Tokens.tsx';

export function Access() {
  const { t } = useTranslation();
  const search = useSearch({ from: '/app/access' });
  const navigate = useNavigate({ from: '/access' });
  return (
    <Page title={t('access.title')} lead={t('access.lead')}>
      <Tabs
        value={search.tab ?? 'accounts'}
        onChange={(tab) =>
          navigate({ search: (old) => ({ ...old, tab: tab === 'tokens' ? 'tokens' : undefined }) })
        }
        keepMounted={false}
      >
        <Tabs.List>
          <Tabs.Tab value="accounts">{t('access.accounts')}</Tabs.Tab>
          <Tabs.Tab value="tokens">{t('access.tokens')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="accounts">
          <Accounts />
        </Tabs.Panel>
        <Tabs.Panel value="tokens">
          <Tokens />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

type Act = 'lock' | 'unlock' | 'disable' | 'password-reset' | 'holder-proved';
function actsFor(account: Account): Act[] {
  if (account.status === 'DISABLED') return [];
  return [
    account.status === 'ACTIVE' ? 'lock' : 'unlock',
    'password-reset',
    ...(account.signing_blocked ? (['holder-proved'] as const) : []),
    'disable',
  ];
}

type Open =
  | { kind: 'grant'; account: Account }
  | { kind: 'act'; act: Act; account: Account }
  | { kind: 'revoke'; account: Account; grant: Grant }
  | { kind: 'new' }
  | null;

function Accounts() {
  const { t } = useTranslation();
  const can = useCan();
  const { past } = useAsOf();
  const session = useSession();
  const client = useQueryClient();
  const accounts = useQuery(queries.accounts());
  const roleTitle = useRoleTitle();
  const [open, setOpen] = useState<Open>(null);
  const [password, setPassword] = useState<string | null>(null);
  const [filter, setFilter] = useState('');
  const close = () => {
    setOpen(null);
    client.invalidateQueries({ queryKey: ['/api/accounts'] });
  };
  const may = can('account.write') && !past;
  const columns: Column<Account>[] = [
    {
      id: 'username',
      header: t('access.username'),
      sort: (row) => row.username,
      cell: (row) => row.username,
    },
    {
      id: 'person',
      header: t('field.person'),
      sort: (row) => row.printed_name ?? row.person ?? '',
      cell: (row) =>
        row.person ? (
          <PersonRef person={row.person} plain />
        ) : (
          <span className="dim">{t('access.no_person')}</span>
        ),
    },
    {
      id: 'grants',
      header: t('access.roles'),
      cell: (row) => (
        <ul className="plain-list grants">
          {row.grants.map((grant) => (
            <li key={grant.grant}>
              {roleTitle(grant.role)}{' '}
              <span className="dim">{scopeText(grant.scope, t('access.every_site'))}</span>
            </li>
          ))}
          {row.grants.length === 0 ? <li className="dim">{t('access.none')}</li> : null}
        </ul>
      ),
    },
    {
      id: 'status',
      header: t('field.state'),
      sort: (row) => row.status,
      cell: (row) => (
        <>
          <Mark
            shape={row.status === 'ACTIVE' ? 'dot' : row.status === 'LOCKED' ? 'pause' : 'dash'}
            tone={row.status === 'ACTIVE' ? 'allow' : 'none'}
            word={t(`account_status.${row.status}` as 'account_status.ACTIVE', { defaultValue: row.status })}
          />
          {row.signing_blocked ? <div className="small dim">{t('access.signing_blocked')}</div> : null}
          {row.must_change_password ? <div className="small dim">{t('access.must_change')}</div> : null}
        </>
      ),
    },
    {
      id: 'last',
      header: t('access.last_login'),
      sort: (row) => row.last_login_at ?? '',
      cell: (row) => <DateTime at={row.last_login_at} place={session.site} />,
    },
    ...(may
      ? [
          {
            id: 'acts',
            header: t('access.acts'),
            cell: (row: Account) =>
              row.account === session.account ? (
                <span className="dim small">{t('access.own')}</span>
              ) : (
                <Menu withInitialFocusPlaceholder={false} position="bottom-end">
                  <Menu.Target>
                    <Button
                      variant="default"
                      size="compact-sm"
                      rightSection={<IconChevronDown size={14} />}
                      aria-label={t('access.change', { username: row.username })}
                    >
                      {t('access.change_short')}
                    </Button>
                  </Menu.Target>
                  <Menu.Dropdown>
                    <Menu.Item onClick={() => setOpen({ kind: 'grant', account: row })}>
                      {t('access.grant')}
                    </Menu.Item>
                    {row.grants.map((grant) => (
                      <Menu.Item
                        key={grant.grant}
                        onClick={() => setOpen({ kind: 'revoke', account: row, grant })}
                      >
                        {t('access.revoke', { role: roleTitle(grant.role) })}
                      </Menu.Item>
                    ))}
                    {actsFor(row).map((act) => (
                      <Menu.Item key={act} onClick={() => setOpen({ kind: 'act', act, account: row })}>
                        {t(`access.${act}`)}
                      </Menu.Item>
                    ))}
                  </Menu.Dropdown>
                </Menu>
              ),
          },
        ]
      : []),
  ];
  const wanted = filter.trim().toLowerCase();
  const path = (account: Account, rest: string) =>
    `/api/accounts/${encodeURIComponent(account.account)}/${rest}`;
  return (
    <>
      {password ? (
        <Secret title={t('access.password_once')} value={password} done={() => setPassword(null)} />
      ) : null}
      <fieldset className="filters">
        <legend className="visually-hidden">{t('common.filters')}</legend>
        <TextInput
          label={t('access.search')}
          type="search"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
        />
        {may ? (
          <Button leftSection={<IconPlus size={16} />} onClick={() => setOpen({ kind: 'new' })}>
            {t('access.new')}
          </Button>
        ) : null}
      </fieldset>
      <Answer query={accounts}>
        {({ items }) => {
          const rows = items.filter((row) =>
            `${row.username} ${row.person ?? ''} ${row.printed_name ?? ''} ${row.grants.map((grant) => grant.role).join(' ')}`
              .toLowerCase()
              .includes(wanted),
          );
          return rows.length === 0 ? (
            <Empty title={t('access.nobody')} />
          ) : (
            <DataTable
              caption={t('access.accounts')}
              columns={columns}
              rows={rows}
              rowKey={(row) => row.account}
            />
          );
        }}
      </Answer>
      {open?.kind === 'grant' ? <GrantDialog account={open.account} close={close} /> : null}
      {open?.kind === 'new' ? <AccountDialog close={close} made={setPassword} /> : null}
      {open?.kind === 'revoke' ? (
        <ActDialog
          title={t('access.revoke_title', {
            role: roleTitle(open.grant.role),
            username: open.account.username,
          })}
          act={t('access.revoke', { role: roleTitle(open.grant.role) })}
          danger
          opened
          close={close}
          run={(reason, key) =>
            api.post(
              path(open.account, `grants/${encodeURIComponent(open.grant.grant)}/revoke`),
              { reason },
              key,
            )
          }
        />
      ) : null}
      {open?.kind === 'act' ? (
        <ActDialog
          title={`${t(`access.${open.act}`)}: ${open.account.username}`}
          act={t(`access.${open.act}`)}
          danger={open.act === 'lock' || open.act === 'disable'}
          opened
          close={close}
          run={async (reason, key) => {
            const done = await api.post<Partial<OneTimePassword>>(
              path(open.account, open.act),
              { reason },
              key,
            );
            if (done.one_time_password) setPassword(done.one_time_password);
          }}
        >
          {open.act === 'password-reset' ? <p className="note">{t('access.reset_effect')}</p> : null}
        </ActDialog>
      ) : null}
    </>
  );
}
