import { Button, Modal, PasswordInput, Textarea } from '@mantine/core';
import { IconSignature } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, newKey, Problem } from '../api/client.ts';
import type { SignatureReceipt, SigningIntent } from '../api/types.ts';
import { useNow } from '../lib/context.ts';
import { withOffset } from '../lib/time.ts';
import { Facts } from './Page.tsx';
import { DateTime, Day } from './refs.tsx';
import { ActProblem, ErrorState, Waiting } from './states.tsx';

/** A command with its reason. The key is the dialog's, so that pressing twice does it once. */
export function ActDialog(props: {
  title: string;
  act: string;
  opened: boolean;
  close: () => void;
  run: (reason: string, key: string) => Promise<unknown>;
  ready?: boolean;
  danger?: boolean;
  size?: 'lg';
  children?: React.ReactNode | ((error: unknown) => React.ReactNode);
}) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const [key, setKey] = useState(newKey);
  const mutation = useMutation({
    mutationFn: () => props.run(reason.trim(), key),
    onSuccess: () => {
      setReason('');
      setKey(newKey());
      props.close();
    },
    // The same key must not bring another content.
    onError: (error) => error instanceof Problem && setKey(newKey()),
  });
  const close = () => {
    mutation.reset();
    props.close();
  };
  return (
    <Modal
      opened={props.opened}
      onClose={close}
      title={props.title}
      size={props.size}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          mutation.mutate();
        }}
      >
        {typeof props.children === 'function' ? props.children(mutation.error) : props.children}
        <Textarea
          label={t('common.reason')}
          description={t('common.reason_help')}
          required
          autosize
          minRows={2}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <ActProblem error={mutation.error} />
        <div className="form-actions">
          <Button variant="default" onClick={close}>
            {t('common.cancel')}
          </Button>
          <Button
            type="submit"
            color={props.danger ? 'red' : undefined}
            loading={mutation.isPending}
            disabled={reason.trim() === '' || props.ready === false}
          >
            {props.act}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

export interface SigningRequest {
  service: string;
  kind: string;
  key: string;
  meaning: string;
  inputs?: Record<string, unknown>;
  reason: string;
}

/**
 * An electronic signature: what exactly is signed, its meaning, the printed name, date and time with zone, and a fresh
 * proof of identity (21 CFR 11.50, 11.200). Nothing is prepared before it is opened.
 */
export function SignDialog(props: {
  request: SigningRequest | null;
  title: React.ReactNode;
  close: () => void;
  signed: (receipt: SignatureReceipt) => void;
  children?: React.ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={props.request !== null}
      onClose={props.close}
      title={props.title}
      size="lg"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {props.request ? (
        <Signing key={JSON.stringify(props.request)} {...props} request={props.request} />
      ) : null}
    </Modal>
  );
}

function Signing(props: {
  request: SigningRequest;
  close: () => void;
  signed: (receipt: SignatureReceipt) => void;
  children?: React.ReactNode;
}) {
  const { t } = useTranslation();
  const { now } = useNow();
  const [password, setPassword] = useState('');
  const asked = useRef(false);
  const prepare = useMutation({
    mutationFn: () => api.post<SigningIntent>('/api/signing/intents', props.request),
  });
  const confirm = useMutation({
    mutationFn: (intent: SigningIntent) =>
      api.post<SignatureReceipt>(`/api/signing/intents/${intent.id}/confirm`, { password }),
    onSuccess: props.signed,
    onError: () => setPassword(''),
  });
  const { mutate } = prepare;
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    mutate();
  }, [mutate]);

  if (prepare.error instanceof Problem && prepare.error.errors.length > 0)
    return <ActProblem error={prepare.error} />;
  if (prepare.isError)
    return (
      <ErrorState
        error={prepare.error}
        retry={prepare.error instanceof Problem && prepare.error.status < 500 ? undefined : () => mutate()}
      />
    );
  const intent = prepare.data;
  if (!intent) return <Waiting rows={5} />;

  const wrong = confirm.error instanceof Problem && confirm.error.status === 401;
  const over =
    confirm.error instanceof Problem && (confirm.error.status === 409 || confirm.error.status === 410);
  const place = typeof intent.display.place === 'string' ? intent.display.place : null;
  const shown = Object.entries(intent.display).filter(
    ([term]) => !['title', 'place', 'time_zone'].includes(term),
  );
  // What a signer weighs stands first; ids and the form of the statement stand with everything else that is covered.
  const isLong = ([term, value]: [string, unknown]) =>
    FORM.has(term) ||
    (typeof value === 'object' && value !== null) ||
    String(value).length > 40 ||
    UUID.test(String(value));
  const short = shown.filter((each) => !isLong(each));
  const long = shown.filter(isLong);
  const decline = () => {
    api
      .post(`/api/signing/intents/${intent.id}/decline`, { reason: 'declined by the signer' })
      .catch(() => undefined);
    props.close();
  };
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate(intent);
      }}
    >
      {typeof intent.display.title === 'string' ? <p className="sign-title">{intent.display.title}</p> : null}
      <p className="sign-meaning">{intent.meaning_text}</p>
      {props.children}
      <div className="sign-facts">
        <Facts
          facts={[
            [t('sign.printed_name'), <strong key="name">{intent.printed_name}</strong>],
            [
              t('sign.at'),
              <DateTime
                key="at"
                at={withOffset(now, intent.time_zone)}
                place={place}
                zone={intent.time_zone}
              />,
            ],
          ]}
        />
        <Facts facts={short.map(([term, value]) => [label(term), show(value, intent.time_zone, place)])} />
      </div>
      <details className="sign-all" open={props.request.kind !== 'reading'}>
        <summary>{t('sign.all')}</summary>
        <Facts
          facts={[
            ...long.map(([term, value]): [string, React.ReactNode] => [
              label(term),
              show(value, intent.time_zone, place),
            ]),
            [
              t('sign.digest'),
              <span key="digest" className="mono small break">
                {intent.digest}
              </span>,
            ],
          ]}
        />
      </details>
      {over ? (
        <>
          <ActProblem error={confirm.error} />
          <div className="form-actions">
            <Button
              onClick={() => {
                confirm.reset();
                mutate();
              }}
            >
              {t('sign.show_again')}
            </Button>
          </div>
        </>
      ) : (
        <div className="sign-act">
          <PasswordInput
            label={t('sign.password')}
            description={t('sign.password_help')}
            size="md"
            required
            autoComplete="current-password"
            data-autofocus
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={wrong ? t('sign.wrong') : undefined}
            visibilityToggleButtonProps={{ 'aria-label': t('common.show_password') }}
          />
          {wrong ? null : <ActProblem error={confirm.error} />}
          <div className="form-actions">
            <Button variant="default" size="md" onClick={decline}>
              {t('sign.decline')}
            </Button>
            <Button
              type="submit"
              size="md"
              className="wrap-button"
              leftSection={<IconSignature size={18} />}
              loading={confirm.isPending}
              disabled={password === ''}
            >
              {t('sign.act', { meaning: intent.meaning_text })}
            </Button>
          </div>
        </div>
      )}
    </form>
  );
}

const FORM = new Set(['kind', 'meaning_edition']);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The owner of the record decides what is shown; a key such as `training_decision` is read as words. */
export function label(term: string): string {
  const words = term.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** A value as words: instants and days by the clock of the place, lists, and pairs of a term and a value. */
export function show(value: unknown, zone: string, place: string | null): React.ReactNode {
  if (value === null || value === undefined || value === '') return <span className="dim">–</span>;
  if (Array.isArray(value)) {
    if (value.length === 0) return <span className="dim">–</span>;
    return (
      <ul className="plain-list">
        {value.map((item) => (
          <li key={JSON.stringify(item)}>{show(item, zone, place)}</li>
        ))}
      </ul>
    );
  }
  if (typeof value === 'object')
    return Object.entries(value).map(([key, inner]) => (
      <span key={key} className="pair">
        <span className="dim">{label(key)}</span> {show(inner, zone, place)}{' '}
      </span>
    ));
  const text = String(value);
  if (INSTANT.test(text)) return <DateTime at={text} place={place} zone={zone} seconds />;
  if (DAY.test(text)) return <Day on={text} place={place === '*' ? null : place} />;
  return DIGEST.test(text) ? <span className="mono small break">{text}</span> : text;
}
