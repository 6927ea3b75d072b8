"use client";
import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Loaded } from "#trpc/loaded.tsx";
import { useTRPC } from "#trpc/client.tsx";
import type { Endpoint, ProxyUser } from "#trpc/types.ts";
import { Button } from "#ui/button.tsx";
import { Card } from "#ui/card.tsx";
import { CodeLine } from "#ui/code-line.tsx";
import { EmptyState } from "#ui/empty-state.tsx";
import { Notice } from "#ui/notice.tsx";
import { PageHeader } from "#ui/page-header.tsx";
import { randomText } from "#ui/random-text.ts";
import { Skeleton } from "#ui/skeleton.tsx";
import { useForm } from "#ui/use-form.ts";
import { findSecret } from "../shown-secrets.ts";
import { Coverage } from "./coverage.tsx";
import { EndpointFields, type EndpointForm } from "./endpoint-fields.tsx";
import {
  curlLine,
  type EndpointChoice,
  endpointLine,
  type EndpointProtocol,
  endpointUrl,
  type ExitType,
  proxyPassword,
  proxyUsername,
  usernameForms,
} from "./endpoint-line.ts";

const refreshMs = 5_000;
const passwordPlaceholder = "YOUR_PASSWORD";

export function EndpointBuilder({ user }: { user: string | null }) {
  const trpc = useTRPC();
  const endpoint = useQuery(trpc.client.endpoint.queryOptions(undefined, { refetchInterval: refreshMs }));
  const users = useQuery(trpc.client.proxyUsers.list.queryOptions());
  return (
    <>
      <PageHeader title="Endpoint" description="Choose where traffic leaves the network, then copy one line into your program." />
      <Loaded query={users} loading={<Skeleton className="h-96 rounded-lg" />}>
        {(list) => (
          <Loaded query={endpoint} loading={<Skeleton className="h-96 rounded-lg" />}>
            {(facts) =>
              list.some((row) => row.status === "active") ? (
                <Builder key={list.some((row) => row.username === user) ? user : "any"} users={list} endpoint={facts} user={user} />
              ) : (
                <NoProxyUser />
              )
            }
          </Loaded>
        )}
      </Loaded>
    </>
  );
}

function NoProxyUser() {
  return (
    <Card>
      <EmptyState
        icon={KeyRound}
        title="A line needs a proxy user"
        action={
          <Button asChild look="primary">
            <Link href="/client/proxy-users">Create proxy user</Link>
          </Button>
        }
      >
        Create one, copy its password, and come back: the line will be ready to run.
      </EmptyState>
    </Card>
  );
}

function Builder({ users, endpoint, user }: { users: readonly ProxyUser[]; endpoint: Endpoint; user: string | null }) {
  const active = users.filter((row) => row.status === "active");
  const first = active.find((row) => row.username === user) ?? active[0];
  const [sessionName] = useState(() => randomText(8));
  const form = useForm<EndpointForm>({
    username: first?.username ?? "",
    password: "",
    protocol: "connect",
    form: "karvon",
    country: "",
    city: "",
    type: "any",
    session: "",
    ttl: "10m",
    target: "example.com/",
  });
  const shown = findSecret(form.values.username);
  const password = form.values.password.trim() || shown || passwordPlaceholder;
  const choice: EndpointChoice = {
    ...form.values,
    host: endpoint.host,
    port: endpoint.port,
    password,
    protocol: readProtocol(form.values.protocol),
    form: usernameForms.find((known) => known === form.values.form) ?? "karvon",
    clientId: endpoint.clientId,
    type: readType(form.values.type),
  };
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
      <Card title="What you need">
        <EndpointFields form={form} users={active} endpoint={endpoint} sessionName={sessionName} isPasswordKnown={shown !== null} />
      </Card>
      <div className="min-w-0 space-y-4">
        <Card title="Your line" testId="endpoint-lines">
          <div className="space-y-3">
            {password === passwordPlaceholder ? (
              <Notice tone="warn">
                We keep only a hash of the password. Type it at the left, or put it in the place of {passwordPlaceholder} yourself.
              </Notice>
            ) : null}
            <CodeLine name="Endpoint line" code={endpointLine(choice)} testId="endpoint-line" />
            <CodeLine name="Proxy URL" code={endpointUrl(choice)} testId="proxy-url" />
            <CodeLine name="curl command" code={curlLine(choice)} testId="curl-line" />
            <dl className="grid gap-x-6 gap-y-1 pt-1 text-sm sm:grid-cols-[auto_1fr]">
              <Part name="Server" value={`${endpoint.host}:${endpoint.port}`} />
              <Part name="Username" value={proxyUsername(choice)} />
              {choice.form === "iproyal" ? <Part name="Password" value={proxyPassword(choice)} /> : null}
            </dl>
          </div>
        </Card>
        <Coverage endpoint={endpoint} />
      </div>
    </div>
  );
}

function Part({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt className="text-faint">{name}</dt>
      <dd className="font-mono break-all">{value}</dd>
    </>
  );
}

function readProtocol(text: string): EndpointProtocol {
  return text === "http" || text === "socks5" ? text : "connect";
}

function readType(text: string): ExitType {
  return text === "mobile" || text === "wifi" || text === "residential" ? text : "any";
}
