import { describe, expect, test } from "vitest";
import { DescriptorBudget, planDescriptors } from "./descriptor-budget.ts";

describe("the plan for descriptors", () => {
  test.each([64, 128, 256, 1_024, 4_096, 10_240, 20_000, 65_536, 1_048_576])("of %i never adds up to more than the limit", (limit) => {
    const { sharedMax, toldMax, handshakesMax, clientsMax, tunnelsMax } = planDescriptors(limit);
    expect(sharedMax + toldMax + handshakesMax).toBeLessThan(limit);
    expect(limit - sharedMax - toldMax - handshakesMax).toBeGreaterThanOrEqual(Math.min(200, limit / 2));
    expect(Math.min(clientsMax, tunnelsMax)).toBeGreaterThan(0);
  });

  test("holds 10,000 sessions with a limit of 20,000, and 12,000 at most with any", () => {
    expect(planDescriptors(20_000)).toEqual({
      clientsMax: 12_000,
      tunnelsMax: 8_900,
      sharedMax: 17_800,
      toldMax: 200,
      handshakesMax: 1_000,
    });
    expect(planDescriptors(1_048_576).clientsMax).toBe(12_000);
  });
});

describe("the budget", () => {
  const plan = { clientsMax: 3, tunnelsMax: 2, sharedMax: 4, toldMax: 2, handshakesMax: 1 };

  test("serves up to the limit and tells so many beyond it, who take no place from those that are served", () => {
    const budget = new DescriptorBudget(plan);
    budget.clients = 2;
    expect(budget.hasRoomForClient).toBe(true);
    budget.clients = 3;
    budget.told = 1;
    expect([budget.hasRoomForClient, budget.mayTell]).toEqual([false, true]);
    budget.told = 2;
    expect(budget.mayTell).toBe(false);
    budget.clients = 2;
    expect(budget.hasRoomForClient).toBe(true);
  });

  test("counts tunnels against clients and clients against tunnels", () => {
    const budget = new DescriptorBudget(plan);
    budget.tunnels = 2;
    expect([budget.hasRoomForTunnel, budget.hasRoomForClient]).toEqual([false, true]);
    budget.clients = 2;
    expect(budget.hasRoomForClient).toBe(false);
    budget.tunnels = 1;
    budget.clients = 3;
    expect(budget.hasRoomForTunnel).toBe(false);
    budget.clients = 2;
    expect(budget.hasRoomForTunnel).toBe(true);
  });
});
