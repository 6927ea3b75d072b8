/** What this program calls itself towards the gateway. */
export const agentVersion = "0.1.0";
