/**
 * What the owner of a device agrees to. The receipt stores the version and the SHA-256 of the exact text, so a text
 * is never edited: a change of meaning or wording is a new entry in `consentTexts` with a new version.
 */
export interface ConsentText {
  /** Year and month of the text, and a number when there are several. */
  readonly version: string;
  readonly text: string;
}

const text202611 = `WHAT YOU AGREE TO

By saying yes you let other people's internet traffic pass through this device and its connection. They are
paying clients of the operator who gave you the enrolment code. Read this first; it takes one minute.

What passes
- Connections that clients open to public web servers, through your line. To those servers they come from your
  public IP address, and your address may appear in the servers' records.
- The traffic is usually encrypted between the client and the server. This program does not read, change or keep
  the content. It shows you, while it runs, which servers are contacted and how many bytes pass.

What is never allowed
- Your home or office network, this device's own services, and every private or reserved address. The program on
  your device checks each address itself, after the name is resolved, and refuses.
- Mail sending, remote shells, file sharing, databases and other ports that are open to abuse.
- Clients must follow the acceptable use policy, are identifiable to the operator, and are cut off when they break it.
  No filter is perfect: if somebody asks you about traffic from your address, tell the operator at once.

What it costs you
- Data: every byte that passes is received once and sent once, so a limit of 500 MB a day can use up to about
  1,000 MB of your data plan, and a few MB a day to stay connected.
- Battery and heat, and some of your line's speed, while traffic passes.
- The contract with your internet provider may not permit it. Check before you agree.

What is recorded
- The operator's network records when your device is online, its public IP address and the place and provider that
  follow from it, battery level, kind of network, device model, and for each connection the server's name, the
  bytes and the times. It records no content, no contacts, no location from the device itself.

Your control
- You set the limits: Wi-Fi only, the lowest battery, how much a day. The program on your device keeps to them.
- You can stop at any moment: end the program (Ctrl-C) and everything that passes is cut at once.
- You can withdraw this consent at any moment with "karvon-agent withdraw". Nothing passes afterwards, and no reason
  is asked. What was earned until then stays earned.
- You may agree only for a device and a line that are yours, or whose owner allows it, and only as an adult.
`;

/** Every text that was ever shown, newest first. */
export const consentTexts: readonly ConsentText[] = [{ version: "2026-11", text: text202611 }];

/** The text that is shown now. */
export const currentConsent: ConsentText = { version: "2026-11", text: text202611 };

/** The bytes whose SHA-256 stands in a receipt: the text as UTF-8, line feeds only. */
export function consentHashInput(consent: ConsentText): Uint8Array {
  return new TextEncoder().encode(consent.text.replaceAll("\r\n", "\n"));
}
