import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** One accent: white on shade 8 is 9:1 (light), on shade 6 5:1 (dark); everything else is neutral. */
const petrol: MantineColorsTuple = [
  '#eaf6f8',
  '#d5e9ed',
  '#a8d2da',
  '#79bac6',
  '#53a6b5',
  '#3999aa',
  '#1c7a8c',
  '#136878',
  '#0b4f5c',
  '#063c47',
];

export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 8, dark: 6 },
  colors: { petrol },
  autoContrast: true,
  luminanceThreshold: 0.18,
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'DejaVu Sans Mono', monospace",
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.5rem', lineHeight: '1.25' },
      h2: { fontSize: '1.125rem', lineHeight: '1.35' },
      h3: { fontSize: '1rem', lineHeight: '1.4' },
    },
  },
  components: {
    // A locked scroll is a <style> element made at run time, which the content security policy forbids.
    Modal: {
      defaultProps: {
        lockScroll: false,
        centered: true,
        overlayProps: { backgroundOpacity: 0.45 },
        // The library's <header> of a dialog would be a second banner of the page.
        attributes: { header: { role: 'presentation' } },
      },
    },
    Tooltip: {
      defaultProps: {
        withArrow: true,
        openDelay: 250,
        multiline: true,
        events: { hover: true, focus: true, touch: true },
      },
    },
    Alert: { styles: { title: { color: 'var(--mantine-color-text)' } } },
    Anchor: { defaultProps: { underline: 'hover' } },
    Select: { defaultProps: { comboboxProps: { shadow: 'md' }, checkIconPosition: 'right' } },
  },
});

/** Text colours that pass WCAG AA on their surface in both schemes; the library's own do not. */
export const resolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-text': '#1a1f24',
    '--mantine-color-dimmed': '#545b63',
    '--mantine-color-placeholder': '#5c636a',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-anchor': '#0b4f5c',
  },
  dark: {
    '--mantine-color-text': '#e4e7ea',
    '--mantine-color-dimmed': '#a9b1b9',
    '--mantine-color-placeholder': '#a9b1b9',
    '--mantine-color-error': '#ffa49b',
    '--mantine-color-anchor': '#79bac6',
    '--mantine-color-body': '#171a1d',
  },
});
