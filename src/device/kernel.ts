// A typed kernel: WGSL text, named bindings and parameters, checked when it is compiled and when it runs.
//
// The text declares `fn kernel(block: u32, lane: u32)`; block counts workgroups 0 … blocks − 1, lane the threads of
// one. What stands around it is generated: the bindings by name, the parameters as `parameters.name`, and the entry point. A device
// allows 65535 workgroups along one axis, so `blocks` is folded into two axes, and surplus workgroups return at once (a
// uniform branch, so that workgroupBarrier stays legal inside the kernel).
import { UsageError } from "../error.js";

/** Element type of a buffer or parameter. */
export type Scalar = "f32" | "i32" | "u32";

/** How a kernel touches a buffer, and its element type; `write` allows reading too. */
export type Binding = `${"read" | "write"} ${Scalar}`;

/** A kernel as text; see the head of this file. */
export interface KernelSpec<
  B extends Readonly<Record<string, Binding>> = Readonly<Record<string, Binding>>,
  P extends Readonly<Record<string, Scalar>> = Readonly<Record<string, Scalar>>,
> {
  /** For error messages. */
  readonly name: string;
  /** Threads of one block, 1 … 256. */
  readonly workgroupSize: number;
  /** Buffers by name, at most 8. */
  readonly bindings: B;
  /** Scalars by name, read in the text as `parameters.name`. */
  readonly parameters: P;
  /** WGSL with `fn kernel(block: u32, lane: u32)`. */
  readonly code: string;
}

/** Fixes a spec's literal types. */
export function kernelSpec<
  const B extends Readonly<Record<string, Binding>>,
  const P extends Readonly<Record<string, Scalar>>,
>(spec: KernelSpec<B, P>): KernelSpec<B, P> {
  return spec;
}

/** The whole shader module, and how many generated lines stand before the author's first line. */
export function shaderText(spec: KernelSpec): { readonly text: string; readonly linesBefore: number } {
  const buffers = Object.entries(spec.bindings).map(([name, binding], at) => {
    const [access, scalar] = binding.split(" ");
    const mode = access === "read" ? "read" : "read_write";
    return `@group(0) @binding(${at}) var<storage, ${mode}> ${name}: array<${scalar}>;`;
  });
  const fields = [...Object.entries(spec.parameters), ["blocks", "u32"]].map(
    ([name, scalar]) => `  ${name}: ${scalar},`,
  );
  const before = [
    "struct Parameters {",
    ...fields,
    "}",
    ...buffers,
    `@group(0) @binding(${buffers.length}) var<uniform> parameters: Parameters;`,
    `const workgroupSize: u32 = ${spec.workgroupSize}u;`,
    "",
  ];
  const after = [
    "",
    `@compute @workgroup_size(${spec.workgroupSize})`,
    "fn main(",
    "  @builtin(workgroup_id) group: vec3<u32>,",
    "  @builtin(num_workgroups) groups: vec3<u32>,",
    "  @builtin(local_invocation_index) lane: u32,",
    ") {",
    "  let block = group.y * groups.x + group.x;",
    "  if (block >= parameters.blocks) { return; }",
    "  kernel(block, lane);",
    "}",
    "",
  ];
  return { text: [...before, spec.code, ...after].join("\n"), linesBefore: before.length };
}

/** One compiler message, lines counted in the author's text (from 1). */
export interface CompileMessage {
  readonly lineNum: number;
  readonly linePos: number;
  readonly message: string;
}

/** The error of a text that does not compile: the first message and the line it points at. */
export function compileError(spec: KernelSpec, linesBefore: number, message: CompileMessage): UsageError {
  const line = message.lineNum - linesBefore;
  const source = spec.code.split("\n")[line - 1];
  const place = source === undefined ? "in the generated frame" : `at line ${line}, column ${message.linePos}`;
  const shown =
    source === undefined
      ? "Compare the names of bindings and parameters with the text"
      : `The line reads: ${source.trim()}`;
  return new UsageError(`kernel ${spec.name}: code must be valid WGSL; got "${message.message}" ${place}. ${shown}.`);
}

/** Folds `blocks` workgroups into two axes of at most `limit` each; x·y ≥ blocks with fewer than y to spare. */
export function foldBlocks(blocks: number, limit: number): readonly [number, number] {
  const y = Math.ceil(blocks / limit);
  return [Math.ceil(blocks / y), y];
}
