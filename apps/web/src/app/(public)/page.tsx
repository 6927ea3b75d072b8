import { ArrowLeftRight, Eye, HandCoins, ShieldCheck } from "lucide-react";
import Link from "next/link";
import { ExampleReceipt } from "./example-receipt.tsx";
import { getViewer } from "#server/viewer.ts";
import { Button } from "#ui/button.tsx";

const facts = [
  {
    icon: ShieldCheck,
    title: "Consent first",
    text: "A device joins only when its owner accepts the terms on the device itself. The receipt is signed by the device's own key, and one button takes consent back within seconds.",
  },
  {
    icon: Eye,
    title: "Nothing hidden from the owner",
    text: "The owner sees what passes, sets Wi-Fi only, a minimum battery and a daily limit. Private networks are refused at the gateway and again on the device.",
  },
  {
    icon: ArrowLeftRight,
    title: "One number on every screen",
    text: "Each connection has one id. Client, operator and administrator see the same bytes and the same money for it, to the byte and the micro-dollar.",
  },
  {
    icon: HandCoins,
    title: "Plain prices",
    text: "Traffic is bought by the gigabyte (10⁹ bytes), charged as it moves and never expires. A request that was not carried costs nothing, and says why.",
  },
] as const;

export default async function LandingPage() {
  const viewer = await getViewer();
  return (
    <div className="py-10 sm:py-20">
      <div className="grid items-center gap-10 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div>
          <p className="text-sm font-medium text-accent">Self-hosted proxy network</p>
          <h1 className="mt-3 max-w-2xl text-[2rem] leading-tight font-semibold tracking-tight text-balance sm:text-[3rem] sm:leading-[1.08]">
            Traffic that travels with permission.
          </h1>
          <p className="mt-4 max-w-xl text-lg text-pretty text-soft">
            Karvon carries HTTP, CONNECT and SOCKS5 traffic over phones and computers whose owners agreed to it, measures every byte, and
            pays them for it.
          </p>
          <div className="mt-7 flex flex-wrap gap-2">{viewer === null ? <SignUpLinks /> : <PanelLink role={viewer.role} />}</div>
        </div>
        <ExampleReceipt />
      </div>
      <ul className="mt-14 grid gap-px overflow-hidden rounded-lg border bg-line sm:mt-20 sm:grid-cols-2">
        {facts.map(({ icon: Icon, title, text }) => (
          <li key={title} className="bg-surface p-5 sm:p-6">
            <Icon aria-hidden="true" className="size-5 text-accent" />
            <h2 className="mt-3 font-semibold">{title}</h2>
            <p className="mt-1 text-base text-pretty text-soft">{text}</p>
          </li>
        ))}
      </ul>
    </div>
  );
}

function SignUpLinks() {
  return (
    <>
      <Button asChild look="primary">
        <Link href="/sign-up?role=client">Buy traffic</Link>
      </Button>
      <Button asChild>
        <Link href="/sign-up?role=operator">Run nodes and earn</Link>
      </Button>
    </>
  );
}

function PanelLink({ role }: { role: string }) {
  return (
    <Button asChild look="primary">
      <Link href={`/${role}`}>Open your panel</Link>
    </Button>
  );
}
