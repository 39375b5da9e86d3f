import { Button, Menu, useMantineColorScheme } from '@mantine/core';
import {
  IconActivity,
  IconBook2,
  IconCheckbox,
  IconClock,
  IconFileImport,
  IconGridDots,
  IconInfoCircle,
  IconKey,
  IconLogout,
  IconMoon,
  IconReplace,
  IconSearch,
  IconSun,
  IconUser,
  IconUsers,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useMatches, useNavigate, useRouterState } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { languages, setLanguage } from '../i18n/index.ts';
import { useAsOf, useCan, useNow, useSession, useSites } from '../lib/context.ts';
import { withOffset } from '../lib/time.ts';
import { AsOfControl } from './AsOf.tsx';
import { Palette } from './Palette.tsx';
import { DateTime } from './refs.tsx';
import { Shortcuts, useShortcuts } from './Shortcuts.tsx';

export const NAVIGATION = [
  { to: '/', key: 'training', icon: IconCheckbox, actions: ['record.sign_own'] },
  { to: '/compliance', key: 'compliance', icon: IconGridDots, actions: ['report.read'] },
  { to: '/people', key: 'people', icon: IconUsers, actions: ['person.read'] },
  { to: '/documents', key: 'documents', icon: IconBook2, actions: ['document.read'] },
  { to: '/changes', key: 'changes', icon: IconReplace, actions: ['change.read'] },
  { to: '/import', key: 'import', icon: IconFileImport, actions: ['import.run', 'import.accept'] },
  { to: '/access', key: 'access', icon: IconKey, actions: ['account.read'] },
  { to: '/health', key: 'health', icon: IconActivity, actions: ['health.read'] },
  { to: '/about', key: 'about', icon: IconInfoCircle, actions: ['session.own'] },
] as const;

/** Everything that surrounds a page: the bar, the way around, the keys, and the lock of a tablet left alone. */
export function Layout() {
  const { t } = useTranslation();
  const can = useCan();
  const { past } = useAsOf();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  useShortcuts({ palette: () => setPalette(true), help: () => setHelp(true) });
  useLock();
  useFocusOnNavigation();
  useEffect(() => {
    document.documentElement.toggleAttribute('data-past', past);
    return () => document.documentElement.removeAttribute('data-past');
  }, [past]);

  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t('nav.skip')}
      </a>
      <Bar search={() => setPalette(true)} help={() => setHelp(true)} />
      <nav className="nav" aria-label={t('nav.label')}>
        {NAVIGATION.filter((entry) => can(...entry.actions)).map(({ to, key, icon: Icon }) => (
          <Link
            key={to}
            to={to}
            className="nav-link"
            activeOptions={{ exact: to === '/' }}
            activeProps={{ 'aria-current': 'page' }}
          >
            <Icon size={18} stroke={1.7} aria-hidden="true" />
            {t(`nav.${key}`)}
          </Link>
        ))}
      </nav>
      <main id="content" className="content" tabIndex={-1}>
        {past ? <Moment /> : null}
        <Outlet />
      </main>
      <Palette opened={palette} close={() => setPalette(false)} />
      <Shortcuts opened={help} close={() => setHelp(false)} />
    </div>
  );
}

function Bar({ search, help }: { search: () => void; help: () => void }) {
  const { t, i18n } = useTranslation();
  const session = useSession();
  const sites = useSites();
  const { now, movable } = useNow();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leave = useLeave();
  const site = sites.all.find((unit) => unit.code === session.site);
  return (
    <header className="bar">
      <Link to="/" className="brand">
        <img src="/icon.svg" alt="" width="24" height="24" />
        <span>Attest</span>
      </Link>
      <span className="bar-site">
        {session.site ?? t('bar.all_sites')}{' '}
        {site ? <span className="bar-site-title">{site.title}</span> : null}
      </span>
      {movable ? (
        <span className="bar-clock">
          <IconClock size={16} aria-hidden="true" />
          <span>{t('bar.demo_clock')}</span>{' '}
          <DateTime at={withOffset(now, sites.zone(session.site))} place={session.site} />
        </span>
      ) : null}
      <span className="bar-space" />
      <button type="button" className="bar-search" onClick={search}>
        <IconSearch size={16} aria-hidden="true" />
        <span>{t('bar.search')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <AsOfControl />
      <Menu withInitialFocusPlaceholder={false} position="bottom-end" width={240}>
        <Menu.Target>
          <Button variant="subtle" color="gray" className="bar-button" leftSection={<IconUser size={16} />}>
            {session.printed_name}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            {session.grants.map((grant) => roleText(grant.role, grant.scope.site)).join(', ') ||
              session.username}
          </Menu.Label>
          <Menu.Item
            leftSection={colorScheme === 'dark' ? <IconSun size={16} /> : <IconMoon size={16} />}
            onClick={() => setColorScheme(colorScheme === 'dark' ? 'light' : 'dark')}
          >
            {colorScheme === 'dark' ? t('bar.light') : t('bar.dark')}
          </Menu.Item>
          {session.person ? (
            <Menu.Item
              leftSection={<IconUser size={16} />}
              component={Link}
              to={`/people/${encodeURIComponent(session.person)}`}
            >
              {t('bar.mine')}
            </Menu.Item>
          ) : null}
          <Menu.Item leftSection={<IconKey size={16} />} component={Link} to="/password">
            {t('bar.password')}
          </Menu.Item>
          <Menu.Item leftSection={<kbd>?</kbd>} onClick={help}>
            {t('keys.title')}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label>{t('bar.language')}</Menu.Label>
          {Object.entries(languages).map(([code, name]) => (
            <Menu.Item
              key={code}
              lang={code}
              aria-current={i18n.language === code ? 'true' : undefined}
              onClick={() => setLanguage(code)}
            >
              {name}
              {i18n.language === code ? ' ✓' : ''}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button
        variant="default"
        className="bar-button"
        leftSection={<IconLogout size={16} />}
        onClick={() => leave()}
      >
        {t('bar.change_user')}
      </Button>
    </header>
  );
}

/**
 * The moment that the page is about, where paper has no bar. On a page that cannot go back it says so on the screen
 * too: it would otherwise pass for the answer of then.
 */
function Moment() {
  const { t } = useTranslation();
  const { at, known } = useAsOf();
  const { site } = useSession();
  const goesBack = useMatches({
    select: (matches) => matches.some((match) => match.staticData.goesBack === true),
  });
  if (!goesBack)
    return (
      <p className="note moment" role="status">
        {t('asof.stays')}
      </p>
    );
  return (
    <p className="print-only">
      {t('asof.as_of')} {at ? <DateTime at={at} place={site} /> : t('asof.now')}
      {', '}
      {known ? (
        <>
          {t('asof.known_at')} <DateTime at={known} place={site} />
        </>
      ) : (
        t('asof.known_now')
      )}
    </p>
  );
}

export function roleText(role: string, site?: string | null): string {
  const words = role.replaceAll('_', ' ');
  return site ? `${words} ${site}` : words;
}

/** Ends the session and forgets everything that the page knew, so that the next user sees nothing of it. */
export function useLeave(): (locked?: boolean) => Promise<void> {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useCallback(
    async (locked?: boolean) => {
      await api.delete('/api/session').catch(() => undefined);
      await client.cancelQueries();
      client.clear();
      await navigate({
        to: '/login',
        search: { locked: locked ? true : undefined, at: undefined, known: undefined },
      });
    },
    [client, navigate],
  );
}

/** Locks a page that nobody touches. The server ends the session by itself; this hides what is on the screen. */
function useLock(): void {
  const { idle_seconds } = useSession();
  const leave = useLeave();
  useEffect(() => {
    if (!idle_seconds) return;
    let timer = setTimeout(() => leave(true), idle_seconds * 1000);
    const touched = () => {
      clearTimeout(timer);
      timer = setTimeout(() => leave(true), idle_seconds * 1000);
    };
    const kinds = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove'] as const;
    for (const kind of kinds) document.addEventListener(kind, touched, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const kind of kinds) document.removeEventListener(kind, touched);
    };
  }, [idle_seconds, leave]);
}

/** A new page begins at its heading, for the eye and for a screen reader. */
function useFocusOnNavigation(): void {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const last = useRef(path);
  useEffect(() => {
    if (last.current === path) return;
    last.current = path;
    document.getElementById('content')?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [path]);
}
