import { Button, Checkbox, PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, Problem, Unreachable } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { Session } from '../api/types.ts';
import { Page } from '../components/Page.tsx';
import { DateTime } from '../components/refs.tsx';
import { ActProblem } from '../components/states.tsx';
import { languages, setLanguage } from '../i18n/index.ts';
import { useSession } from '../lib/context.ts';

/** Whether this terminal is shared, remembered by the terminal. */
const KIOSK = 'attest-shared-terminal';

export function Login() {
  const { t, i18n } = useTranslation();
  const search = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const router = useRouter();
  const client = useQueryClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [kiosk, setKiosk] = useState(() => localStorage.getItem(KIOSK) === 'yes');
  const clock = useQuery(queries.clock());
  const login = useMutation({
    mutationFn: () => api.post<Session>('/api/session', { username: username.trim(), password, kiosk }),
    onSuccess: async () => {
      client.clear();
      // Only an address of this application: a link must not lead elsewhere after the login.
      const to = search.to && /^\/(?![/\\])/.test(search.to) ? search.to : '/';
      await client.fetchQuery(queries.session());
      if (to === '/') await navigate({ to: '/' });
      else router.history.push(to);
    },
    onError: () => setPassword(''),
  });
  const refused =
    login.error instanceof Problem && (login.error.status === 401 || login.error.status === 429);
  return (
    <div className="login">
      <main className="login-card">
        <p className="brand">
          <img src="/icon.svg" alt="" width="32" height="32" />
          <span>Attest</span>
        </p>
        <h1>{t('login.title')}</h1>
        <p className="lead" role="status">
          {search.locked ? t('login.locked') : t('login.lead')}
        </p>
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            login.mutate();
          }}
        >
          <TextInput
            label={t('login.username')}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            size="lg"
            required
            autoFocus
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <PasswordInput
            label={t('login.password')}
            name="password"
            autoComplete="current-password"
            size="lg"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            visibilityToggleButtonProps={{ 'aria-label': t('common.show_password') }}
          />
          <Checkbox
            label={t('login.shared')}
            description={t('login.shared_help')}
            checked={kiosk}
            onChange={(event) => {
              setKiosk(event.currentTarget.checked);
              localStorage.setItem(KIOSK, event.currentTarget.checked ? 'yes' : 'no');
            }}
          />
          {refused ? (
            <p className="field-error" role="alert">
              {login.error instanceof Problem && login.error.detail ? login.error.detail : t('login.refused')}
            </p>
          ) : login.error instanceof Problem || login.error instanceof Unreachable ? (
            <ActProblem error={login.error} />
          ) : null}
          <Button
            type="submit"
            size="lg"
            fullWidth
            loading={login.isPending}
            disabled={!username || !password}
          >
            {t('login.act')}
          </Button>
        </form>
        {clock.data?.movable ? (
          <p className="login-clock">
            {t('bar.demo_clock')} <DateTime at={clock.data.now} zone="UTC" />
          </p>
        ) : null}
        <p className="login-languages">
          {Object.entries(languages).map(([code, name]) => (
            <button
              key={code}
              type="button"
              lang={code}
              className="link-button"
              aria-pressed={i18n.language === code}
              onClick={() => setLanguage(code)}
            >
              {name}
            </button>
          ))}
        </p>
      </main>
    </div>
  );
}

/** One's own password; the first login of an administrator must pass here. */
export function Password() {
  const { t } = useTranslation();
  const session = useSession();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const change = useMutation({
    mutationFn: () =>
      api.post('/api/password', { current, new: next, reason: 'password changed by its owner' }),
    onSuccess: async () => {
      await client.fetchQuery({ ...queries.session(), staleTime: 0 });
      await navigate({ to: '/' });
    },
  });
  const differs = again !== '' && again !== next;
  const field = (name: string) => (change.error instanceof Problem ? change.error.forField(name) : undefined);
  const toggle = { 'aria-label': t('common.show_password') };
  return (
    <Page
      title={t('password.title')}
      lead={session.must_change_password ? t('password.must') : t('password.lead')}
      width="form"
    >
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <input type="text" name="username" autoComplete="username" value={session.username} readOnly hidden />
        <PasswordInput
          label={t('password.current')}
          autoComplete="current-password"
          required
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          error={field('current')}
          visibilityToggleButtonProps={toggle}
        />
        <PasswordInput
          label={t('password.new')}
          description={t('password.rule')}
          autoComplete="new-password"
          required
          minLength={12}
          value={next}
          onChange={(event) => setNext(event.currentTarget.value)}
          error={field('new')}
          visibilityToggleButtonProps={toggle}
        />
        <PasswordInput
          label={t('password.again')}
          autoComplete="new-password"
          required
          value={again}
          onChange={(event) => setAgain(event.currentTarget.value)}
          error={differs ? t('password.differs') : undefined}
          visibilityToggleButtonProps={toggle}
        />
        <ActProblem error={change.error} />
        <div className="form-actions">
          <Button
            type="submit"
            loading={change.isPending}
            disabled={!current || next.length < 12 || next !== again}
          >
            {t('password.act')}
          </Button>
        </div>
      </form>
    </Page>
  );
}
