// Threefry-2x32-20, uniforms and normals in WGSL: twin of src/random.
//   block i = threefry2x32(key = stream, counter = start + i), 64-bit counter in two words: the same integers as the CPU.
//   uniform: (⌊w₀/2⁹⌋ + ½)/2²³, the bin of the CPU's uniform at 23 bits, exact in float32, never 0 and never 1;
//   normal:  Φ⁻¹(u) with the CPU's 52-bit u: the tail min(u, 1 − u) is formed from the words (complemented in the upper half), so that
//            it keeps its relative accuracy; then the seven-digit rational approximations.
// References: Salmon, Moraes, Dror, Shaw 2011 (key salmon2011parallel); Wichura 1988, AS 241, PPND7 (key wichura1988algorithm).
import { kernelSpec } from "./kernel.js";

const threefry = `
fn rotl(x: u32, r: u32) -> u32 { return (x << r) | (x >> (32u - r)); }
fn four(v: vec2<u32>, r: vec4<u32>) -> vec2<u32> {
  var a = v.x;
  var b = v.y;
  for (var k = 0u; k < 4u; k++) {
    a += b;
    b = rotl(b, r[k]) ^ a;
  }
  return vec2<u32>(a, b);
}
fn threefry2x32(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
  let k2 = 0x1bd11bdau ^ key.x ^ key.y;
  let odd = vec4<u32>(13u, 15u, 26u, 6u);
  let even = vec4<u32>(17u, 29u, 16u, 24u);
  var v = counter + key;
  v = four(v, odd) + vec2<u32>(key.y, k2 + 1u);
  v = four(v, even) + vec2<u32>(k2, key.x + 2u);
  v = four(v, odd) + vec2<u32>(key.x, key.y + 3u);
  v = four(v, even) + vec2<u32>(key.y, k2 + 4u);
  v = four(v, odd) + vec2<u32>(k2, key.x + 5u);
  return v;
}
fn draw(i: u32) -> vec2<u32> {
  let low = parameters.counter0 + i;
  let carry = select(0u, 1u, low < parameters.counter0);
  return threefry2x32(vec2<u32>(parameters.key0, parameters.key1), vec2<u32>(low, parameters.counter1 + carry));
}`;

const parameters = { key0: "u32", key1: "u32", counter0: "u32", counter1: "u32", n: "u32" } as const;

/** The two words of each block, interleaved: length 2n. */
export const wordsKernel = kernelSpec({
  name: "threefry words",
  workgroupSize: 64,
  bindings: { result: "write u32" },
  parameters,
  code: `${threefry}
fn kernel(block: u32, lane: u32) {
  let i = block * workgroupSize + lane;
  if (i >= parameters.n) { return; }
  let w = draw(i);
  result[2u * i] = w.x;
  result[2u * i + 1u] = w.y;
}`,
});

/** U(0, 1). */
export const uniformKernel = kernelSpec({
  name: "threefry uniform",
  workgroupSize: 64,
  bindings: { result: "write f32" },
  parameters,
  code: `${threefry}
fn kernel(block: u32, lane: u32) {
  let i = block * workgroupSize + lane;
  if (i >= parameters.n) { return; }
  result[i] = (f32(draw(i).x >> 9u) + 0.5) * 0x1p-23f;
}`,
});

/** N(0, 1). */
export const normalKernel = kernelSpec({
  name: "threefry normal",
  workgroupSize: 64,
  bindings: { result: "write f32" },
  parameters,
  code: `${threefry}
fn quantile(tail: f32) -> f32 {
  let q = 0.5 - tail;
  if (q <= 0.425) {
    let r = 0.180625 - q * q;
    return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
      (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0);
  }
  var r = sqrt(-log(tail));
  if (r <= 5.0) {
    r -= 1.6;
    return (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
      ((0.12021132975 * r + 0.73700164250) * r + 1.0);
  }
  r -= 5.0;
  return (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
    ((0.012258202635 * r + 0.24197894225) * r + 1.0);
}
fn kernel(block: u32, lane: u32) {
  let i = block * workgroupSize + lane;
  if (i >= parameters.n) { return; }
  var w = draw(i);
  let upper = w.x >= 0x80000000u;
  if (upper) { w = ~w; }
  let tail = f32(w.x >> 6u) * 0x1p-26f + (f32(w.y >> 6u) + 0.5) * 0x1p-52f;
  let z = quantile(tail);
  result[i] = select(-z, z, upper);
}`,
});
