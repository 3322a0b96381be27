// Comma-separated values as in RFC 4180: fields quoted when they hold a comma, a quote or a line break, quotes doubled.
// Read: CRLF, LF or CR line ends, a byte-order mark is skipped. Written: LF. Numbers are written so that they read back exactly.
// Reference: Shafranovich 2005, RFC 4180 (key shafranovich2005csv).
import { demand } from "../error.js";

/** A field: `null` (unmeasured) is written as an empty field. */
export type CsvValue = string | number | boolean | null;

/**
 * The text of a CSV file with a header line.
 *
 * @param header column names
 * @param rows one value for each column; NaN and ±Infinity are written by these words
 * @throws UsageError when a row has another length than the header
 */
export function encodeCsv(header: readonly string[], rows: readonly (readonly CsvValue[])[]): string {
  rows.forEach((row, i) => {
    demand(
      row.length === header.length,
      "encodeCsv",
      `rows[${i}]`,
      `have ${header.length} values, one for each column`,
      row.length,
      "Write null where there is no value",
    );
  });
  return [header, ...rows].map((row) => `${row.map(field).join(",")}\n`).join("");
}

function field(value: CsvValue): string {
  if (value === null) return "";
  const text = String(value);
  // An empty text is quoted, so that it differs from null and a line of one empty field from no line.
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Reads CSV text to its header and rows of text.
 *
 * @param text the file's content; the first line is the header
 * @returns header and rows; empty lines are skipped
 * @throws UsageError when a row has another length than the header or a quote is not closed
 */
export function decodeCsv(text: string): { readonly header: string[]; readonly rows: string[][] } {
  const where = "decodeCsv";
  const records: string[][] = [];
  const lines: number[] = [];
  let record: string[] = [];
  let value = "";
  let quoted = false;
  let wasQuoted = false;
  let line = 1;
  let started = 1;
  const closeRecord = (): void => {
    if (record.length > 0 || value !== "" || wasQuoted) {
      records.push([...record, value]);
      lines.push(started);
    }
    record = [];
    value = "";
    wasQuoted = false;
  };
  for (let i = text.charCodeAt(0) === 0xfeff ? 1 : 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\n" || (c === "\r" && text[i + 1] !== "\n")) line++;
    if (quoted) {
      if (c !== '"') value += c;
      else if (text[i + 1] === '"') {
        value += '"';
        i++;
      } else quoted = false;
    } else if (c === '"' && value === "") {
      quoted = true;
      wasQuoted = true;
    } else if (c === ",") {
      record.push(value);
      value = "";
      wasQuoted = false;
    } else if (c === "\n" || c === "\r") {
      if (c === "\r" && text[i + 1] === "\n") {
        i++;
        line++;
      }
      closeRecord();
      started = line;
    } else value += c;
  }
  demand(
    !quoted,
    where,
    "text",
    "close every quote",
    `a quote open since line ${started}`,
    'Double a quote inside a field: ""',
  );
  closeRecord();
  demand(records.length >= 1, where, "text", "have a header line", text, "Name the columns in the first line");
  const [header, ...rows] = records;
  rows.forEach((row, i) => {
    demand(
      row.length === header.length,
      where,
      `line ${lines[i + 1]}`,
      `have ${header.length} fields, as the header`,
      row.length,
      "Quote a field that holds a comma",
    );
  });
  return { header, rows };
}

/**
 * Reads a CSV file of numbers.
 *
 * @param text the file's content; the first line is the header
 * @param columns the columns wanted, in this order; default all
 * @returns names, number of rows, and the values row-major (rows × columns): ready for `cloud(values, columns.length)`
 * @throws UsageError when a column is missing or stands twice in the header, or a field is not a finite number
 */
export function decodeCsvNumbers(
  text: string,
  columns?: readonly string[],
): { readonly columns: string[]; readonly count: number; readonly values: Float64Array } {
  const where = "decodeCsvNumbers";
  const { header, rows } = decodeCsv(text);
  const names = [...(columns ?? header)];
  const at = names.map((name) => {
    const k = header.indexOf(name);
    demand(k >= 0, where, "column", `be one of ${header.join(", ")}`, name, "Check the header line");
    demand(header.indexOf(name, k + 1) < 0, where, "column", "stand once in the header", name, "Rename one of the two");
    return k;
  });
  const values = new Float64Array(rows.length * names.length);
  rows.forEach((row, i) => {
    at.forEach((k, a) => {
      const value = row[k].trim() === "" ? Number.NaN : Number(row[k]);
      demand(
        Number.isFinite(value),
        where,
        `row ${i + 1}, column ${names[a]}`,
        "be a finite number",
        row[k],
        "Remove or repair the row",
      );
      values[i * names.length + a] = value;
    });
  });
  return { columns: names, count: rows.length, values };
}
