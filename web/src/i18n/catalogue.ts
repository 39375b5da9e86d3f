import { admin } from './admin.ts';
import { codes } from './codes.ts';
import { common } from './common.ts';
import { decisions } from './decisions.ts';
import { differences } from './differences.ts';
import { evidence } from './evidence.ts';
import { people } from './people.ts';
import { reasons } from './reasons.ts';
import { training } from './training.ts';

export const LANGUAGES = ['en', 'nl', 'es'] as const;
export type Language = (typeof LANGUAGES)[number];

/** One text in every language, in the order of LANGUAGES: a text that lacks one does not compile. */
export type Texts = readonly [en: string, nl: string, es: string];
export type Messages = Record<string, Texts>;

export const catalogue = {
  ...common,
  ...codes,
  ...reasons,
  ...training,
  ...people,
  ...evidence,
  ...differences,
  ...decisions,
  ...admin,
} satisfies Messages;
export type Key = keyof typeof catalogue;
