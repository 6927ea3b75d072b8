/** Shows the consent text and waits for a yes. Anything else, the end of the input among it, is a no. */
import { createInterface } from "node:readline/promises";

const answerTimeoutMs = 10 * 60_000;

export async function askConsent(text: string, input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<boolean> {
  output.write(`\n${text}\n`);
  const lines = createInterface({ input, output });
  const timeout = AbortSignal.timeout(answerTimeoutMs);
  const ended = new AbortController();
  lines.once("close", () => ended.abort());
  try {
    const answer = await lines.question('Type "yes" to agree: ', { signal: AbortSignal.any([timeout, ended.signal]) });
    return answer.trim().toLowerCase() === "yes";
  } catch {
    return false;
  } finally {
    lines.close();
  }
}
