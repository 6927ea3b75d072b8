import { Notice } from "#ui/notice.tsx";

export function NoWayToPay() {
  return (
    <Notice tone="warn" title="Nothing can be bought at the moment">
      No way to pay is set up. Write to support.
    </Notice>
  );
}
