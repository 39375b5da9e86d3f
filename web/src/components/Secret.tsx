import { Button, Code, CopyButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** Something that the server shows once and never again. */
export function Secret({ title, value, done }: { title: string; value: string; done: () => void }) {
  const { t } = useTranslation();
  return (
    <div className="banner" role="status">
      <strong>{title}</strong>
      <Code block>{value}</Code>
      <div className="form-actions">
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? t('common.copied') : t('common.copy')}
            </Button>
          )}
        </CopyButton>
        <Button size="xs" variant="default" onClick={done}>
          {t('common.close')}
        </Button>
      </div>
    </div>
  );
}
