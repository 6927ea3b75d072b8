import { expect, test } from "vitest";
import { IdleCollector } from "./idle-collector.ts";

function open(): { readonly state: { open: number; work: number; collections: number }; readonly collector: IdleCollector } {
  const state = { open: 0, work: 0, collections: 0 };
  const collector = new IdleCollector({
    countOpen: () => state.open,
    countWork: () => state.work,
    collect: () => (state.collections += 1),
  });
  return { state, collector };
}

function look(collector: IdleCollector, times: number): void {
  for (let index = 0; index < times; index += 1) collector.look();
}

test("garbage of the start is collected once when nobody comes", () => {
  const { state, collector } = open();
  look(collector, 2);
  expect(state.collections).toBe(0);
  look(collector, 100);
  expect(state.collections).toBe(1);
});

test("garbage of a rush is collected once it is over", () => {
  const { state, collector } = open();
  look(collector, 10);
  state.work = 50;
  look(collector, 10);
  expect(state.collections).toBe(2);
});

test("nothing is collected while a session is open, or while sessions come and go between two looks", () => {
  const { state, collector } = open();
  state.open = 1;
  look(collector, 100);
  state.open = 0;
  for (let index = 0; index < 100; index += 1) {
    state.work += 1;
    collector.look();
  }
  expect(state.collections).toBe(0);
});
