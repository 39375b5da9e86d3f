import { Alert, Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconInbox, IconLock, IconPlugConnectedX } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem, Unreachable } from '../api/client.ts';

/** The designed states of every list and page: what happened, what to do, who can help. */
function State(props: {
  icon: React.ReactNode;
  title: string;
  children?: React.ReactNode;
  action?: React.ReactNode;
  alert?: boolean;
  /** It stands for the whole page, so its title is the heading. */
  page?: boolean;
}) {
  return (
    <div className="state" role={props.alert ? 'alert' : undefined}>
      <div className="state-icon" aria-hidden="true">
        {props.icon}
      </div>
      {props.page ? (
        <h1 className="state-title">{props.title}</h1>
      ) : (
        <p className="state-title">{props.title}</p>
      )}
      {props.children ? <div className="state-text">{props.children}</div> : null}
      {props.action}
    </div>
  );
}

export function Empty(props: { title: string; children?: React.ReactNode; action?: React.ReactNode }) {
  return <State icon={<IconInbox size={28} stroke={1.5} />} {...props} />;
}

export function ErrorState({ error, retry, page }: { error: unknown; retry?: () => void; page?: boolean }) {
  const { t } = useTranslation();
  const action = retry ? (
    <Button variant="default" onClick={retry}>
      {t('state.retry')}
    </Button>
  ) : undefined;
  if (error instanceof Problem && error.status === 403)
    return (
      <State icon={<IconLock size={28} stroke={1.5} />} title={t('state.forbidden')} alert page={page}>
        {t('state.forbidden_help')}
      </State>
    );
  // A page asks only by its address: one that cannot be read names nothing.
  if (error instanceof Problem && (error.status === 404 || (page && error.status === 422)))
    return (
      <State icon={<IconInbox size={28} stroke={1.5} />} title={t('state.not_found')} alert page={page}>
        {t('state.not_found_help')}
      </State>
    );
  const unreachable = error instanceof Unreachable || (error instanceof Problem && error.status >= 502);
  const title = unreachable
    ? t('state.unreachable')
    : error instanceof Problem && error.status < 500
      ? error.title
      : t('state.failed');
  return (
    <State
      icon={
        unreachable ? (
          <IconPlugConnectedX size={28} stroke={1.5} />
        ) : (
          <IconAlertTriangle size={28} stroke={1.5} />
        )
      }
      title={title}
      action={action}
      alert
      page={page}
    >
      <p>
        {unreachable
          ? t('state.unreachable_help')
          : error instanceof Problem && error.detail
            ? error.detail
            : t('state.failed_help')}
      </p>
      {error instanceof Problem || error instanceof Unreachable ? (
        <p className="dim small">
          {t('state.reference')} <span className="mono">{error.correlation}</span>
        </p>
      ) : null}
    </State>
  );
}

/** What failed in an act, close to its button; fields show their own messages beside it. */
export function ActProblem({ error }: { error: unknown }) {
  const { t } = useTranslation();
  if (!error) return null;
  if (error instanceof Problem)
    return (
      <Alert
        color="red"
        variant="light"
        role="alert"
        icon={<IconAlertTriangle />}
        title={error.detail || error.title}
      >
        {error.errors.length > 0 ? (
          <ul className="plain-list">
            {error.errors.map((item) => (
              <li key={item.field + item.reason}>
                <span className="mono">{item.field}</span> {item.message}
              </li>
            ))}
          </ul>
        ) : null}
      </Alert>
    );
  return (
    <Alert
      color="red"
      variant="light"
      role="alert"
      icon={<IconPlugConnectedX />}
      title={t('state.unreachable')}
    >
      {t('state.outcome_unknown')}
    </Alert>
  );
}

export function Partial({ children }: { children: React.ReactNode }) {
  return (
    <Alert color="gray" variant="light" icon={<IconAlertTriangle />} className="partial">
      {children}
    </Alert>
  );
}

/** Grey bars in place of rows, shown only when the answer takes longer than a glance. */
export function Waiting({ rows = 6 }: { rows?: number }) {
  const { t } = useTranslation();
  const [shown, show] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => show(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="waiting" role="status">
      <span className="visually-hidden">{t('state.loading')}</span>
      {shown
        ? Array.from({ length: rows }, (_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the bars have no identity
            <Skeleton key={index} height={20} radius="sm" width={`${92 - ((index * 17) % 40)}%`} />
          ))
        : null}
    </div>
  );
}

/** One query: waiting, error, or its data. */
export function Answer<T>(props: {
  query: UseQueryResult<T, Error>;
  rows?: number;
  page?: boolean;
  children: (data: T) => React.ReactNode;
}) {
  const { query } = props;
  if (query.data !== undefined) return <>{props.children(query.data)}</>;
  if (query.isError)
    return <ErrorState error={query.error} retry={() => query.refetch()} page={props.page} />;
  return <Waiting rows={props.rows} />;
}
