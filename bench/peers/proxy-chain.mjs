// The peer of the benchmark: proxy-chain as a server, with the same one user and password that Karvon's client has.
// Usage: node proxy-chain.mjs USER PASSWORD; prints {"port":N} when it listens on 127.0.0.1 and stops on SIGTERM.
import { Server } from "proxy-chain";

const [wantedUser, wantedPassword] = process.argv.slice(2);
const server = new Server({
  host: "127.0.0.1",
  port: 0,
  verbose: false,
  prepareRequestFunction: ({ username, password }) => ({ requestAuthentication: username !== wantedUser || password !== wantedPassword }),
});
await server.listen();
process.stdout.write(`${JSON.stringify({ port: server.port })}\n`);
process.once("SIGTERM", () => process.exit(0));
