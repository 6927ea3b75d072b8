import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { adminRouter } from "./routers/admin.ts";
import { authRouter } from "./routers/auth.ts";
import { clientRouter } from "./routers/client.ts";
import { operatorRouter } from "./routers/operator.ts";
import { router } from "./trpc.ts";

export const appRouter = router({ auth: authRouter, client: clientRouter, operator: operatorRouter, admin: adminRouter });
export type AppRouter = typeof appRouter;
export type RouterInputs = inferRouterInputs<AppRouter>;
export type RouterOutputs = inferRouterOutputs<AppRouter>;
