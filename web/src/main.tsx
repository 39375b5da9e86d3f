import '@mantine/core/styles.layer.css';
import 'virtual:theme.css';
import '@fontsource-variable/inter/wght.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/parts.css';
import './styles/pages.css';
import './styles/print.css';
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Problem, setCsrf, whenUnauthenticated } from './api/client.ts';
import type { Session } from './api/types.ts';
import { resolver, theme } from './theme.ts';
import './i18n/index.ts';
import { makeRouter } from './router.tsx';

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => count < 2 && !(error instanceof Problem && error.status < 500),
    },
  },
});

// The CSRF token comes with the session and lives in memory alone.
queryClient.getQueryCache().subscribe((event) => {
  if (event.query.queryKey[0] === '/api/session')
    setCsrf((event.query.state.data as Session | undefined)?.csrf ?? '');
});

const router = makeRouter(queryClient);
whenUnauthenticated(() => {
  queryClient.clear();
  const { pathname, search } = window.location;
  if (pathname !== '/login') router.navigate({ to: '/login', search: { to: pathname + search } });
});

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root element');
createRoot(root).render(
  <StrictMode>
    {/* The variables are in the style sheet of the build (vite.config.ts): no <style> element at run time. */}
    <MantineProvider
      theme={theme}
      cssVariablesResolver={resolver}
      withCssVariables={false}
      withGlobalClasses={false}
      defaultColorScheme="auto"
    >
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
