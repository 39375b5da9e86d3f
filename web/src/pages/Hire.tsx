import { Button, Select, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, newKey, Problem } from '../api/client.ts';
import { fieldError } from '../components/fields.tsx';
import { Page } from '../components/Page.tsx';
import { ActProblem } from '../components/states.tsx';
import { EmploymentSelect, WorkFields } from '../components/WorkFields.tsx';
import { languages } from '../i18n/index.ts';
import { useSession } from '../lib/context.ts';

/** Hiring: the whole obligation set of the person follows from these fields. */
export function Hire() {
  const { t } = useTranslation();
  const session = useSession();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [form, setForm] = useState({
    person: '',
    given_name: '',
    family_name: '',
    email: '',
    employment: 'employee',
    site: session.site ?? '',
    department: '',
    area: '',
    job_function: '',
    function_from: '',
    shift: '',
    supervisor: '',
    hired_on: '',
    language: 'en',
    reason: '',
  });
  const [key, setKey] = useState(newKey);
  const set = (name: keyof typeof form) => (value: string) => setForm((old) => ({ ...old, [name]: value }));
  const hire = useMutation({
    mutationFn: () =>
      api.post<{ person: string }>(
        '/api/people',
        Object.fromEntries(Object.entries(form).filter(([, value]) => value !== '')),
        key,
      ),
    onSuccess: async (done) => {
      await client.invalidateQueries({ queryKey: ['/api/people'] });
      await navigate({ to: '/people/$person', params: { person: done.person } });
    },
    onError: (error) => error instanceof Problem && setKey(newKey()),
  });
  const error = (name: string) => fieldError(hire.error, name);
  return (
    <Page title={t('hire.title')} lead={t('hire.lead')} width="form">
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          hire.mutate();
        }}
      >
        <fieldset className="form-part">
          <legend>{t('hire.who')}</legend>
          <div className="form-row">
            <TextInput
              label={t('field.given_name')}
              required
              value={form.given_name}
              onChange={(event) => set('given_name')(event.currentTarget.value)}
              error={error('given_name')}
            />
            <TextInput
              label={t('field.family_name')}
              required
              value={form.family_name}
              onChange={(event) => set('family_name')(event.currentTarget.value)}
              error={error('family_name')}
            />
          </div>
          <div className="form-row">
            <TextInput
              label={t('field.number')}
              required
              description={t('hire.number_help')}
              value={form.person}
              onChange={(event) => set('person')(event.currentTarget.value)}
              error={error('person')}
            />
            <TextInput
              label={t('field.email')}
              type="email"
              description={t('hire.email_help')}
              value={form.email}
              onChange={(event) => set('email')(event.currentTarget.value)}
              error={error('email')}
            />
          </div>
          <div className="form-row">
            <EmploymentSelect value={form.employment} set={set('employment')} error={error('employment')} />
            <Select
              label={t('field.language')}
              allowDeselect={false}
              data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
              value={form.language}
              onChange={(value) => value && set('language')(value)}
            />
          </div>
        </fieldset>
        <fieldset className="form-part">
          <legend>{t('hire.work')}</legend>
          <WorkFields work={form} change={(part) => setForm((old) => ({ ...old, ...part }))} error={error} />
        </fieldset>
        <Textarea
          label={t('common.reason')}
          description={t('common.reason_help')}
          required
          autosize
          minRows={2}
          maxLength={500}
          value={form.reason}
          onChange={(event) => set('reason')(event.currentTarget.value)}
          error={error('reason')}
        />
        <ActProblem error={hire.error} />
        <div className="form-actions">
          <Button variant="default" component={Link} to="/people">
            {t('common.cancel')}
          </Button>
          <Button
            type="submit"
            loading={hire.isPending}
            disabled={
              !form.person.trim() ||
              !form.given_name ||
              !form.family_name ||
              !form.hired_on ||
              !form.site ||
              !form.department ||
              !form.job_function ||
              !form.reason.trim()
            }
          >
            {form.given_name
              ? t('hire.act', { name: `${form.given_name} ${form.family_name}`.trim() })
              : t('hire.act_short')}
          </Button>
        </div>
      </form>
    </Page>
  );
}
