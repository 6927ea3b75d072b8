/** What stands in each panel's navigation, in order. A client file, because icons are components. */
import {
  Activity,
  ArrowLeftRight,
  Banknote,
  BookOpen,
  CirclePlus,
  CreditCard,
  LayoutDashboard,
  type LucideIcon,
  Ban,
  ReceiptText,
  Scale,
  ScrollText,
  Shield,
  Smartphone,
  Tag,
  Terminal,
  Users,
  Wallet,
} from "lucide-react";

export type PanelRole = "client" | "operator" | "admin";

export interface NavItem {
  readonly href: string;
  readonly name: string;
  readonly icon: LucideIcon;
}
export interface NavGroup {
  readonly name: string;
  readonly items: readonly NavItem[];
}

export const navigation: Readonly<Record<PanelRole, readonly NavGroup[]>> = {
  client: [
    {
      name: "Traffic",
      items: [
        { href: "/client", name: "Overview", icon: LayoutDashboard },
        { href: "/client/proxy-users", name: "Proxy users", icon: Users },
        { href: "/client/endpoint", name: "Endpoint", icon: Terminal },
        { href: "/client/sessions", name: "Sessions", icon: ArrowLeftRight },
        { href: "/client/refusals", name: "Refusals", icon: Ban },
      ],
    },
    {
      name: "Money",
      items: [
        { href: "/client/buy", name: "Buy traffic", icon: CreditCard },
        { href: "/client/wallet", name: "Wallet", icon: Wallet },
        { href: "/client/orders", name: "Orders", icon: ReceiptText },
        { href: "/client/ledger", name: "Ledger", icon: BookOpen },
      ],
    },
    { name: "Account", items: [{ href: "/client/account", name: "Account & security", icon: Shield }] },
  ],
  operator: [
    {
      name: "Fleet",
      items: [
        { href: "/operator", name: "Overview", icon: LayoutDashboard },
        { href: "/operator/nodes", name: "Nodes", icon: Smartphone },
        { href: "/operator/nodes/add", name: "Add a node", icon: CirclePlus },
        { href: "/operator/sessions", name: "Sessions", icon: ArrowLeftRight },
      ],
    },
    {
      name: "Money",
      items: [
        { href: "/operator/earnings", name: "Earnings", icon: Wallet },
        { href: "/operator/payouts", name: "Payouts", icon: Banknote },
        { href: "/operator/ledger", name: "Ledger", icon: BookOpen },
      ],
    },
    { name: "Account", items: [{ href: "/operator/account", name: "Account & security", icon: Shield }] },
  ],
  admin: [
    {
      name: "Network",
      items: [
        { href: "/admin", name: "Network", icon: Activity },
        { href: "/admin/nodes", name: "Nodes", icon: Smartphone },
        { href: "/admin/sessions", name: "Sessions", icon: ArrowLeftRight },
        { href: "/admin/refusals", name: "Refusals", icon: Ban },
      ],
    },
    {
      name: "Control",
      items: [
        { href: "/admin/users", name: "Users", icon: Users },
        { href: "/admin/payouts", name: "Payouts", icon: Banknote },
        { href: "/admin/prices", name: "Prices", icon: Tag },
        { href: "/admin/corrections", name: "Corrections", icon: BookOpen },
        { href: "/admin/orders", name: "Orders", icon: ReceiptText },
        { href: "/admin/reconciliation", name: "Reconciliation", icon: Scale },
        { href: "/admin/audit", name: "Audit log", icon: ScrollText },
      ],
    },
    { name: "Account", items: [{ href: "/admin/account", name: "Account & security", icon: Shield }] },
  ],
};

/** The item whose page this is: the longest address that the path starts with. */
export function currentHref(role: PanelRole, pathname: string): string | null {
  const hrefs = navigation[role].flatMap((group) => group.items.map((item) => item.href));
  const fitting = hrefs.filter((href) => pathname === href || pathname.startsWith(`${href}/`));
  return fitting.reduce<string | null>((best, href) => (best === null || href.length > best.length ? href : best), null);
}
