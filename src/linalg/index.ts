// Linear and nonlinear systems: iterative methods over a VectorSpace, direct line solves, transforms.
export * from "./vector-space.js";
