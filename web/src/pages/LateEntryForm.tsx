import { Button, Checkbox, FileInput, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, newKey, Problem } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import type { Person } from '../api/types.ts';
import { DayInput, DocumentSelect, fieldError, PersonSelect } from '../components/fields.tsx';
import { Page } from '../components/Page.tsx';
import { ActProblem, Answer } from '../components/states.tsx';
import { nameOf, useNow, useSession, useSites } from '../lib/context.ts';
import { dayOf, instantOf, withOffset, zoneName } from '../lib/time.ts';
import { holdsOn } from './Person.tsx';

const METHODS = ['R', 'Q', 'O'] as const;
const LIMIT = 20 * 1024 * 1024;

/** A paper record that was signed in ink earlier and is keyed now. */
export function LateEntryPage() {
  const { person } = useParams({ from: '/app/people/$person/late-entry' });
  const query = useQuery(queries.person(person));
  return (
    <Answer query={query} page>
      {(data) => <LateEntryForm key={person} person={data} />}
    </Answer>
  );
}

function LateEntryForm({ person }: { person: Person }) {
  const { t } = useTranslation();
  const session = useSession();
  const sites = useSites();
  const { now } = useNow();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [document, setDocument] = useState('');
  const [chosen, setVersion] = useState('');
  const [methods, setMethods] = useState<string[]>(['R']);
  const [day, setDay] = useState('');
  const [time, setTime] = useState('');
  const [result, setResult] = useState('PASS');
  const [score, setScore] = useState<number | string>('');
  const [evaluator, setEvaluator] = useState('');
  const [scan, setScan] = useState<File | null>(null);
  const [reason, setReason] = useState('');
  const [key, setKey] = useState(newKey);

  const known = useQuery({ ...queries.document(document), enabled: document !== '' });
  const versions = (known.data?.versions ?? [])
    .filter((each) => each.approved_at !== null || each.approved_on !== null)
    .sort((a, b) => b.version - a.version);
  // The newest is only proposed: which one the paper names, the reader of the paper knows.
  const version = chosen || String(versions[0]?.version ?? '');
  // The paper was signed where the person worked on that day, by the clock on that wall.
  const place = (person.places.find(holdsOn(day)) ?? person.places[person.places.length - 1])?.site;
  const zone = sites.zone(place);
  const quiz = methods.includes('Q');
  const job = methods.includes('O');
  const tooLarge = scan !== null && scan.size > LIMIT;

  const enter = useMutation({
    mutationFn: () => {
      const form = new FormData();
      if (scan) form.set('scan', scan);
      form.set('person', person.person);
      form.set('document', document);
      form.set('version', version);
      for (const method of methods) form.append('methods', method);
      form.set('ink_signed_at', withOffset(instantOf(day, time, zone), zone));
      form.set('result', result);
      if (quiz) form.set('score', String(score));
      if (job) form.set('evaluator', evaluator);
      form.set('reason', reason.trim());
      return api.upload('/api/records/late-entries', form, key);
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['/api/records/late-entries'] });
      await navigate({
        to: '/people/$person',
        params: { person: person.person },
        search: { tab: 'records' },
      });
    },
    onError: (error) => error instanceof Problem && setKey(newKey()),
  });
  const error = (name: string) => fieldError(enter.error, name);
  const ready =
    document &&
    version &&
    methods.length > 0 &&
    day &&
    time &&
    (!quiz || score !== '') &&
    (!job || evaluator) &&
    scan &&
    !tooLarge &&
    reason.trim();
  const title = t('late.title', { name: nameOf(person) });
  if (session.person === person.person)
    return (
      <Page title={title} width="form">
        <p className="note">{t('late.own')}</p>
      </Page>
    );
  return (
    <Page title={title} lead={t('late.lead')} width="form">
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          enter.mutate();
        }}
      >
        <fieldset className="form-part">
          <legend>{t('late.paper')}</legend>
          <div className="form-row">
            <DocumentSelect
              label={t('field.document')}
              required
              value={document}
              set={(value) => {
                setDocument(value);
                setVersion('');
              }}
              error={error('document')}
            />
            <Select
              label={t('late.version')}
              required
              allowDeselect={false}
              disabled={versions.length === 0}
              data={versions.map((each) => ({ value: String(each.version), label: `v${each.version}` }))}
              value={version || null}
              onChange={(value) => value && setVersion(value)}
              error={error('version')}
            />
          </div>
          <Checkbox.Group label={t('late.methods')} required value={methods} onChange={setMethods}>
            <div className="choices">
              {METHODS.map((method) => (
                <Checkbox key={method} value={method} label={t(`method.${method}`)} />
              ))}
            </div>
          </Checkbox.Group>
          <div className="form-row">
            <DayInput
              label={t('late.ink_day')}
              required
              max={dayOf(now, zone)}
              value={day}
              set={setDay}
              error={error('ink_signed_at')}
            />
            <TextInput
              type="time"
              label={
                <>
                  {t('late.ink_time')}{' '}
                  <span className="dim">{t('late.ink_zone', { place: place ?? zoneName(zone) })}</span>
                </>
              }
              required
              value={time}
              onChange={(event) => setTime(event.currentTarget.value)}
            />
          </div>
          <div className="form-row">
            <Select
              label={t('field.result')}
              allowDeselect={false}
              data={['PASS', 'FAIL'].map((value) => ({
                value,
                label: t(`result.${value}` as 'result.PASS'),
              }))}
              value={result}
              onChange={(value) => value && setResult(value)}
            />
            {quiz ? (
              <NumberInput
                label={t('late.score')}
                required
                min={0}
                max={100}
                hideControls
                value={score}
                onChange={setScore}
                error={error('score')}
              />
            ) : null}
            {job ? (
              <PersonSelect
                label={t('field.evaluator')}
                required
                value={evaluator}
                set={setEvaluator}
                error={error('evaluator')}
              />
            ) : null}
          </div>
          <FileInput
            label={t('late.scan')}
            description={t('late.scan_help')}
            required
            accept="application/pdf,image/png,image/jpeg,image/tiff"
            leftSection={<IconUpload size={16} />}
            placeholder={t('version.choose')}
            value={scan}
            onChange={setScan}
            error={tooLarge ? t('version.too_large') : error('scan')}
          />
        </fieldset>
        <Textarea
          label={t('late.reason')}
          description={t('common.reason_help')}
          required
          autosize
          minRows={2}
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          error={error('reason')}
        />
        <p className="note">{t('late.no_record_yet')}</p>
        <ActProblem error={enter.error} />
        <div className="form-actions">
          <Button component={Link} to={`/people/${encodeURIComponent(person.person)}`} variant="default">
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={enter.isPending} disabled={!ready}>
            {t('late.act')}
          </Button>
        </div>
      </form>
    </Page>
  );
}
