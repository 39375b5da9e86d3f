import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { catalogue, type Key, LANGUAGES, type Language } from './catalogue.ts';

export const languages: Record<Language, string> = { en: 'English', nl: 'Nederlands', es: 'Español' };
const STORED = 'attest-language';

declare module 'i18next' {
  interface CustomTypeOptions {
    keySeparator: false;
    nsSeparator: false;
    resources: { translation: Record<Key, string> };
    returnNull: false;
  }
}

function initial(): Language {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return (
    LANGUAGES.find((language) => language === wanted.find((tag) => LANGUAGES.includes(tag as Language))) ??
    'en'
  );
}

function mark(language: string): void {
  document.documentElement.lang = language;
}

export function setLanguage(language: string): void {
  localStorage.setItem(STORED, language);
  i18next.changeLanguage(language);
  mark(language);
}

const language = initial();
i18next.use(initReactI18next).init({
  lng: language,
  fallbackLng: 'en',
  supportedLngs: LANGUAGES,
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false }, // React escapes
  resources: Object.fromEntries(
    LANGUAGES.map((code, index) => [
      code,
      {
        translation: Object.fromEntries(Object.entries(catalogue).map(([key, texts]) => [key, texts[index]])),
      },
    ]),
  ),
});
mark(language);
