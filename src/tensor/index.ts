// The tensor library: choice of backend, activations with derivatives of every order, networks.

export * from "./activation.js";
export * from "./adam.js";
export * from "./backend.js";
export * from "./checkpoint.js";
export * from "./conjugate.js";
export * from "./critic.js";
export * from "./jet-network.js";
export * from "./potential-network.js";
