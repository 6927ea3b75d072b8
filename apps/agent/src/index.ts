export { type DeviceSource, type FixedDevice, createFixedDevice, openSystemDevice } from "./device/device-source.ts";
export { type EnrolOptions, type EnrolOutcome, enrolAgent } from "./enrol-agent.ts";
export type { AgentEvent, AgentSnapshot, AgentStatus, PassingStream, Place } from "./events.ts";
export { type Agent, type AgentOptions, startAgent } from "./start-agent.ts";
export { type AgentStore, AgentStoreError, createAgentStore, hasIdentity, openAgentStore } from "./store/agent-store.ts";
export type { AgentIdentity } from "./store/identity.ts";
export { type WithdrawOutcome, withdrawAgent } from "./withdraw-agent.ts";
