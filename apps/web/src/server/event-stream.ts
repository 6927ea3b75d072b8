/**
 * Reads server-sent events (the WHATWG format, `event` and `data` fields) from chunks of text.
 *
 * Limit: one event may have 4 million characters; a longer one ends the stream with an error, because a gateway that
 * sends that is broken.
 */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

const eventCharactersMax = 4_000_000;

export interface EventReader {
  /** The events that are complete with this chunk. */
  push(chunk: string): ServerEvent[];
}

export function createEventReader(): EventReader {
  let rest = "";
  return {
    push(chunk) {
      rest += chunk;
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      if (rest.length > eventCharactersMax) throw new RangeError("an event is longer than 4,000,000 characters");
      return blocks.map(readBlock).filter((event) => event.data !== "");
    },
  };
}

function readBlock(block: string): ServerEvent {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const at = line.indexOf(":");
    if (at <= 0) continue;
    const value = line.slice(at + 1).replace(/^ /, "");
    if (line.startsWith("event:")) event = value;
    if (line.startsWith("data:")) data.push(value);
  }
  return { event, data: data.join("\n") };
}
