/** What the person at the terminal sees: one line a step, with the seconds since the command was typed. */
export interface Progress {
  say(text: string): void;
  /** Lines without a time, for the closing summary. */
  print(text: string): void;
}

export function createProgress(write: (text: string) => void): Progress {
  return {
    say(text) {
      // performance.now() counts from the start of the process, which includes the install and the build.
      write(`[${(performance.now() / 1000).toFixed(1).padStart(6)} s] ${text}\n`);
    },
    print(text) {
      write(`${text}\n`);
    },
  };
}
