import { Button, SegmentedControl, Select } from '@mantine/core';
import {
  IconArrowLeft,
  IconArrowRight,
  IconCheck,
  IconCircle,
  IconCircleCheckFilled,
  IconSignature,
} from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { Content, Reading, Section, SignatureReceipt } from '../api/types.ts';
import { SignDialog, type SigningRequest } from '../components/dialogs.tsx';
import { useLeave } from '../components/Layout.tsx';
import { Facts, Page } from '../components/Page.tsx';
import { Prose } from '../components/Prose.tsx';
import { DateTime, DocumentRef } from '../components/refs.tsx';
import { ActProblem, Answer, Waiting } from '../components/states.tsx';
import { useAsOf, useSession } from '../lib/context.ts';
import { textOf } from '../lib/sections.ts';

const PdfPages = lazy(() => import('../components/PdfPages.tsx'));

/** Read and sign: one section a screen; signing wakes when every section was opened. */
export function Read() {
  const { document, version } = useParams({ from: '/app/read/$document/$version' });
  // Without one the server takes the reader's own language.
  const [language, setLanguage] = useState<string>();
  const reading = useQuery({
    ...queries.reading(document, Number(version), language),
    refetchOnWindowFocus: false,
  });
  return (
    <Answer query={reading} page>
      {(data) => (
        <Reader
          key={`${document}/${version}/${data.content.sha256}`}
          reading={data}
          setLanguage={setLanguage}
        />
      )}
    </Answer>
  );
}

function Reader({ reading, setLanguage }: { reading: Reading; setLanguage: (language: string) => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { past } = useAsOf();
  const { kiosk } = useSession();
  const { content, languages } = reading;
  const [at, setAt] = useState(() =>
    Math.max(
      0,
      reading.sections.findIndex((section) => section.first_opened_at === null),
    ),
  );
  const [size, setSize] = useState('m');
  const [request, setRequest] = useState<SigningRequest | null>(null);
  const [receipt, setReceipt] = useState<SignatureReceipt | null>(null);
  const [opened, setOpened] = useState(
    () => new Set(reading.sections.filter((section) => section.first_opened_at).map((section) => section.id)),
  );
  const section = reading.sections[at];
  const document = useQuery(queries.document(reading.document));
  // Where each section begins and ends is known to the owner of the document.
  const version = document.data?.versions.find((each) => each.version === reading.version);
  const sections = useMemo(
    () =>
      reading.sections.map((each) => ({ ...version?.sections.find((one) => one.id === each.id), ...each })),
    [reading.sections, version],
  );
  const changed = new Set(version?.sections_changed ?? []);

  const open = useMutation({
    mutationFn: (id: string) =>
      api.post(
        `/api/reading/${encodeURIComponent(reading.document)}/${reading.version}/sections/${encodeURIComponent(id)}/opened`,
        {
          language: content.language,
        },
      ),
    // Only what the server knows counts as opened; a lost network is retried when the reader comes back to it.
    onSuccess: (_, id) => setOpened((old) => new Set(old).add(id)),
    retry: 3,
  });
  const { mutate } = open;
  const sent = useRef('');
  const sectionId = section?.id;
  useEffect(() => {
    const key = `${sectionId} ${content.sha256}`;
    if (!sectionId || past || sent.current === key) return;
    sent.current = key;
    mutate(sectionId);
  }, [sectionId, content.sha256, past, mutate]);

  const unread = reading.sections.filter((each) => !opened.has(each.id));
  const top = useRef<HTMLDivElement>(null);
  const go = (index: number) => {
    setAt(index);
    top.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  };

  if (receipt) return <Receipt reading={reading} receipt={receipt} />;
  return (
    <Page
      width="reading"
      name={`${reading.document} v${reading.version}`}
      kicker={
        <Link to="/" className="back">
          <IconArrowLeft size={14} aria-hidden="true" /> {t('nav.training')}
        </Link>
      }
      title={
        <>
          <DocumentRef document={reading.document} version={reading.version} plain /> {reading.title}
        </>
      }
      lead={reading.summary ? `${t('read.changed')} ${reading.summary}` : undefined}
    >
      {reading.in_own_language ? null : <p className="note">{t('read.other_language')}</p>}
      {reading.signed.length > 0 ? (
        <p className="note">
          {t('read.already')}{' '}
          <Link to="/records/$record" params={{ record: reading.signed[0] ?? '' }} className="mono">
            {reading.signed[0]}
          </Link>
        </p>
      ) : null}
      <div className="reader">
        <nav className="reader-contents" aria-label={t('read.sections')}>
          <p className="reader-progress">
            {t('read.progress', { done: opened.size, total: reading.sections.length })}
            <progress
              value={opened.size}
              max={Math.max(1, reading.sections.length)}
              aria-label={t('read.sections')}
            />
          </p>
          <ol>
            {reading.sections.map((each, index) => (
              <li key={each.id}>
                <button
                  type="button"
                  className="reader-section"
                  aria-current={index === at ? 'true' : undefined}
                  onClick={() => go(index)}
                  data-stop=""
                >
                  {opened.has(each.id) ? (
                    <IconCircleCheckFilled size={18} className="tone-allow" aria-hidden="true" />
                  ) : (
                    <IconCircle size={18} aria-hidden="true" />
                  )}
                  <span>
                    {each.title}{' '}
                    {changed.has(each.id) ? (
                      <span className="count">{t('document.changed_section')}</span>
                    ) : null}
                  </span>
                  <span className="visually-hidden">
                    {opened.has(each.id) ? t('read.opened') : t('read.not_opened')}
                  </span>
                </button>
              </li>
            ))}
          </ol>
          <div className="reader-tools">
            {languages.length > 1 ? (
              <Select
                label={t('read.language')}
                data={languages.map((code) => ({ value: code, label: languageName(code, i18n.language) }))}
                value={content.language}
                allowDeselect={false}
                onChange={(code) => code && setLanguage(code)}
              />
            ) : null}
            <div>
              <p className="label" id="text-size">
                {t('read.size')}
              </p>
              <SegmentedControl
                aria-labelledby="text-size"
                value={size}
                onChange={setSize}
                data={[
                  { value: 's', label: 'A' },
                  { value: 'm', label: 'A+' },
                  { value: 'l', label: 'A++' },
                ]}
              />
            </div>
          </div>
        </nav>
        <div className="reader-page" data-size={size} ref={top} tabIndex={-1}>
          <SectionText content={content} index={at} sections={sections} title={section?.title ?? ''} />
          <ActProblem error={open.error} />
          <div className="reader-steps">
            <Button
              variant="default"
              size="md"
              leftSection={<IconArrowLeft size={18} />}
              disabled={at === 0}
              onClick={() => go(at - 1)}
            >
              {t('read.previous')}
            </Button>
            {at < reading.sections.length - 1 ? (
              <Button
                size="md"
                variant={unread.length > 0 ? 'filled' : 'default'}
                rightSection={<IconArrowRight size={18} />}
                onClick={() => go(at + 1)}
              >
                {t('read.next')}
              </Button>
            ) : null}
          </div>
          <div className="reader-sign">
            <Button
              size="lg"
              className="wrap-button"
              leftSection={<IconSignature size={20} />}
              disabled={unread.length > 0 || past}
              aria-describedby="sign-help"
              onClick={() =>
                setRequest({
                  service: 'records',
                  kind: 'reading',
                  key: `${reading.document}/${reading.version}`,
                  meaning: 'read_and_understood',
                  inputs: { language: content.language },
                  reason: t('read.reason'),
                })
              }
            >
              {t('read.sign', { document: reading.document, version: reading.version })}
            </Button>
            <p id="sign-help" className="dim">
              {past
                ? t('asof.no_acts')
                : unread.length > 0
                  ? t('read.sign_asleep', {
                      count: unread.length,
                      sections: unread.map((each) => each.title).join(', '),
                    })
                  : t('read.sign_awake')}
            </p>
          </div>
        </div>
      </div>
      <SignDialog
        request={request}
        title={t('read.sign_title', { document: reading.document, version: reading.version })}
        close={() => setRequest(null)}
        signed={(done) => {
          setRequest(null);
          setReceipt(done);
          // At a shared terminal the session has ended with the signature.
          if (kiosk) return;
          for (const path of [
            '/api/assignments',
            '/api/authorizations',
            '/api/records',
            '/api/qualification/cells',
          ])
            client.invalidateQueries({ queryKey: [path] });
        }}
      />
    </Page>
  );
}

type Lines = Partial<Pick<Section, 'line_from' | 'line_to'>>;

function SectionText(props: { content: Content; index: number; sections: Lines[]; title: string }) {
  const { t } = useTranslation();
  const { content, index, sections } = props;
  const markdown = content.media_type.startsWith('text/');
  const text = useQuery({ ...queries.content(content.sha256), enabled: markdown });
  const parts = useMemo(
    () => (text.data === undefined ? null : textOf(text.data, sections)),
    [text.data, sections],
  );
  if (markdown) {
    if (text.isError) return <ActProblem error={text.error} />;
    return parts ? <Prose text={parts[index] ?? ''} lang={content.language} /> : <Waiting />;
  }
  const section = sections[index];
  return (
    <>
      <Suspense fallback={<Waiting />}>
        <PdfPages
          sha256={content.sha256}
          from={section?.line_from ?? index + 1}
          to={section?.line_to ?? index + 2}
          title={props.title}
        />
      </Suspense>
      <p>
        <a href={`/api/content/${content.sha256}`} target="_blank" rel="noreferrer">
          {t('read.other_file')}
        </a>
      </p>
    </>
  );
}

/** What the signer takes away: the number of the record, and what was signed. */
function Receipt({ reading, receipt }: { reading: Reading; receipt: SignatureReceipt }) {
  const { t } = useTranslation();
  const { person, kiosk } = useSession();
  const leave = useLeave();
  const records = useQuery({
    ...queries.records({ person, item: reading.document, version: reading.version, limit: 1 }),
    staleTime: 0,
    enabled: !kiosk,
  });
  const record = records.data?.items[0];
  return (
    <Page width="form" title={t('receipt.title')} lead={t('receipt.lead')}>
      <div className="receipt" role="status">
        <IconCheck size={32} className="tone-allow" aria-hidden="true" />
        <Facts
          facts={[
            ...(kiosk
              ? []
              : [
                  [
                    t('receipt.record'),
                    record ? (
                      <Link
                        key="record"
                        to="/records/$record"
                        params={{ record: record.record }}
                        className="mono break"
                      >
                        {record.record}
                      </Link>
                    ) : (
                      '…'
                    ),
                  ] as [string, React.ReactNode],
                ]),
            [
              t('receipt.signature'),
              <span key="signature" className="mono break">
                {receipt.id}
              </span>,
            ],
            [
              t('receipt.document'),
              <DocumentRef key="document" document={reading.document} version={reading.version} plain />,
            ],
            [t('receipt.meaning'), receipt.meaning_text],
            [t('sign.printed_name'), receipt.printed_name],
            [
              t('receipt.signed_at'),
              <DateTime
                key="at"
                at={receipt.signed_at}
                place={reading.place}
                zone={receipt.time_zone}
                seconds
              />,
            ],
          ]}
        />
      </div>
      <div className="form-actions">
        {kiosk ? (
          <Button size="md" onClick={() => leave()}>
            {t('receipt.next_user')}
          </Button>
        ) : (
          <Button component={Link} to="/" size="md">
            {t('receipt.back')}
          </Button>
        )}
      </div>
    </Page>
  );
}

export function languageName(code: string, inLanguage: string): string {
  try {
    return new Intl.DisplayNames([inLanguage], { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}
