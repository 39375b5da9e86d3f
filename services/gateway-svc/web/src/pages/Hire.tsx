import { Button, Select, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, newKey, Problem } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import { DayInput, fieldError, PersonSelect, UnitSelect } from '../components/fields.tsx';
import { Page } from '../components/Page.tsx';
import { ActProblem } from '../components/states.tsx';
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
  const sites = useQuery(queries.units('site'));
  const functions = useQuery(queries.units('job_function'));
  const shifts = sites.data?.items.find((unit) => unit.code === form.site)?.shifts ?? [];
  const departments = [
    ...new Set(functions.data?.items.map((unit) => unit.department).filter((each) => each !== null)),
  ].sort();
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
  const chooseFunction = (code: string) =>
    setForm((old) => ({
      ...old,
      job_function: code,
      department: functions.data?.items.find((unit) => unit.code === code)?.department ?? old.department,
    }));
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
            <Select
              label={t('field.employment')}
              required
              allowDeselect={false}
              data={[
                { value: 'employee', label: t('hire.employee') },
                { value: 'contractor', label: t('hire.contractor') },
                { value: 'temp', label: t('hire.temp') },
                { value: 'consultant', label: t('hire.consultant') },
                { value: 'visitor', label: t('hire.visitor') },
              ]}
              value={form.employment}
              onChange={(value) => value && set('employment')(value)}
              error={error('employment')}
            />
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
          <div className="form-row">
            <DayInput
              label={t('field.hired_on')}
              required
              value={form.hired_on}
              set={set('hired_on')}
              error={error('hired_on')}
            />
            <UnitSelect
              kind="job_function"
              label={t('field.job_function')}
              required
              value={form.job_function}
              set={chooseFunction}
              error={error('job_function')}
            />
          </div>
          <div className="form-row">
            <UnitSelect
              kind="site"
              label={t('field.site')}
              required
              value={form.site}
              set={(site) => setForm((old) => ({ ...old, site, area: '', shift: '' }))}
              error={error('site')}
            />
            <Select
              label={t('field.department')}
              required
              searchable
              data={departments}
              value={form.department || null}
              onChange={(value) => set('department')(value ?? '')}
              error={error('department')}
            />
          </div>
          <div className="form-row">
            <UnitSelect
              kind="area"
              site={form.site}
              label={t('field.area')}
              value={form.area}
              set={set('area')}
              error={error('area')}
              disabled={!form.site}
            />
            <Select
              label={t('field.shift')}
              data={shifts.map((shift) => ({
                value: shift.shift,
                label: `${shift.shift} ${shift.starts}–${shift.ends}`,
              }))}
              value={form.shift || null}
              onChange={(value) => set('shift')(value ?? '')}
              error={error('shift')}
              disabled={!form.site}
              clearable
              clearButtonProps={{ 'aria-label': t('common.clear') }}
            />
          </div>
          <PersonSelect
            label={t('field.supervisor')}
            value={form.supervisor}
            set={set('supervisor')}
            error={error('supervisor')}
          />
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
