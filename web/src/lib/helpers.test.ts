import { describe, expect, it } from 'vitest';
import { Problem, url } from '../api/client.ts';
import type { ComplianceRow as Cell } from '../api/types.ts';
import { pivot } from './pivot.ts';
import { cut, textOf } from './sections.ts';
import { STATUS, statusOf, VERDICT } from './status.ts';

describe('sections', () => {
  it('cuts at headings of level 1 and 2 only', () => {
    const text = '# One\na\n### deeper\nb\n## Two\nc';
    expect(cut(text)).toEqual([
      { title: 'One', body: '# One\na\n### deeper\nb' },
      { title: 'Two', body: '## Two\nc' },
    ]);
  });
  it('takes headings in fenced code for text and keeps a preamble', () => {
    const text = 'before\n\n# One\n```\n# not a heading\n```\n## Two ##\nx';
    expect(cut(text).map((part) => part.title)).toEqual(['One', 'Two']);
    expect(cut(text)[0]?.body.startsWith('before')).toBe(true);
  });
  it('cuts by the lines that the server tells', () => {
    const text = 'before\n# One\na\n## Two\nb\nc';
    const sections = [
      { line_from: 2, line_to: 4 },
      { line_from: 4, line_to: 7 },
    ];
    expect(textOf(text, sections)).toEqual(['before\n# One\na', '## Two\nb\nc']);
  });
  it('never hides text when the server counts otherwise', () => {
    expect(textOf('no heading at all', [{}])).toEqual(['no heading at all']);
    expect(textOf('# A\n## B', [{}, {}, {}])).toEqual(['# A\n## B', '', '']);
  });
});

describe('status', () => {
  it('gives every status the shape family of its verdict', () => {
    const families: Record<string, RegExp> = {
      ALLOW: /^(dot|clock)/,
      ALLOW_WITH_CONDITION: /^half$/,
      DENY: /cross|pause/,
      NONE: /^dash$/,
    };
    for (const look of Object.values(STATUS)) expect(look.shape).toMatch(families[look.verdict] ?? /^$/);
    for (const [verdict, look] of Object.entries(VERDICT))
      expect(look.shape).toMatch(families[verdict] ?? /^$/);
  });
  it('reads an unknown status as a refusal', () => {
    expect(statusOf('SOMETHING_NEW').verdict).toBe('DENY');
  });
});

describe('pivot', () => {
  it('puts people down and items across', () => {
    const cell = (person: string, item: string, verdict: string) =>
      ({ person, item, place: 'NL1', verdict }) as Cell;
    const grid = pivot([
      cell('ANA', 'SOP-102', 'ALLOW'),
      cell('ANA', 'SOP-101', 'DENY'),
      cell('BEN', 'SOP-101', 'ALLOW'),
    ]);
    expect(grid.items).toEqual(['SOP-101', 'SOP-102']);
    expect(grid.rows.map((row) => [row.person, row.refused, row.cells.size])).toEqual([
      ['ANA', 1, 2],
      ['BEN', 0, 1],
    ]);
  });
});

describe('client', () => {
  it('leaves empty parameters out', () => {
    expect(url('/api/x', { a: '', b: undefined, c: 'é&', d: 0 })).toBe('/api/x?c=%C3%A9%26&d=0');
  });
  it('ties a problem to its field', () => {
    const problem = new Problem(
      422,
      {
        type: 'urn:attest:problem:invalid',
        title: 'bad',
        errors: [{ field: 'body.hired_on', reason: 'x', message: 'too early' }],
      },
      'c',
    );
    expect(problem.code).toBe('invalid');
    expect(problem.forField('hired_on')).toBe('too early');
    expect(problem.forField('site')).toBeUndefined();
  });
});
