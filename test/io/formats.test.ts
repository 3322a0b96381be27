import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import ndarray from "ndarray";
import { describe, expect, it } from "vitest";
import {
  decodeCsv,
  decodeCsvNumbers,
  decodeJson,
  decodeNpy,
  decodeNpz,
  encodeCsv,
  encodeJson,
  encodeNpy,
  encodeNpz,
} from "../../src/io/index.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const ascii = (bytes: Uint8Array) => String.fromCharCode(...bytes);

/** CRC-32 bit by bit, from its polynomial. */
function crc(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const b of bytes) {
    c ^= b;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return (c ^ 0xffffffff) >>> 0;
}

describe("npy", () => {
  it("has the bytes that the format prescribes", () => {
    const bytes = encodeNpy(ndarray(Float64Array.of(1, 2, 3), [3]));
    expect([...bytes.subarray(0, 8)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
    const length = bytes[8] + 256 * bytes[9];
    expect((10 + length) % 64).toBe(0);
    const header = ascii(bytes.subarray(10, 10 + length));
    expect(header.trimEnd()).toBe("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }");
    expect(header.endsWith(" \n")).toBe(true);
    const view = new DataView(bytes.buffer, 10 + length);
    expect([view.getFloat64(0, true), view.getFloat64(8, true), view.getFloat64(16, true)]).toEqual([1, 2, 3]);
    expect(bytes.length).toBe(10 + length + 24);
  });

  it("names shapes of every rank and each element type", () => {
    const header = (array: Parameters<typeof encodeNpy>[0]) => ascii(encodeNpy(array).subarray(10, 100));
    expect(header(ndarray(new Float64Array(1), []))).toContain("'shape': (), }");
    expect(header(ndarray(new Float64Array(24), [2, 3, 4]))).toContain("'shape': (2, 3, 4), }");
    expect(header(ndarray(new Float64Array(0), [0, 3]))).toContain("'shape': (0, 3), }");
    expect(header(ndarray(new Float32Array(2), [2]))).toContain("'<f4'");
    expect(header(ndarray(new Int32Array(2), [2]))).toContain("'<i4'");
    expect(header(ndarray(new Uint8Array(2), [2]))).toContain("'|u1'");
  });

  it("writes strided views in C order, and reads back exactly, NaN and infinities too", () => {
    const a = ndarray(Float64Array.of(0, 1, 2, 3, 4, 5), [2, 3]);
    expect([...decodeNpy(encodeNpy(a.transpose(1, 0))).data]).toEqual([0, 3, 1, 4, 2, 5]);
    expect([...decodeNpy(encodeNpy(a.step(1, -2))).data]).toEqual([2, 0, 5, 3]);
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 40 }), (values) => {
        const back = decodeNpy(encodeNpy(ndarray(Float64Array.from(values), [values.length])));
        expect([...back.data]).toEqual(values);
        expect(back.shape).toEqual([values.length]);
      }),
      { numRuns, seed: 1 },
    );
  });

  it("reads Fortran order, integers, booleans and version 2", () => {
    const make = (descr: string, order: string, shape: string, data: Uint8Array, version = 1) => {
      const dict = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
      const head = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, dict.length, 0, ...(version === 2 ? [0, 0] : [])];
      return Uint8Array.from([...head, ...[...dict].map((c) => c.charCodeAt(0)), ...data]);
    };
    const bytes = (a: ArrayBufferView) => new Uint8Array(a.buffer);
    const fortran = decodeNpy(make("<f8", "True", "(2, 3)", bytes(Float64Array.of(1, 2, 3, 4, 5, 6))));
    expect([fortran.get(0, 1), fortran.get(1, 0), fortran.get(1, 2)]).toEqual([3, 2, 6]);
    expect([...decodeNpy(make("<i8", "False", "(2,)", bytes(BigInt64Array.of(-5n, 9n)))).data]).toEqual([-5, 9]);
    expect([...decodeNpy(make("|b1", "False", "(2,)", Uint8Array.of(1, 0), 2)).data]).toEqual([1, 0]);
    expect([...decodeNpy(make("<i2", "False", "(2,)", bytes(Int16Array.of(-3, 300)))).data]).toEqual([-3, 300]);
    expect([...decodeNpy(make("<u2", "False", "(1,)", bytes(Uint16Array.of(65535)))).data]).toEqual([65535]);
    expect([...decodeNpy(make("<u4", "False", "(1,)", bytes(Uint32Array.of(4e9)))).data]).toEqual([4e9]);
    expect([...decodeNpy(make("|i1", "False", "(1,)", bytes(Int8Array.of(-7)))).data]).toEqual([-7]);
    expect(() => decodeNpy(make("<i8", "False", "(1,)", bytes(BigInt64Array.of(2n ** 60n))))).toThrow(
      "decodeNpy: integers must be at most 2⁵³ − 1 in size; got 1152921504606847000. Save them as '<f8' or text.",
    );
    expect(() => decodeNpy(make(">f8", "False", "(1,)", new Uint8Array(8)))).toThrow(
      "decodeNpy: descr must be a little-endian float, integer or boolean type; got \">f8\". Convert with array.astype('<f8') before saving.",
    );
    expect(() => decodeNpy(make("<f8", "False", "(2,)", new Uint8Array(8)))).toThrow(
      "decodeNpy: bytes must hold 16 bytes of data; got 8. The file is cut short: copy it again.",
    );
    expect(() => decodeNpy(make("<f8", "Maybe", "(2,)", new Uint8Array(16)))).toThrow(
      "decodeNpy: header must name descr, fortran_order and shape; got",
    );
    expect(() => decodeNpy(Uint8Array.of(1, 2, 3))).toThrow(
      'decodeNpy: bytes must begin with \\x93NUMPY; got "3 bytes". Give the content of a .npy file.',
    );
    expect(() => encodeNpy(ndarray(new Int16Array(1), [1]) as never)).toThrow(
      "encodeNpy: array.data must be a Float64Array, Float32Array, Int32Array or Uint8Array; got Int16Array(1). Copy the values to a Float64Array.",
    );
  });
});

describe("npz", () => {
  const arrays = {
    u: ndarray(
      Float64Array.from({ length: 500 }, (_, i) => i % 7),
      [50, 10],
    ),
    "flow/paths": ndarray(Float64Array.of(1.5), [1]),
  };

  it.each([true, false])("is a ZIP archive as specified (compressed: %s)", (compress) => {
    const bytes = encodeNpz(arrays, { compress });
    const view = new DataView(bytes.buffer);
    const end = bytes.length - 22;
    expect(view.getUint32(end, true)).toBe(0x06054b50);
    expect(view.getUint16(end + 10, true)).toBe(2);
    const size = view.getUint32(end + 12, true);
    let at = view.getUint32(end + 16, true);
    expect(at + size).toBe(end);
    let next = 0;
    for (const [name, array] of Object.entries(arrays)) {
      expect(view.getUint32(at, true)).toBe(0x02014b50);
      expect(view.getUint16(at + 10, true)).toBe(compress ? 8 : 0);
      const packed = view.getUint32(at + 20, true);
      const raw = view.getUint32(at + 24, true);
      const nameLength = view.getUint16(at + 28, true);
      expect(ascii(bytes.subarray(at + 46, at + 46 + nameLength))).toBe(`${name}.npy`);
      const local = view.getUint32(at + 42, true);
      expect(local).toBe(next);
      expect(view.getUint32(local, true)).toBe(0x04034b50);
      // version, flags, method, time, date, CRC, sizes and name length agree in both places
      expect(bytes.subarray(local + 4, local + 28)).toEqual(bytes.subarray(at + 6, at + 30));
      expect(view.getUint16(local + 28, true)).toBe(0);
      const start = local + 30 + nameLength;
      const body = bytes.subarray(start, start + packed);
      const content = compress ? new Uint8Array(inflateRawSync(body)) : body;
      expect(content.length).toBe(raw);
      expect(content).toEqual(encodeNpy(array));
      expect(view.getUint32(at + 16, true)).toBe(crc(content));
      next = start + packed;
      at += 46 + nameLength;
    }
    expect(at).toBe(end);
    const back = decodeNpz(bytes);
    expect(Object.keys(back)).toEqual(["u", "flow/paths"]);
    expect(back.u.shape).toEqual([50, 10]);
    expect(back.u.data).toEqual(arrays.u.data);
  });

  it("gives equal bytes for equal arrays, compresses, and may be empty", () => {
    expect(encodeNpz(arrays)).toEqual(encodeNpz(arrays));
    expect(encodeNpz(arrays).length).toBeLessThan(encodeNpz(arrays, { compress: false }).length / 4);
    expect(decodeNpz(encodeNpz({}))).toEqual({});
  });

  it("finds damage, and refuses what it cannot read or write", () => {
    const bytes = encodeNpz({ u: arrays.u }, { compress: false });
    const damaged = bytes.slice();
    damaged[300] ^= 1;
    expect(() => decodeNpz(damaged)).toThrow("decodeNpz: entry u.npy must have the checksum");
    expect(() => decodeNpz(bytes.subarray(0, bytes.length - 30))).toThrow(
      "decodeNpz: bytes must end with a ZIP directory; got",
    );
    const unknown = bytes.slice();
    const directory = new DataView(bytes.buffer).getUint32(bytes.length - 6, true);
    unknown[directory + 10] = 12;
    expect(() => decodeNpz(unknown)).toThrow(
      'decodeNpz: entry u.npy must be stored or deflated; got "method 12". Write the file again with numpy.savez.',
    );
    const lost = bytes.slice();
    lost[directory] = 0;
    expect(() => decodeNpz(lost)).toThrow("decodeNpz: entry 0 must have a directory record; got");
    expect(() => encodeNpz({ "../u": arrays.u })).toThrow(
      'encodeNpz: name must be a name without leading / or ..; got "../u". Use letters, digits and _.',
    );
  });
});

describe("csv", () => {
  it("quotes what needs quotes, and only that", () => {
    expect(
      encodeCsv(
        ["name", "value"],
        [
          ["plain", 0.1],
          ["a,b", null],
          ['say "hi"', Number.NaN],
          ["two\nlines", Number.POSITIVE_INFINITY],
          ["", true],
        ],
      ),
    ).toBe('name,value\nplain,0.1\n"a,b",\n"say ""hi""",NaN\n"two\nlines",Infinity\n"",true\n');
  });

  it("reads back every text, with LF, CRLF and CR line ends", () => {
    const cell = fc.string({ unit: fc.constantFrom("a", ",", '"', " ", "é", "\n", "\r"), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), (rows) => {
        expect(decodeCsv(encodeCsv(["x", "y"], rows))).toEqual({ header: ["x", "y"], rows: rows.map((r) => [...r]) });
      }),
      { numRuns: 4 * numRuns, seed: 3 },
    );
    const expected = {
      header: ["a", "b"],
      rows: [
        ["1", "x\r\ny"],
        ["3", ""],
      ],
    };
    for (const end of ["\n", "\r\n", "\r"])
      expect(decodeCsv(`\ufeffa,b${end}1,"x\r\ny"${end}${end}3,${end}`)).toEqual(expected);
    expect(decodeCsv('a\n""\n\n"x"')).toEqual({ header: ["a"], rows: [[""], ["x"]] });
  });

  it("writes numbers that read back exactly", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }), (values) => {
        const text = encodeCsv(
          ["v"],
          values.map((v) => [v]),
        );
        expect([...decodeCsvNumbers(text).values]).toEqual(values.map((v) => (v === 0 ? 0 : v)));
      }),
      { numRuns, seed: 4 },
    );
  });

  it("reads chosen columns of numbers row by row", () => {
    const text = '"eruptions","waiting","note"\r\n3.6,79,x\r\n1.8,54,y\r\n';
    expect(decodeCsvNumbers(text, ["waiting", "eruptions"])).toEqual({
      columns: ["waiting", "eruptions"],
      count: 2,
      values: Float64Array.of(79, 3.6, 54, 1.8),
    });
  });

  it("refuses bad input", () => {
    expect(() => encodeCsv(["a"], [[1, 2]])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: encodeCsv: rows[0] must have 1 values, one for each column; got 2. Write null where there is no value.]`,
    );
    expect(() => decodeCsv("")).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: decodeCsv: text must have a header line; got "". Name the columns in the first line.]`,
    );
    expect(() => decodeCsv('a\n"b\nc')).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: decodeCsv: text must close every quote; got "a quote open since line 2". Double a quote inside a field: "".]`,
    );
    expect(() => decodeCsv('a,b\n"x\ny",2\r\n3')).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: decodeCsv: line 4 must have 2 fields, as the header; got 1. Quote a field that holds a comma.]`,
    );
    expect(() => decodeCsvNumbers("a\n1", ["b"])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: decodeCsvNumbers: column must be one of a; got "b". Check the header line.]`,
    );
    expect(() => decodeCsvNumbers("a\n1\nx")).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: decodeCsvNumbers: row 2, column a must be a finite number; got "x". Remove or repair the row.]`,
    );
    expect(() => decodeCsvNumbers('a\n""')).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: decodeCsvNumbers: row 1, column a must be a finite number; got "". Remove or repair the row.]`,
    );
  });
});

describe("json", () => {
  it("writes what JSON lacks as words, and reads them back", () => {
    const value = { a: Number.NaN, b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], c: null, d: undefined };
    expect(encodeJson(value, { indent: 0 })).toBe('{"a":"NaN","b":["Infinity","-Infinity"],"c":null}\n');
    expect(decodeJson(encodeJson(value))).toEqual({ a: NaN, b: [Infinity, -Infinity], c: null });
    expect(encodeJson({ u: Float64Array.of(1, Number.NaN) }, { indent: 0 })).toBe('{"u":[1,"NaN"]}\n');
    expect(encodeJson([{ x: 1 }])).toBe('[\n  {\n    "x": 1\n  }\n]\n');
  });

  it("reads back any plain data", () => {
    const words = fc.string().filter((s) => !["NaN", "Infinity", "-Infinity"].includes(s));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.double().map((x) => (x === 0 ? 0 : x)),
        words,
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("tree"), { maxLength: 4 }),
        fc.dictionary(
          words.filter((k) => k !== "__proto__"),
          tie("tree"),
          { maxKeys: 4 },
        ),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        expect(decodeJson(encodeJson(value))).toEqual(value);
      }),
      { numRuns: 4 * numRuns, seed: 5 },
    );
  });

  it("refuses what has no JSON form, by its path", () => {
    const circle: Record<string, unknown> = {};
    circle.self = { circle };
    expect(() => encodeJson({ a: [1, () => 2] })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: encodeJson: value.a[1] must be plain data; got function (anonymous). Describe it by numbers and text.]`,
    );
    expect(() => encodeJson({ n: 3n })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: encodeJson: value.n must be plain data; got "3n". Describe it by numbers and text.]`,
    );
    expect(() => encodeJson([undefined])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: encodeJson: value[0] must be plain data; got undefined. Describe it by numbers and text.]`,
    );
    expect(() => encodeJson(circle)).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: encodeJson: value.self.circle must hold no cycle; got "itself". Write the inner object once.]`,
    );
    const shared = { x: 1 };
    expect(decodeJson(encodeJson([shared, shared]))).toEqual([{ x: 1 }, { x: 1 }]);
  });
});

describe("damaged files", () => {
  const bytes = () =>
    encodeNpz({
      u: ndarray(
        Float64Array.from({ length: 100 }, (_, i) => i),
        [100],
      ),
    });

  it("a shape that is no shape, a directory that points outside, and deflate data that are none are refused by name", () => {
    const text = String.fromCharCode(...encodeNpy(ndarray(Float64Array.of(1, 2), [2]))).replace("(2,)", "(-1)");
    expect(() => decodeNpy(Uint8Array.from(text, (c) => c.charCodeAt(0)))).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: decodeNpy: shape must be a tuple of integers ≥ 0; got "(-1)". The file is damaged: copy it again.]`,
    );
    const outside = bytes();
    const view = new DataView(outside.buffer);
    view.setUint32(view.getUint32(outside.length - 6, true) + 42, outside.length - 5, true);
    expect(() => decodeNpz(outside)).toThrow("decodeNpz: entry u.npy must lie inside the archive");
    const broken = bytes().fill(255, 35, 60);
    expect(() => decodeNpz(broken)).toThrow("decodeNpz: entry u.npy must be deflated data");
  });

  it("of two columns of one name neither is taken for the other", () => {
    expect(() => decodeCsvNumbers("a,a\n1,2\n")).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: decodeCsvNumbers: column must stand once in the header; got "a". Rename one of the two.]`,
    );
    expect([...decodeCsvNumbers("a,b,a\n1,2,3\n", ["b"]).values]).toEqual([2]);
  });
});
