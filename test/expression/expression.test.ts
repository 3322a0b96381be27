import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/expression/index.js";
import { type Node, number, print } from "../../src/expression/node.js";
import { parse } from "../../src/expression/parse.js";

const numRuns = Number(process.env.LAWS === "thorough" ? 500 : 25);
const XY = ["x", "y"] as const;

function value(text: string, x = 0, y = 0): number {
  return compile(text, XY).evaluate(x, y);
}

function message(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

/** The value of a tree by walking it: what the compiled JavaScript must give. */
function walk(n: Node, at: Readonly<Record<string, number>>): number {
  switch (n.kind) {
    case "number":
      return n.value;
    case "symbol":
      return at[n.name];
    case "unary":
      return -walk(n.argument, at);
    case "binary": {
      const [a, b] = [walk(n.left, at), walk(n.right, at)];
      return n.operator === "+"
        ? a + b
        : n.operator === "-"
          ? a - b
          : n.operator === "*"
            ? a * b
            : n.operator === "/"
              ? a / b
              : a ** b;
    }
    case "call": {
      const args = n.arguments.map((a) => walk(a, at));
      return (Math as unknown as Record<string, (...a: number[]) => number>)[n.name](...args);
    }
  }
}

/** Random smooth expression texts, bounded on [−1, 1]² together with their first two derivatives. */
const { smooth } = fc.letrec<{ smooth: string }>((tie) => ({
  smooth: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("x", "y", "pi", "2", "0.5", "x^2", "y^3"),
    fc.tuple(fc.constantFrom("sin", "cos", "atan", "tanh", "erf"), tie("smooth")).map(([f, a]) => `${f}(${a})`),
    tie("smooth").map((a) => `sqrt(1 + (${a})^2)`),
    tie("smooth").map((a) => `log(2 + sin(${a}))`),
    tie("smooth").map((a) => `exp(cos(${a}))`),
    tie("smooth").map((a) => `(2 + cos(${a}))^(-1.5)`),
    tie("smooth").map((a) => `-(${a})`),
    fc.tuple(fc.constantFrom("+", "-", "*"), tie("smooth"), tie("smooth")).map(([o, a, b]) => `(${a}) ${o} (${b})`),
    fc.tuple(tie("smooth"), tie("smooth")).map(([a, b]) => `(${a}) / (2 + sin(${b}))`),
    fc.tuple(tie("smooth"), tie("smooth")).map(([a, b]) => `atan2(${a}, 3 + cos(${b}))`),
    fc.tuple(tie("smooth"), tie("smooth")).map(([a, b]) => `(2 + sin(${a}))^sin(${b})`),
  ),
}));

describe("reading", () => {
  test("operators bind as in mathematics", () => {
    expect(value("-x^2", 3)).toBe(-9);
    expect(value("2^3^2")).toBe(512);
    expect(value("2^-1")).toBe(0.5);
    expect(value("x^-2", 2)).toBe(0.25);
    expect(value("(-x)^2", 3)).toBe(9);
    expect(value("8/x/2", 2)).toBe(2);
    expect(value("8 - x - 2", 2)).toBe(4);
    expect(value("8 - (x - 2)", 2)).toBe(8);
    expect(value("1/x*y", 2, 4)).toBe(2);
    expect(value("-x*y", 2, 4)).toBe(-8);
    expect(value("x - -y", 2, 4)).toBe(6);
    expect(value("+x", 2)).toBe(2);
    expect(value("1e-3*x + 0.5", 1)).toBe(0.501);
  });

  test("every function is the one of its name", () => {
    const one = "sin cos tan asin acos atan sinh cosh tanh exp log sqrt abs sign".split(" ");
    for (const f of one)
      expect(value(`${f}(x)`, 0.3)).toBe((Math as unknown as Record<string, (a: number) => number>)[f](0.3));
    expect(value("atan2(x, y)", 0.3, -2)).toBe(Math.atan2(0.3, -2));
    expect(value("pow(x, y)", 0.3, -2)).toBe(0.3 ** -2);
    expect([value("min(x, y, -3)", 1, -2), value("max(x, y, -3)", 1, -2)]).toEqual([-3, 1]);
    expect([-1, 0, 2].map((x) => value("heaviside(x)", x))).toEqual([0, 0.5, 1]);
    expect(value("erf(x)", 1)).toAgree(0.8427007929497149, { rtol: 1e-14 });
    expect(value("pi - e")).toBe(Math.PI - Math.E);
  });

  test("parameters are numbers by name", () => {
    const h = compile("0.5*p1^2 + a*sin(2*pi*x)", ["x", "p1"], { a: 2 });
    expect(h.evaluate(0.25, 3)).toBe(6.5);
    expect(h.derivative("p1").text).toBe("p1");
    expect(h.constants["a"]).toBe(2);
    expect(h.derivative("x").evaluate(0.125, 0)).toAgree(4 * Math.PI * Math.cos(Math.PI / 4), { rtol: 1e-15 });
  });

  test("compiled JavaScript, batch and the walked tree agree; the printed text parses to the same tree", () => {
    fc.assert(
      fc.property(
        smooth,
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (text, x, y) => {
          const f = compile(text, XY);
          expect(parse(f.text, ["x", "y", "pi", "e"])).toEqual(f.tree);
          const v = f.evaluate(x, y);
          expect(f.batch([Float64Array.of(0, x), Float64Array.of(0, y)])[1]).toBe(v);
          if (!text.includes("erf"))
            expect(v).toAgree(walk(f.tree, { x, y, pi: Math.PI }), { rtol: 1e-14, atol: 1e-15 });
        },
      ),
      { numRuns, seed: 11 },
    );
  });
});

describe("derivatives", () => {
  test("agree with central differences over random expressions", () => {
    fc.assert(
      fc.property(
        smooth,
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        (text, x, y) => {
          const f = compile(text, XY);
          const g = compile(text, XY).derivative("x");
          // Richardson from h and h/2: O(h⁴); both steps give the size of what remains
          const central = (h: number): number => (f.evaluate(x + h, y) - f.evaluate(x - h, y)) / (2 * h);
          const [a, b, c] = [central(2e-3), central(1e-3), central(5e-4)];
          const fine = (4 * c - b) / 3;
          const coarse = (4 * b - a) / 3;
          const noise = 1e-11 * (1 + Math.abs(f.evaluate(x, y)));
          expect(Math.abs(g.evaluate(x, y) - fine)).toBeLessThanOrEqual(Math.abs(fine - coarse) + noise);
        },
      ),
      { numRuns: 4 * numRuns, seed: 12 },
    );
  });

  test("of every function, by hand", () => {
    const x = 0.3;
    const known: Record<string, number> = {
      "sin(x)": Math.cos(x),
      "cos(x)": -Math.sin(x),
      "tan(x)": 1 / Math.cos(x) ** 2,
      "asin(x)": 1 / Math.sqrt(1 - x * x),
      "acos(x)": -1 / Math.sqrt(1 - x * x),
      "atan(x)": 1 / (1 + x * x),
      "atan2(x, 2)": 2 / (x * x + 4),
      "atan2(2, x)": -2 / (x * x + 4),
      "sinh(x)": Math.cosh(x),
      "cosh(x)": Math.sinh(x),
      "tanh(x)": 1 - Math.tanh(x) ** 2,
      "exp(x)": Math.exp(x),
      "log(x)": 1 / x,
      "sqrt(x)": 0.5 / Math.sqrt(x),
      "abs(x)": 1,
      "abs(-x)": 1,
      "min(x, 1)": 1,
      "max(x, 1)": 0,
      "erf(x)": (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x),
      "x^x": x ** x * (Math.log(x) + 1),
      "e^x": Math.exp(x),
      "pow(x, -0.5)": -0.5 * x ** -1.5,
      "7": 0,
    };
    for (const [text, slope] of Object.entries(known))
      expect(compile(text, ["x"]).derivative("x").evaluate(x), text).toAgree(slope, { rtol: 1e-14 });
  });

  test("tanh keeps its slope far out, where 1 − tanh² cancels", () => {
    expect(compile("tanh(x)", ["x"]).derivative("x").evaluate(20)).toAgree(4 * Math.exp(-40), { rtol: 1e-12 });
  });

  test("(x²)^½ is |x|, not x: its slope at −2 is −1", () => {
    expect(compile("(x^2)^0.5", ["x"]).derivative("x").evaluate(-2)).toAgree(-1);
  });

  test("at a kink the mean of both slopes; second derivatives are those of the pieces", () => {
    const f = compile("abs(x) + max(x, 0)^2", ["x"]);
    expect(f.derivative("x").evaluate(0)).toBe(0);
    expect(compile("min(x, 3*x)", ["x"]).derivative("x").evaluate(0)).toBe(2);
    const second = f.derivative("x").derivative("x");
    expect([second.evaluate(-1), second.evaluate(1)]).toEqual([0, 2]);
  });

  test("mixed partial derivatives commute", () => {
    const f = compile("exp(x*y)*sin(x + y^2)/(2 + cos(x))", XY);
    const a = f.derivative("x").derivative("y").evaluate(0.4, -0.7);
    expect(f.derivative("y").derivative("x").evaluate(0.4, -0.7)).toAgree(a, { rtol: 1e-13 });
  });

  test("texts are short enough to read", () => {
    expect(compile("0.5*p1^2 + sin(2*pi*x)", ["x", "p1"]).derivative("x").text).toMatchInlineSnapshot(
      `"2 * pi * cos(2 * pi * x)"`,
    );
    expect(compile("x^3/3 - 2*x", ["x"]).derivative("x").text).toMatchInlineSnapshot(`"3 * x^2 / 3 - 2"`);
    expect(compile("exp(-x^2/2)", ["x"]).derivative("x").text).toMatchInlineSnapshot(
      `"-(2 * x / 2 * exp(-(x^2 / 2)))"`,
    );
  });
});

describe("refusals", () => {
  test.each([
    "x.constructor",
    'x.constructor("return 1")()',
    "constructor",
    'constructor("a")',
    "__proto__",
    "toString",
    "toString(x)",
    "hasOwnProperty(x)",
    'import("fs")',
    "import(x)",
    'evaluate("1")',
    'parse("x")',
    "process",
    "globalThis",
    "x = 1",
    "f(x) = x",
    '"text"',
    "[1, 2]",
    "[x](1)",
    "{a: 1}",
    "x[1]",
    "1:3",
    "x; y",
    "x\ny",
    "x > 1",
    "x > 1 ? 1 : 2",
    "x and y",
    "x!",
    "x'",
    "x .* y",
    "x % 2",
    "2x",
    "2(x + 1)",
    "x(y + 1)",
    "(x)(y)",
    "true",
    "i",
    "Infinity",
    "NaN",
    "1e400",
    "2 cm",
    "x to y",
    "sin",
    "sin()",
    "sin(x, y)",
    "atan2(x)",
    "min(x)",
    "pow(x)",
    "log(x, 2)",
    "sec(x)",
    "sqrt(x).re",
    "",
    "  ",
    "x +",
    "(x",
    "# only a comment",
  ])("%j", (text) => {
    expect(() => compile(text, XY)).toThrow(/^expression: .* must .*; got .*\. .*\.$/s);
  });

  test("messages name what is wrong and what to write", () => {
    expect(message(() => compile("0.5*q^2", ["x", "p"]))).toMatchInlineSnapshot(
      `"expression: "0.5*q^2" must hold only arithmetic and known functions; got "q". Allowed are x, p, pi, e; did you mean x."`,
    );
    expect(message(() => compile("sine(x)", ["x"]))).toMatchInlineSnapshot(
      `"expression: "sine(x)" must hold only arithmetic and known functions; got "sine(…)". Functions are sin, cos, tan, asin, acos, atan, atan2, sinh, cosh, tanh, exp, log, sqrt, abs, min, max, sign, heaviside, erf, pow; did you mean sin."`,
    );
    expect(message(() => compile("x(1 + x)", ["x"]))).toMatchInlineSnapshot(
      `"expression: "x(1 + x)" must hold only arithmetic and known functions; got "x(…)". Write x*(…) for a product."`,
    );
    expect(message(() => compile("2x", ["x"]))).toMatchInlineSnapshot(
      `"expression: "2x" must hold only arithmetic and known functions; got "2 x". Write every product with *, for example 2*x."`,
    );
    expect(message(() => compile("sin + 1", ["x"]))).toMatchInlineSnapshot(
      `"expression: "sin + 1" must hold only arithmetic and known functions; got "sin". Give sin its argument: sin(…)."`,
    );
    expect(message(() => compile("atan2(x)", ["x"]))).toMatchInlineSnapshot(
      `"expression: "atan2(x)" must hold only arithmetic and known functions; got "atan2 of 1 arguments". Give atan2 two arguments."`,
    );
    expect(message(() => compile("min(x)", ["x"]))).toMatchInlineSnapshot(
      `"expression: "min(x)" must hold only arithmetic and known functions; got "min of 1 arguments". Give min two or more arguments."`,
    );
    expect(message(() => compile("x = 1", ["x"]))).toMatchInlineSnapshot(
      `"expression: "x = 1" must hold only arithmetic and known functions; got "an assignment". Write one formula of numbers, names, + - * / ^ and functions."`,
    );
    expect(message(() => compile("x.constructor(1)", ["x"]))).toMatchInlineSnapshot(
      `"expression: "x.constructor(1)" must hold only arithmetic and known functions; got "x.constructor(1)". Call functions by their plain name."`,
    );
    expect(message(() => compile('"x"', ["x"]))).toMatchInlineSnapshot(
      `"expression: "\\"x\\"" must hold only arithmetic and known functions; got "x". Use finite decimal numbers, without quotes."`,
    );
    expect(message(() => compile("x % 2", ["x"]))).toMatchInlineSnapshot(
      `"expression: "x % 2" must hold only arithmetic and known functions; got "mod". Use + - * / ^."`,
    );
    expect(message(() => compile("x +", ["x"]))).toMatchInlineSnapshot(
      `"expression: text must be an expression; got "x +". Repair it: Unexpected end of expression (char 4)."`,
    );
    expect(message(() => compile("", ["x"]))).toMatchInlineSnapshot(
      `"expression: text must be a non-empty string; got "". Write for example "0.5*p1^2"."`,
    );
    expect(message(() => compile("x", ["x", "sin"]))).toMatchInlineSnapshot(
      `"expression: variable name must be letters and digits, a letter first, and no function, constant or name used twice; got "sin". Rename it."`,
    );
    expect(message(() => compile("x", ["x"], { x: 1 }))).toMatchInlineSnapshot(
      `"expression: parameter name must be letters and digits, a letter first, and no function, constant or name used twice; got "x". Rename it."`,
    );
    expect(message(() => compile("x", ["x"], { a: Number.NaN }))).toMatchInlineSnapshot(
      `"expression: parameter a must be a finite number; got NaN. Give its value."`,
    );
    expect(message(() => compile("x", ["a_b"]))).toMatchInlineSnapshot(
      `"expression: variable name must be letters and digits, a letter first, and no function, constant or name used twice; got "a_b". Rename it."`,
    );
  });

  test("NaN names the expression and the point", () => {
    const f = compile("log(x) + y", XY);
    expect(message(() => f.evaluate(-1, 2))).toMatchInlineSnapshot(
      `"expression: "log(x) + y" must have a real value at x = -1, y = 2; got NaN. Keep the point inside the formula's domain, or change the formula."`,
    );
    expect(message(() => f.batch([Float64Array.of(1, 2, -3), Float64Array.of(0, 0, 5)]))).toMatchInlineSnapshot(
      `"expression: "log(x) + y" must have a real value at x = -3, y = 5; got NaN. Keep the point inside the formula's domain, or change the formula."`,
    );
    expect(message(() => compile("log(-1)", []).evaluate())).toMatchInlineSnapshot(
      `"expression: "log(-1)" must have a real value at every point; got NaN. Keep the point inside the formula's domain, or change the formula."`,
    );
    expect(value("1/x", 0)).toBe(Infinity); // infinite is a value: an obstacle
  });

  test("wrong numbers of values, ragged columns, unknown derivatives, jumps", () => {
    const f = compile("x + sign(y)", XY);
    expect(message(() => f.evaluate(1))).toMatchInlineSnapshot(
      `"expression: evaluate must get 2 numbers (x, y); got 1. Give one number for each variable, in their order."`,
    );
    expect(message(() => f.batch([Float64Array.of(1)]))).toMatchInlineSnapshot(
      `"expression: batch must get 2 columns (x, y); got 1. Give one column for each variable, in their order."`,
    );
    expect(message(() => f.batch([Float64Array.of(1), Float64Array.of(1, 2)]))).toMatchInlineSnapshot(
      `"expression: columns must have length 1; got 2. Give columns of one length."`,
    );
    expect(message(() => f.derivative("z"))).toMatchInlineSnapshot(
      `"expression: derivative must be by one of x, y; got "z". Name a variable."`,
    );
    expect(message(() => f.derivative("y"))).toMatchInlineSnapshot(
      `"expression: "x + sign(y)" must be continuous in y to be differentiated; got "sign(y)". Smooth the jump, for example tanh(x/0.1)."`,
    );
    expect(f.derivative("x").evaluate(0, 0)).toBe(1);
  });
});

test("batch writes where it is told and fills constants", () => {
  const out = new Float64Array(3);
  expect(compile("7", ["x"]).batch([new Float64Array(3)], out)).toBe(out);
  expect([...out]).toEqual([7, 7, 7]);
  expect(print(number(-2))).toBe("-2");
});
