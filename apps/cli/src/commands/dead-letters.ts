import { listDeadLetters, postDeadLetters, type DeadLetterView } from "@karvon/services";
import type { Command } from "../command.ts";
import { limitOption, readAll } from "../paging.ts";
import { moment, table } from "../print.ts";
import { UsageError } from "../usage-error.ts";

export const deadLettersCommand: Command = {
  name: "usage-dead-letters list",
  summary: "what sessions carried and the ledger refused for good; 1 when there is any",
  usage: "",
  options: limitOption,
  words: 0,
  async run(connection, input) {
    const letters = await readAll<DeadLetterView>(input, (page) => listDeadLetters(connection.admin, page));
    const text = table(letters, [
      { title: "ID", value: (letter) => String(letter.id), isNumber: true },
      { title: "REFUSED", value: (letter) => moment(letter.refusedAt) },
      { title: "SESSION", value: (letter) => letter.sessionId },
      { title: "GATEWAY", value: (letter) => letter.gatewayId },
      { title: "CODE", value: (letter) => letter.sqlstate },
      { title: "REASON", value: (letter) => letter.message },
    ]);
    return { json: letters, text, exitCode: letters.length === 0 ? 0 : 1 };
  },
};

export const retryDeadLettersCommand: Command = {
  name: "usage-dead-letters retry",
  summary: "post dead letters after their reason is mended; 1 when one is refused again",
  usage: "[--id N]",
  options: { id: "N            only this one (all when left out)" },
  words: 0,
  async run(connection, input) {
    const typed = input.text("id");
    if (typed !== undefined && !/^\d{1,18}$/.test(typed)) throw new UsageError(`--id is a number, not ${typed}`);
    const result = await postDeadLetters(connection.admin, { id: typed === undefined ? undefined : BigInt(typed) });
    const lines = [
      `${result.posted.length} posted, ${result.refused.length} refused again`,
      ...result.refused.map(({ id, message }) => `${id}: ${message}`),
    ];
    return { json: result, text: lines.join("\n"), exitCode: result.refused.length === 0 ? 0 : 1 };
  },
};
