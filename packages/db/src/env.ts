/** The environment of the Prisma CLI: ours, with the database it shall migrate, and without its calls home. */
export function prismaEnvironment(url: string): NodeJS.ProcessEnv {
  return { ...process.env, DATABASE_URL: url, CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1" };
}
