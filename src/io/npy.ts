// The .npy format, version 1.0 (2.0 when the header is longer than 65535 bytes, read only):
//   "\x93NUMPY", major, minor, header length (uint16 little-endian), header: a Python dict
//   {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } padded with spaces to a multiple of 64 in all, ended by "\n"; then the data.
// Reference: NumPy Enhancement Proposal 1 and numpy.lib.format (key harris2020array).
import ndarray, { type NdArray } from "ndarray";
import { demand } from "../error.js";

/** Element types that are written as they are. */
export type NumericArray = Float64Array | Float32Array | Int32Array | Uint8Array;

/**
 * The bytes of a .npy file.
 *
 * @param array any strides; written in C order. Float64Array gives `<f8`, Float32Array `<f4`, Int32Array `<i4`, Uint8Array `|u1`
 * @returns magic, version 1.0, header padded to a multiple of 64, data
 *
 * *References*: harris2020array
 */
export function encodeNpy(array: NdArray<NumericArray>): Uint8Array {
  const { data, shape } = array;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${descriptor(data)}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const values = rowMajor(array);
  const out = new Uint8Array(length + values.byteLength);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, (length - 10) & 0xff, (length - 10) >> 8]);
  const header = dict.padEnd(length - 11, " ");
  for (let i = 0; i < header.length; i++) out[10 + i] = header.charCodeAt(i);
  out[length - 1] = 0x0a;
  out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), length);
  return out;
}

/**
 * Reads a .npy file.
 *
 * @param bytes the file: version 1, 2 or 3; little-endian `f8 f4 i4 i1 u1 u4 u2 i2 i8 u8 b1`
 * @returns the array; 64-bit integers become float64 and must be safe integers, booleans become bytes; Fortran order gives strides
 * @throws UsageError when it is no .npy file, the type is not supported, or data are missing
 */
export function decodeNpy(bytes: Uint8Array): NdArray<NumericArray> {
  const where = "decodeNpy";
  const magic = bytes.length >= 10 && [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59].every((b, i) => bytes[i] === b);
  demand(magic, where, "bytes", "begin with \\x93NUMPY", `${bytes.length} bytes`, "Give the content of a .npy file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6] >= 2;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(bytes.subarray(wide ? 12 : 10, start));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const tuple = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  demand(
    descr !== undefined && order !== undefined && tuple !== undefined,
    where,
    "header",
    "name descr, fortran_order and shape",
    header.trim(),
    "Write the file again with numpy.save",
  );
  const shape = tuple
    .split(",")
    .map((s) => s.trim())
    .filter((s) => s !== "")
    .map(Number);
  demand(
    shape.every((n) => Number.isSafeInteger(n) && n >= 0),
    where,
    "shape",
    "be a tuple of integers ≥ 0",
    `(${tuple})`,
    "The file is damaged: copy it again",
  );
  const size = shape.reduce((product, n) => product * n, 1);
  const values = decode(descr, bytes, start, size);
  if (order === "False") return ndarray(values, shape);
  const strides: number[] = [];
  shape.reduce((stride, n) => {
    strides.push(stride);
    return stride * n;
  }, 1);
  return ndarray(values, shape, strides);
}

function descriptor(data: NumericArray): string {
  if (data instanceof Float64Array) return "<f8";
  if (data instanceof Float32Array) return "<f4";
  if (data instanceof Int32Array) return "<i4";
  demand(
    data instanceof Uint8Array,
    "encodeNpy",
    "array.data",
    "be a Float64Array, Float32Array, Int32Array or Uint8Array",
    data,
    "Copy the values to a Float64Array",
  );
  return "|u1";
}

/** The values in C order in an array of their own type. */
function rowMajor(array: NdArray<NumericArray>): NumericArray {
  const { data, shape, stride, offset } = array;
  const size = shape.reduce((product, n) => product * n, 1);
  const out = new (data.constructor as new (n: number) => NumericArray)(size);
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let k = 0; k < size; k++) {
    out[k] = data[at];
    for (let a = shape.length - 1; a >= 0; a--) {
      at += stride[a];
      if (++index[a] < shape[a]) break;
      at -= stride[a] * shape[a];
      index[a] = 0;
    }
  }
  return out;
}

function decode(descr: string, bytes: Uint8Array, start: number, size: number): NumericArray {
  const width = Number(descr.slice(2));
  demand(
    /^(<f8|<f4|<i8|<u8|<i4|<u4|<i2|<u2|\|i1|\|u1|\|b1)$/.test(descr),
    "decodeNpy",
    "descr",
    "be a little-endian float, integer or boolean type",
    descr,
    "Convert with array.astype('<f8') before saving",
  );
  demand(
    bytes.length >= start + size * width,
    "decodeNpy",
    "bytes",
    `hold ${size * width} bytes of data`,
    bytes.length - start,
    "The file is cut short: copy it again",
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, size * width);
  const each = <A extends NumericArray>(out: A, get: (at: number) => number): A => {
    for (let k = 0; k < size; k++) out[k] = get(k * width);
    return out;
  };
  switch (descr) {
    case "<f8":
      return each(new Float64Array(size), (at) => view.getFloat64(at, true));
    case "<f4":
      return each(new Float32Array(size), (at) => view.getFloat32(at, true));
    case "<i4":
      return each(new Int32Array(size), (at) => view.getInt32(at, true));
    case "<u4":
      return each(new Float64Array(size), (at) => view.getUint32(at, true));
    case "<i2":
      return each(new Int32Array(size), (at) => view.getInt16(at, true));
    case "<u2":
      return each(new Int32Array(size), (at) => view.getUint16(at, true));
    case "|i1":
      return each(new Int32Array(size), (at) => view.getInt8(at));
    case "<i8":
    case "<u8":
      return each(new Float64Array(size), (at) => {
        const value = Number(descr === "<i8" ? view.getBigInt64(at, true) : view.getBigUint64(at, true));
        if (!Number.isSafeInteger(value))
          demand(false, "decodeNpy", "integers", "be at most 2⁵³ − 1 in size", value, "Save them as '<f8' or text");
        return value;
      });
    default:
      return each(new Uint8Array(size), (at) => view.getUint8(at));
  }
}
