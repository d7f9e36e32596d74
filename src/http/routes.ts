import { meRoutes } from './me.ts';
import type { Route } from './route.ts';
import { tokenRoutes } from './tokens.ts';
import { userRoutes } from './users.ts';

/** Every route of the API, in the order of the documentation. */
export const routes: readonly Route[] = [...tokenRoutes, ...meRoutes, ...userRoutes];
