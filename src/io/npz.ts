// The .npz format: a ZIP archive of .npy files, one for each name.
//   entry:  local header 0x04034b50, name, data (deflate, or stored);  central directory 0x02014b50 for each;  end record 0x06054b50.
// The time stamp is 1980-01-01, so that equal arrays give equal bytes. Archives above 4 GiB (zip64) are refused.
// Reference: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16; numpy.savez (key harris2020array).
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { NdArray } from "ndarray";
import { demand, usageError } from "../error.js";
import { decodeNpy, encodeNpy, type NumericArray } from "./npy.js";

/**
 * The bytes of a .npz file.
 *
 * @param arrays name → array; the entry of `u` is `u.npy`
 * @param options compress: deflate (default true), or store as it is
 * @returns an archive that numpy.load reads
 * @throws UsageError when a name is empty or leaves the archive's root, or the archive would pass 4 GiB
 *
 * *References*: harris2020array
 */
export function encodeNpz(
  arrays: Readonly<Record<string, NdArray<NumericArray>>>,
  options: { readonly compress?: boolean } = {},
): Uint8Array {
  const { compress = true } = options;
  const locals: Uint8Array[] = [];
  const centrals: Uint8Array[] = [];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    demand(
      name !== "" && !name.startsWith("/") && !name.split("/").includes(".."),
      "encodeNpz",
      "name",
      "be a name without leading / or ..",
      name,
      "Use letters, digits and _",
    );
    const raw = encodeNpy(array);
    const body = compress ? deflateRawSync(raw) : raw;
    demand(
      offset + body.length + raw.length < 0xffffffff,
      "encodeNpz",
      "arrays",
      "make an archive below 4 GiB",
      raw.length,
      "Write several files",
    );
    const file = new TextEncoder().encode(`${name}.npy`);
    // The 26 bytes that the local header and the central directory share: version needed, flags (UTF-8), method, time, date, CRC, sizes, lengths.
    const shared = new DataView(new ArrayBuffer(26));
    shared.setUint16(0, 20, true);
    shared.setUint16(2, 0x0800, true);
    shared.setUint16(4, compress ? 8 : 0, true);
    shared.setUint16(6, 0, true);
    shared.setUint16(8, 0x21, true);
    shared.setUint32(10, crc32(raw), true);
    shared.setUint32(14, body.length, true);
    shared.setUint32(18, raw.length, true);
    shared.setUint16(22, file.length, true);
    const common = new Uint8Array(shared.buffer);
    const local = new Uint8Array(30 + file.length);
    local.set([0x50, 0x4b, 3, 4]);
    local.set(common, 4);
    local.set(file, 30);
    const central = new Uint8Array(46 + file.length);
    central.set([0x50, 0x4b, 1, 2, 20, 0]);
    central.set(common, 6);
    new DataView(central.buffer).setUint32(42, offset, true);
    central.set(file, 46);
    locals.push(local, body);
    centrals.push(central);
    offset += local.length + body.length;
  }
  const directory = centrals.reduce((sum, c) => sum + c.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, centrals.length, true);
  end.setUint16(10, centrals.length, true);
  end.setUint32(12, directory, true);
  end.setUint32(16, offset, true);
  const out = new Uint8Array(offset + directory + 22);
  let at = 0;
  for (const part of [...locals, ...centrals, new Uint8Array(end.buffer)]) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * Reads a .npz file.
 *
 * @param bytes a ZIP archive of .npy files, stored or deflated (also those that numpy.savez writes)
 * @returns name (without `.npy`) → array
 * @throws UsageError when it is no such archive, an entry is encrypted or packed otherwise, or a checksum differs
 */
export function decodeNpz(bytes: Uint8Array): Record<string, NdArray<NumericArray>> {
  const where = "decodeNpz";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  demand(
    end >= 0,
    where,
    "bytes",
    "end with a ZIP directory",
    `${bytes.length} bytes`,
    "The file is cut short or no .npz",
  );
  const count = view.getUint16(end + 10, true);
  const out: Record<string, NdArray<NumericArray>> = {};
  let at = view.getUint32(end + 16, true);
  for (let k = 0; k < count; k++) {
    demand(
      at + 46 <= end && view.getUint32(at, true) === 0x02014b50,
      where,
      `entry ${k}`,
      "have a directory record",
      at,
      "The archive is damaged, or larger than 4 GiB (zip64)",
    );
    const method = view.getUint16(at + 10, true);
    const sum = view.getUint32(at + 16, true);
    const packed = view.getUint32(at + 20, true);
    const nameLength = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    demand(
      method === 0 || method === 8,
      where,
      `entry ${name}`,
      "be stored or deflated",
      `method ${method}`,
      "Write the file again with numpy.savez",
    );
    const damaged = "The file is damaged: copy it again";
    demand(local + 30 <= bytes.length, where, `entry ${name}`, "lie inside the archive", local, damaged);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const body = bytes.subarray(start, start + packed);
    const raw = method === 8 ? inflated(body, where, name) : body;
    demand(
      crc32(raw) === sum,
      where,
      `entry ${name}`,
      `have the checksum ${sum.toString(16)}`,
      crc32(raw).toString(16),
      damaged,
    );
    out[name.replace(/\.npy$/, "")] = decodeNpy(raw);
  }
  return out;
}

function inflated(body: Uint8Array, where: string, name: string): Uint8Array {
  try {
    return new Uint8Array(inflateRawSync(body));
  } catch (error) {
    const reason = (error as Error).message;
    throw usageError(where, `entry ${name}`, "be deflated data", reason, "The file is damaged: copy it again");
  }
}
