import { PasswordInput, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { Account, GrantScope, OneTimePassword } from '../api/types.ts';
import { ActDialog } from '../components/dialogs.tsx';
import { fieldError, UnitSelect } from '../components/fields.tsx';

export function useRoleTitle(): (role: string) => string {
  const { data } = useQuery(queries.roles());
  return (role) => data?.items.find((each) => each.role === role)?.title ?? role.replaceAll('_', ' ');
}

export function scopeText(scope: GrantScope, all: string): string {
  const parts = [scope.site, scope.area, scope.job_function].filter(Boolean);
  return parts.length > 0 ? parts.join(' / ') : all;
}

export function RoleScope(props: {
  role: string;
  setRole: (role: string) => void;
  site: string;
  setSite: (site: string) => void;
  machine?: boolean;
  error: unknown;
}) {
  const { t } = useTranslation();
  const roles = useQuery(queries.roles());
  return (
    <div className="form-row">
      <Select
        label={t('access.role')}
        required
        data={(roles.data?.items ?? [])
          .filter((role) => (role.machine ?? false) === (props.machine ?? false))
          .map((role) => ({ value: role.role, label: role.title }))}
        value={props.role || null}
        onChange={(value) => props.setRole(value ?? '')}
        error={fieldError(props.error, 'role')}
      />
      <UnitSelect
        kind="site"
        label={t('access.scope_site')}
        description={t('access.scope_help')}
        value={props.site}
        set={props.setSite}
        error={fieldError(props.error, 'scope') ?? fieldError(props.error, 'site')}
      />
    </div>
  );
}

export function GrantDialog({ account, close }: { account: Account; close: () => void }) {
  const { t } = useTranslation();
  const [role, setRole] = useState('');
  const [site, setSite] = useState('');
  const [jobFunction, setJobFunction] = useState('');
  return (
    <ActDialog
      title={t('access.grant_title', { username: account.username })}
      act={t('access.grant_act', { username: account.username })}
      opened
      close={close}
      ready={role !== ''}
      run={(reason, key) =>
        api.post(
          `/api/accounts/${encodeURIComponent(account.account)}/grants`,
          { role, scope: { site: site || null, job_function: jobFunction || null }, reason },
          key,
        )
      }
    >
      {(error) => (
        <>
          <RoleScope role={role} setRole={setRole} site={site} setSite={setSite} error={error} />
          <UnitSelect
            kind="job_function"
            label={t('access.scope_function')}
            value={jobFunction}
            set={setJobFunction}
            error={fieldError(error, 'job_function')}
          />
        </>
      )}
    </ActDialog>
  );
}

/** Without a password the server makes one that is shown once. */
export function AccountDialog({ close, made }: { close: () => void; made: (password: string) => void }) {
  const { t } = useTranslation();
  const [username, setUsername] = useState('');
  const [person, setPerson] = useState('');
  const [password, setPassword] = useState('');
  return (
    <ActDialog
      title={t('access.new')}
      act={t('access.new_act')}
      opened
      close={close}
      ready={username.trim() !== '' && (password === '' || password.length >= 12)}
      run={async (reason, key) => {
        const done = await api.post<OneTimePassword>(
          '/api/accounts',
          { username: username.trim(), person: person.trim() || null, password: password || null, reason },
          key,
        );
        if (done.one_time_password) made(done.one_time_password);
      }}
    >
      {(error) => (
        <>
          <TextInput
            label={t('access.username')}
            required
            autoCapitalize="none"
            autoComplete="off"
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
            error={fieldError(error, 'username')}
          />
          <TextInput
            label={t('field.number')}
            description={t('access.person_help')}
            value={person}
            onChange={(event) => setPerson(event.currentTarget.value)}
            error={fieldError(error, 'person')}
          />
          <PasswordInput
            label={t('access.first_password')}
            description={t('access.first_password_help')}
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={fieldError(error, 'password')}
            visibilityToggleButtonProps={{ 'aria-label': t('common.show_password') }}
          />
        </>
      )}
    </ActDialog>
  );
}
