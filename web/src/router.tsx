import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router';
import { Problem } from './api/client.ts';
import { queries } from './api/queries.ts';
import { FIGURES, type Figure } from './api/types.ts';
import { Layout } from './components/Layout.tsx';
import { ErrorState, Waiting } from './components/states.tsx';
import { Login, Password } from './pages/Login.tsx';
import { NotFound } from './pages/NotFound.tsx';
import { Training } from './pages/Training.tsx';

/** What every address may carry: the instant that the page is about. */
interface Shared {
  at?: string;
  known?: string;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
const instant = (value: unknown): string | undefined => {
  const given = text(value);
  return given && !Number.isNaN(Date.parse(given)) ? given : undefined;
};

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  validateSearch: (search: Record<string, unknown>): Shared => ({
    at: instant(search.at),
    known: instant(search.known),
  }),
  search: { middlewares: [retainSearchParams(['at', 'known'])] },
  notFoundComponent: () => (
    <main className="content">
      <NotFound />
    </main>
  ),
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: Login,
  validateSearch: (search: Record<string, unknown>): { to?: string; locked?: boolean } => ({
    to: text(search.to),
    locked: search.locked === true ? true : undefined,
  }),
});

const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  component: Layout,
  beforeLoad: async ({ context, location }) => {
    try {
      const session = await context.queryClient.ensureQueryData(queries.session());
      if (session.must_change_password && location.pathname !== '/password')
        throw redirect({ to: '/password' });
    } catch (error) {
      if (error instanceof Problem && error.status === 401)
        throw redirect({ to: '/login', search: location.pathname === '/' ? {} : { to: location.href } });
      throw error;
    }
  },
  errorComponent: ({ error, reset }) => (
    <main className="content">
      <ErrorState error={error} retry={reset} page />
    </main>
  ),
});

const page = { getParentRoute: () => app } as const;

const training = createRoute({
  ...page,
  path: '/',
  component: Training,
  beforeLoad: ({ context }) => {
    const session = context.queryClient.getQueryData(queries.session().queryKey);
    if (!session || session.actions.includes('record.sign_own')) return;
    throw redirect({ to: session.actions.includes('report.read') ? '/compliance' : '/health' });
  },
});
const password = createRoute({ ...page, path: '/password', component: Password });
const read = createRoute({
  ...page,
  path: '/read/$document/$version',
  component: lazyRouteComponent(() => import('./pages/Read.tsx'), 'Read'),
});
const compliance = createRoute({
  ...page,
  path: '/compliance',
  staticData: { goesBack: true },
  component: lazyRouteComponent(() => import('./pages/Compliance.tsx'), 'Compliance'),
  validateSearch: (search: Record<string, unknown>): ComplianceSearch => ({
    site: text(search.site),
    department: text(search.department),
    job_function: text(search.job_function),
    framework: text(search.framework),
    view: search.view === 'list' ? 'list' : undefined,
    figure: FIGURES.find((figure) => figure === search.figure),
  }),
});
export interface ComplianceSearch {
  site?: string;
  department?: string;
  job_function?: string;
  framework?: string;
  view?: 'list';
  /** The rows alone that this number of the totals counts. */
  figure?: Figure;
}
const people = createRoute({
  ...page,
  path: '/people',
  component: lazyRouteComponent(() => import('./pages/People.tsx'), 'People'),
  validateSearch: (
    search: Record<string, unknown>,
  ): { q?: string; site?: string; job_function?: string; former?: boolean } => ({
    q: text(search.q),
    site: text(search.site),
    job_function: text(search.job_function),
    former: search.former === true ? true : undefined,
  }),
});
const hire = createRoute({
  ...page,
  path: '/people/new',
  component: lazyRouteComponent(() => import('./pages/Hire.tsx'), 'Hire'),
});
const TABS = ['qualification', 'assignments', 'records', 'roles'] as const;
type PersonTab = (typeof TABS)[number];
const person = createRoute({
  ...page,
  path: '/people/$person',
  staticData: { goesBack: true },
  component: lazyRouteComponent(() => import('./pages/Person.tsx'), 'PersonPage'),
  validateSearch: (search: Record<string, unknown>): { tab?: PersonTab } => ({
    tab: TABS.find((tab) => tab === search.tab),
  }),
});
/** `at` and `known` are those of every page; `known_b` is the later of the two moments of knowing. */
const differences = createRoute({
  ...page,
  path: '/people/$person/differences/$item',
  staticData: { goesBack: true },
  component: lazyRouteComponent(() => import('./pages/Differences.tsx'), 'DifferencesPage'),
  validateSearch: (search: Record<string, unknown>): { known_b?: string } => ({
    known_b: instant(search.known_b),
  }),
});
const lateEntry = createRoute({
  ...page,
  path: '/people/$person/late-entry',
  component: lazyRouteComponent(() => import('./pages/LateEntryForm.tsx'), 'LateEntryPage'),
});
const record = createRoute({
  ...page,
  path: '/records/$record',
  component: lazyRouteComponent(() => import('./pages/Record.tsx'), 'RecordPage'),
});
const documents = createRoute({
  ...page,
  path: '/documents',
  component: lazyRouteComponent(() => import('./pages/Documents.tsx'), 'Documents'),
  validateSearch: (search: Record<string, unknown>): { q?: string; framework?: string } => ({
    q: text(search.q),
    framework: text(search.framework),
  }),
});
const document = createRoute({
  ...page,
  path: '/documents/$document',
  component: lazyRouteComponent(() => import('./pages/Documents.tsx'), 'DocumentPage'),
});
const changes = createRoute({
  ...page,
  path: '/changes',
  component: lazyRouteComponent(() => import('./pages/Changes.tsx'), 'Changes'),
});
const change = createRoute({
  ...page,
  path: '/changes/$change',
  component: lazyRouteComponent(() => import('./pages/Change.tsx'), 'ChangePage'),
});
const imports = createRoute({
  ...page,
  path: '/import',
  component: lazyRouteComponent(() => import('./pages/Import.tsx'), 'Imports'),
});
const job = createRoute({
  ...page,
  path: '/import/$job',
  component: lazyRouteComponent(() => import('./pages/ImportBatch.tsx'), 'ImportPage'),
});
const access = createRoute({
  ...page,
  path: '/access',
  component: lazyRouteComponent(() => import('./pages/Access.tsx'), 'Access'),
  validateSearch: (search: Record<string, unknown>): { tab?: 'tokens' } => ({
    tab: search.tab === 'tokens' ? 'tokens' : undefined,
  }),
});
const health = createRoute({
  ...page,
  path: '/health',
  component: lazyRouteComponent(() => import('./pages/Health.tsx'), 'HealthPage'),
});
const about = createRoute({
  ...page,
  path: '/about',
  component: lazyRouteComponent(() => import('./pages/About.tsx'), 'AboutPage'),
});

const tree = root.addChildren([
  login,
  app.addChildren([
    training,
    password,
    read,
    compliance,
    people,
    hire,
    person,
    differences,
    lateEntry,
    record,
    documents,
    document,
    changes,
    change,
    imports,
    job,
    access,
    health,
    about,
  ]),
]);

export function makeRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queryClient },
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultPendingComponent: Waiting,
    defaultPendingMs: 200,
    defaultErrorComponent: ({ error, reset }) => <ErrorState error={error} retry={reset} page />,
    defaultNotFoundComponent: NotFound,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
  interface StaticDataRouteOption {
    /** The page answers as of the address's moment. Every other page says that it does not. */
    goesBack?: boolean;
  }
}
