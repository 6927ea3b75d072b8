/** What `npm start` prints when everything serves: where to go, as whom, and a line that works as it stands. */
import type { ReadyFacts } from "./ready-file.ts";

export function summaryOf(facts: ReadyFacts): string {
  const { client, operator, admin } = facts.logins;
  const rows: [string, string][] = [["Panel", facts.panelUrl]];
  if (client) rows.push(["  client", `${client.email}  ${client.password}`]);
  if (operator) rows.push(["  operator", `${operator.email}  ${operator.password}`]);
  rows.push(["  admin", `${admin.email}  (signs in with a mailed code)`]);
  rows.push(["Mail", facts.mailUrl === null ? "sent through SMTP_URL" : `caught at ${facts.mailUrl}`]);
  rows.push(["Proxy", `${facts.proxy.host}:${facts.proxy.port}  (HTTP, CONNECT and SOCKS5)`]);
  rows.push(["Nodes dial", `${facts.tunnel.host}:${facts.tunnel.port}`]);
  const lines = ["", "Karvon is running.", "", ...rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`), ""];
  if (facts.proxyUser !== null && facts.echoUrl !== null) lines.push(...tryLines(facts.proxyUser, facts.proxy, facts.echoUrl));
  lines.push("Stop with Ctrl-C.", "");
  return lines.join("\n");
}

function tryLines(user: { username: string; password: string }, proxy: { host: string; port: number }, echoUrl: string): string[] {
  const line = (username: string): string => `  curl -x http://${username}:${user.password}@${proxy.host}:${proxy.port} ${echoUrl}`;
  return [
    "Send a request through a demo node:",
    "",
    line(user.username),
    "",
    "The same through Germany:",
    "",
    line(`${user.username}-country-de`),
    "",
  ];
}
