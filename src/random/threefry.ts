// Threefry-2x32-20: a block (c₀, c₁) ↦ (w₀, w₁) of 32-bit words under a key (k₀, k₁), a bijection for each key.
//   twenty rounds  x₀ ← x₀ + x₁,  x₁ ← rotl(x₁, R) xor x₀;  after each four rounds a key word is added, with the group's number.
// Only 32-bit additions, rotations and xor: the same integers come out in JavaScript, WebAssembly and WGSL.
// Reference: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3" (key salmon2011parallel);
// known-answer vectors of Random123 in test/random.

/**
 * One Threefry-2x32 block of 20 rounds.
 *
 * @param k0 first key word, 32 bits (signed or unsigned)
 * @param k1 second key word
 * @param c0 first counter word
 * @param c1 second counter word
 * @param out receives the two words at 0 and 1
 *
 * *References*: salmon2011parallel
 */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number, out: Uint32Array): void {
  const k2 = 0x1bd11bda ^ k0 ^ k1;
  let a = (c0 + k0) | 0;
  let b = (c1 + k1) | 0;
  let key0 = k1 | 0;
  let key1 = k2 | 0;
  let key2 = k0 | 0;
  for (let group = 1; group <= 5; group++) {
    if (group & 1) {
      a = (a + b) | 0;
      b = ((b << 13) | (b >>> 19)) ^ a;
      a = (a + b) | 0;
      b = ((b << 15) | (b >>> 17)) ^ a;
      a = (a + b) | 0;
      b = ((b << 26) | (b >>> 6)) ^ a;
      a = (a + b) | 0;
      b = ((b << 6) | (b >>> 26)) ^ a;
    } else {
      a = (a + b) | 0;
      b = ((b << 17) | (b >>> 15)) ^ a;
      a = (a + b) | 0;
      b = ((b << 29) | (b >>> 3)) ^ a;
      a = (a + b) | 0;
      b = ((b << 16) | (b >>> 16)) ^ a;
      a = (a + b) | 0;
      b = ((b << 24) | (b >>> 8)) ^ a;
    }
    a = (a + key0) | 0;
    b = (b + key1 + group) | 0;
    const first = key0;
    key0 = key1;
    key1 = key2;
    key2 = first;
  }
  out[0] = a;
  out[1] = b;
}
