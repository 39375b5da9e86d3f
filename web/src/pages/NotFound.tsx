import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Page } from '../components/Page.tsx';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Page title={t('notfound.title')} lead={t('notfound.lead')} width="form">
      <p>
        <Link to="/">{t('notfound.home')}</Link>
      </p>
    </Page>
  );
}
