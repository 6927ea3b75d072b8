import { expect, test } from "vitest";
import { describeFunctions, describeNative } from "./profile.ts";

const node = (id: number, functionName: string, url = "", lineNumber = 0): object => ({ id, callFrame: { functionName, url, lineNumber } });

test("self time is shared out over what was not idle, by function and line", () => {
  const profile = {
    nodes: [node(1, "(idle)"), node(2, "pump", "file:///x/main.mjs", 9), node(3, "pump", "file:///x/main.mjs", 9), node(4, "(program)")],
    samples: [1, 2, 3, 4],
    timeDeltas: [900, 100, 200, 100],
  };
  expect(describeFunctions(profile).split("\n")).toEqual([
    "| main thread, self time | % |",
    "|---|---:|",
    "| pump main.mjs:10 | 75.0 |",
    "| (program) | 25.0 |",
  ]);
});

test("what perf saw is shared out by kind, and named where it has a name", () => {
  const report = [
    "    40.00%  [kernel.kallsyms]    [k] tcp_sendmsg",
    "    20.00%  node                 [.] _aesni_ctr32_ghash_6x",
    "    15.00%  node                 [.] Builtins_LoadIC",
    "    10.00%  [JIT] tid 15946      [.] 0x00007f0e1c0a1b2c",
    "    10.00%  libc.so.6            [.] __memmove_avx_unaligned_erms",
    "     5.00%  node                 [.] v8::internal::Scavenger::Process(v8::internal::Object|int)",
    "",
  ].join("\n");
  const described = describeNative(report);
  expect(described.split("\n").slice(2, 7)).toEqual([
    "| kernel: sockets, TCP, epoll, copies | 40.0 |",
    "| JavaScript: compiled code and builtins | 25.0 |",
    "| TLS: AES-GCM and OpenSSL | 20.0 |",
    "| copies and allocation | 10.0 |",
    "| V8: garbage collection, handles, runtime | 5.0 |",
  ]);
  expect(described).toContain("| [.] v8::internal::Scavenger::Process(v8::internal::Object/int) | 5 |");
  expect(described).not.toContain("0x00007f0e1c0a1b2c");
});

test("a report without samples says so", () => {
  expect(describeNative("Error: no data\n")).toBe("perf saw nothing.");
});
