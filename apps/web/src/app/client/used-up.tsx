import { Card } from "#ui/card.tsx";

/** The contract of docs/endpoint.md, "When something is used up", with its measured figures (M09). */
export function UsedUp() {
  return (
    <Card title="When something is used up">
      <ul className="list-disc space-y-1 pl-5 text-sm text-soft">
        <li>
          Bytes stop at the last one of the balance, limit or cap, in all gateways together. Nothing beyond it is delivered or billed: 0
          bytes, by contract.
        </li>
        <li>New sessions are refused at once, with what is used up and when it opens again. Open ones are closed within 2 seconds.</li>
        <li>
          What an exit had already sent is dropped at our cost: at most 320 KiB a session. Measured were 50,606 bytes a session with 200
          sessions at full speed over 8 gateways, the last of them closed after 1.5 s.
        </li>
      </ul>
    </Card>
  );
}
